"""Exercises of lesson 03, neurons and columns."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def remove(w1: Tensor, b1: Tensor, w2: Tensor, gone: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two layers without the neurons in `gone`."""
    stay = [k for k in range(len(b1)) if k not in gone]
    return w1[stay], b1[stay], w2[:, stay]


def taylor(outputs: Tensor, gradients: Tensor) -> Tensor:
    """Return the Taylor score of each neuron."""
    return (outputs * gradients).abs().mean(dim=0)


def favourite_share(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return which share of all that a neuron says it says to images of its favourite digit."""
    said = torch.stack([outputs[labels == digit].sum(dim=0) for digit in range(10)])
    return said.max(dim=0).values / said.sum(dim=0)


def fold(bias: Tensor, gone: list[int], next_weight: Tensor, next_bias: Tensor) -> Tensor:
    """Return the next layer's bias with the constants that the neurons in `gone` say."""
    constants = bias[gone].relu()
    return next_bias + next_weight[:, gone] @ constants


def _remove_rows_below(w1: Tensor, b1: Tensor, w2: Tensor, gone: list[int]) -> tuple:
    rows = [k for k in range(len(w2)) if k not in gone]
    return *remove(w1, b1, w2, gone)[:2], w2[rows]


def _remove_inputs(w1: Tensor, b1: Tensor, w2: Tensor, gone: list[int]) -> tuple:
    columns = [k for k in range(w1.shape[1]) if k not in gone]
    return w1[:, columns], *remove(w1, b1, w2, gone)[1:]


def _zero_instead(w1: Tensor, b1: Tensor, w2: Tensor, gone: list[int]) -> tuple:
    w1, b1, w2 = w1.clone(), b1.clone(), w2.clone()
    w1[gone], b1[gone], w2[:, gone] = 0, 0, 0
    return w1, b1, w2


def _said(outputs: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([outputs[labels == digit].sum(dim=0) for digit in range(10)])


def _zero_in_place(w1: Tensor, b1: Tensor, w2: Tensor, gone: list[int]) -> tuple:
    w1[gone], b1[gone], w2[:, gone] = 0, 0, 0
    return remove(w1, b1, w2, gone)


EXERCISES = (
    Quiz(
        "3.1", "A neuron without weights", 1, 1,
        choices={"a": "0, whatever the image", "b": "the same number for every image, and not "
                 "always 0", "c": "a different number for each image"},
        answer="b",
        mistakes={
            "a": "Its sum of products is 0, that is so. But is the sum all that a neuron computes?",
            "c": "All that depends on the image is multiplied by a weight, and its weights are 0.",
        },
        idea="what a neuron adds to its sum of products",
        hints=("A neuron computes relu(weights · inputs + something). What is left of it?",
               "The bias is left, and the same for every image."),
        right="Its bias is left, and what passes the ReLU is relu(bias).",
        why="relu(0 · x + bias) does not depend on x. It is 0 only where the bias is not positive.",
    ),
    Quiz(
        "3.2", "The oracle against chance", 1, 1,
        choices={"a": "better than all eight random choices", "b": "better than some of them and "
                 "worse than others", "c": "worse than all eight"},
        answer="c",
        mistakes={
            "a": "It knows exactly what each neuron is worth, to a network that has lost no other. "
                 "Here 150 go at once. Run the cell below.",
            "b": "So it would be no better than drawing neurons out of a hat. The cell below "
                 "says how far that goes.",
        },
        idea="what the oracle measures, and what is asked of it here",
        hints=("The oracle removes one neuron at a time and puts it back.",
               "Of several neurons that can stand in for one another, each alone can be spared. "
               "What if all of them go?"),
        right="Each of its 150 neurons could be spared alone; together they could not.",
        why="The oracle asks what the loss would be without one neuron while the other 299 are "
            "there. 150 neurons that are each worth little alone may be worth much together.",
    ),
    Quiz(
        "3.3", "An experiment against a guess", 2, 2,
        choices={
            "a": "remove the same neurons from more networks, with other seeds",
            "b": "give the next layer what they said on average, one number each, in its bias",
            "c": "retrain after they are removed",
            "d": "remove those that are active most often, and compare",
        },
        answer="b",
        mistakes={
            "a": "That shows whether the drop is there again. It may have either cause in every "
                 "one of them.",
            "c": "Retraining mends both kinds of damage, so it cannot tell them apart.",
            "d": "If the accuracy stays, are the others specialists, or do they only shift the "
                 "average more? Both explanations allow it.",
        },
        idea="what a specialist for few images says that no constant can say",
        hints=("Look for the experiment whose outcome differs between the two explanations.",
               "A specialist matters because it says different things to different images. What "
               "does a number that is the same for all images know of that?"),
        right="A constant is the same for all images, so what a specialist knew it cannot bring "
              "back.",
        why="If specialists were lost, a constant in the bias helps little. If what is missing is "
            "an average that all images share, it helps much. The two explanations predict "
            "different outcomes, and that is what makes it a test.",
    ),
    Quiz(
        "3.4", "The control for pixels", 2, 2,
        choices={
            "a": "94 pixels at random, of all 784",
            "b": "94 pixels at random, of the 717 that have ink in some training image",
            "c": "the 67 pixels that never have ink, and 27 at random of the others",
            "d": "the 94 pixels of largest L1 norm",
        },
        answer="c",
        mistakes={
            "a": "Of those about 8 never have ink, of the L1 norm's 94 it is 67. So it would be "
                 "beaten for something that lesson 01 has found without any score.",
            "b": "That control loses 94 pixels with ink, the L1 norm only 27: two things differ.",
            "d": "A choice that does worse than the opposite choice may still be no better than "
                 "chance.",
        },
        idea="everything the L1 norm's choice has but the one thing in question",
        hints=("67 of the L1 norm's 94 pixels need no score. Which of them are its own doing?",
               "The control should differ in those 27, and in nothing else."),
        right="It has the same 67 for nothing, and only the other 27 are drawn instead of chosen.",
        why="Both choices remove the 67 pixels that no training image uses. The 27 others are the "
            "score's in one and chance's in the other, so a difference is the score's doing.",
    ),
    Exercise(
        "3.5", "Remove neurons by hand", 2, 5,
        reference=remove,
        cases=lambda: [
            (torch.arange(12.0).reshape(4, 3), torch.tensor([0.1, 0.2, 0.3, 0.4]),
             torch.arange(8.0).reshape(2, 4), [1]),
            (torch.arange(20.0).reshape(5, 4), torch.arange(5.0), torch.arange(15.0).reshape(3, 5),
             [0, 2])],
        mistakes={
            "The biases are as many as before: each neuron that goes takes its own along.":
                lambda w1, b1, w2, gone: (remove(w1, b1, w2, gone)[0], b1,
                                          remove(w1, b1, w2, gone)[2]),
            "The next layer still has a column for each neuron that is gone.":
                lambda w1, b1, w2, gone: (*remove(w1, b1, w2, gone)[:2], w2),
            "That takes neurons away from the next layer, rows of w2. What read the neurons that "
            "go stands in columns.": _remove_rows_below,
            "That takes inputs away from the first layer, columns of w1. A neuron is a row there.":
                _remove_inputs,
            "They are zero there, and still in the matrices. Here they have to be gone.":
                _zero_instead,
            "The tensors you were given are changed there, and so is the network they belong to.":
                _zero_in_place,
            "Those are the neurons that should go. Return what is left without them.":
                lambda w1, b1, w2, gone: (w1[gone], b1[gone], w2[:, gone]),
        },
        idea="the picture of the struck-out neuron: what is its own, and what reads it",
        hints=("Three things go: its row in w1, its entry in b1, its column in w2.",
               "Make a list of the numbers that stay, and index with it.",
               "w1[stay] takes rows, w2[:, stay] takes columns."),
        right="That is remove_units, for two layers.",
        why="Rows of w1 and entries of b1 are the neurons themselves; the columns of w2 at the "
            "same places read them. What is left fits together again.",
    ),
    Exercise(
        "3.6", "Taylor by hand", 2, 5,
        reference=taylor,
        cases=lambda: [
            (torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[0.5, -1.0], [-0.5, 4.0]])),
            (torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 1.0], [1.0, 3.0, 0.0], [4.0, 0.0, 1.0]]),
             torch.tensor([[1.0, -1.0, 0.5], [0.5, 1.0, 0.5], [2.0, 0.5, 1.0], [-1.0, 2.0, -3]]))],
        mistakes={
            "There an image that a neuron helps cancels one that it harms: take the size image by "
            "image, before the mean.": lambda outputs, gradients: (
                outputs * gradients).mean(dim=0).abs(),
            "The signs are still there. The score asks how large the change is.":
                lambda outputs, gradients: (outputs * gradients).mean(dim=0),
            "That is the slope alone. A neuron that says 0 changes nothing by going, however "
            "steep the loss is.": lambda outputs, gradients: gradients.abs().mean(dim=0),
            "That has a value for each image. One for each neuron is asked for: the mean over "
            "images is over dimension 0.":
                lambda outputs, gradients: (outputs * gradients).abs().mean(dim=1),
            "That adds the images up; the score is their mean.":
                lambda outputs, gradients: (outputs * gradients).abs().sum(dim=0),
        },
        idea="the four lines of the derivation, and what is done with the sign",
        hints=("For one image the estimate is output times gradient. Its size is asked for.",
               "Multiply the two tensors, take .abs(), and then the mean over the images.",
               "The images are dimension 0."),
        right="That is taylor_scores. Nothing is removed for it.",
        why="−h · slope estimates what one image's loss would change by. Its absolute value is "
            "taken image by image, so that help here and harm there do not cancel.",
    ),
    Exercise(
        "3.7", "Who is a specialist?", 3, 6,
        reference=favourite_share,
        cases=lambda: [
            (torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1, 1])),
            (torch.tensor([[1.0, 2.0, 1.0], [1.0, 2.0, 4.0], [4.0, 0.0, 1.0], [0.0, 3.0, 2.0]]),
             torch.tensor([7, 7, 2, 9]))],
        mistakes={
            "That says which digit is the favourite. The share that it gets is asked for.":
                lambda outputs, labels: _said(outputs, labels).argmax(dim=0),
            "That is how much a neuron says to its favourite digit. A share divides by all that "
            "it says.": lambda outputs, labels: _said(outputs, labels).max(dim=0).values,
            "That counts the images in which a neuron is not silent; here it counts how much it "
            "says.": lambda outputs, labels: favourite_share((outputs != 0).float(), labels),
            "That is the share of the single image that it says most to. Add up the images of "
            "each digit first.":
                lambda outputs, labels: outputs.max(dim=0).values / outputs.sum(dim=0),
            "That divides by the images; a share divides by all that the neuron says.":
                lambda outputs, labels: _said(outputs, labels).max(dim=0).values / len(labels),
        },
        idea="two sums a neuron: what it says to one digit, and what it says to all",
        hints=("For one digit: outputs[labels == digit].sum(dim=0) is what each neuron says to it.",
               "Stack the ten digits to a tensor of shape (10, neurons). Which is the largest of "
               "each neuron?",
               "Divide the largest of each column by the column's sum."),
        right="Now call it on the network, as the text above asks. A neuron with no favourite at "
              "all would have about 0.1.",
        why="Ten sums a neuron, one for each digit. The largest over all ten together is the "
            "share of its favourite: 1 for a perfect specialist, about 0.1 for a neuron that "
            "treats all digits alike. On the shipped network the median is about 0.37 for the "
            "third that speaks least often and 0.25 for the others: they lean more to one digit, "
            "but none speaks for it alone.",
    ),
    Exercise(
        "3.8", "Fold the constants", 3, 8,
        reference=fold,
        cases=lambda: [
            (torch.tensor([2.0, -1.0, 0.5]), [0], torch.tensor(
                [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]), torch.tensor([1.0, -1, 0.5])),
            (torch.tensor([2.0, -1.0, 0.5]), [1, 2], torch.tensor(
                [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]), torch.tensor([1.0, -1, 0.5])),
            (torch.tensor([-2.0, -1.0]), [0, 1], torch.eye(2), torch.tensor([3.0, 4.0]))],
        mistakes={
            "A ReLU follows the neuron: of a negative bias nothing arrives.":
                lambda bias, gone, next_weight, next_bias:
                    next_bias + next_weight[:, gone] @ bias[gone],
            "Those are rows of the next layer's weight, its own neurons. What reads neuron k "
            "stands in column k.":
                lambda bias, gone, next_weight, next_bias:
                    next_bias + next_weight.T[:, gone] @ bias[gone].relu(),
            "The next layer's own bias is lost there: the constants are added to it.":
                lambda bias, gone, next_weight, next_bias: next_weight[:, gone] @ bias[gone].relu(),
            "The constants flow into the sum, so they are added and not taken away.":
                lambda bias, gone, next_weight, next_bias:
                    next_bias - next_weight[:, gone] @ bias[gone].relu(),
            "Each reader multiplies a constant by its own weight for it; there it goes in as it "
            "is.": lambda bias, gone, next_weight, next_bias: next_bias + bias[gone].relu().sum(),
            "The next layer's bias itself is changed there: + makes a new tensor, += does not.":
                lambda bias, gone, next_weight, next_bias:
                    next_bias.add_(next_weight[:, gone] @ bias[gone].relu()),
        },
        idea="what one reader gets from one such neuron: its weight for it times relu(bias)",
        hints=("Neuron k says relu(bias[k]) to everyone. What does the first neuron of the next "
               "layer make of it?",
               "It adds next_weight[0, k] * relu(bias[k]). Column k holds this weight for all of "
               "its neighbours too.",
               "Columns gone, times the constants, in one product: next_weight[:, gone] @ "
               "constants; and that is added to next_bias."),
        right="That is what remove_units does with constants folded: nothing is lost.",
        why="Such a neuron is the constant relu(bias). Each neuron of the next layer reads it with "
            "its weight in that column, so the product is what it adds, and a bias is a number "
            "that is always added.",
    ),
)
