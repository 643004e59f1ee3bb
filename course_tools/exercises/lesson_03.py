"""Exercises of lesson 03, neurons and columns."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def silence(weight: Tensor, bias: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return weight and bias with neuron k wholly silent."""
    weight, bias = weight.clone(), bias.clone()
    weight[k] = 0
    bias[k] = 0
    return weight, bias


def activity(outputs: Tensor) -> Tensor:
    """Return 1 − APoZ of each neuron."""
    return (outputs != 0).float().mean(dim=0)


def fold(bias: Tensor, gone: list[int], next_weight: Tensor, next_bias: Tensor) -> Tensor:
    """Return the next layer's bias with what the neurons that go still say."""
    constants = bias[gone].relu()
    return next_bias + next_weight[:, gone] @ constants


def _silence_others(weight: Tensor, bias: Tensor, k: int) -> tuple[Tensor, Tensor]:
    this = torch.arange(len(bias)) == k
    return weight * this[:, None], bias * this


def _silence_column(weight: Tensor, bias: Tensor, k: int) -> tuple[Tensor, Tensor]:
    return silence(weight.T, bias, k)[0].T, silence(weight, bias, k)[1]


def _silence_in_place(weight: Tensor, bias: Tensor, k: int) -> tuple[Tensor, Tensor]:
    weight[k], bias[k] = 0, 0
    return weight, bias


def _without(weight: Tensor, bias: Tensor, k: int) -> tuple[Tensor, Tensor]:
    others = torch.arange(len(bias)) != k
    return weight[others], bias[others]


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
    Exercise(
        "3.2", "Silence a neuron", 1, 4,
        reference=silence,
        cases=lambda: [
            (torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), torch.tensor([0.5, -0.5]), 1),
            (torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([0.1, 0.2, 0.3]), 0)],
        mistakes={
            "The neuron still says relu(bias): its bias has to go as well.":
                lambda weight, bias, k: (silence(weight, bias, k)[0], bias.clone()),
            "That blinds all neurons to one input. In PyTorch's matrix a neuron is a row.":
                _silence_column,
            "That silences all neurons but this one.": _silence_others,
            "The neuron is removed there, so the shapes are others. Here it is to be zero.":
                _without,
            "The tensors you were given are changed there, and so is the network they belong to. "
            "Clone them first.": _silence_in_place,
        },
        idea="the two things that make up a neuron, its row and its bias",
        hints=("A neuron has a row of weights and one more number.",
               "weight[k] is its row, bias[k] its bias.",
               "Clone both, set both to 0 at k, return both."),
        right="That is zero_units, for one neuron of one layer.",
        why="Row k and entry k are all that makes up the neuron. Both are set to 0 in copies, so "
            "that the network they come from stays as it is.",
    ),
    Exercise(
        "3.3", "How often a neuron speaks", 2, 4,
        reference=activity,
        cases=lambda: [
            (torch.tensor([[0.0, 1.5, 2.0], [0.0, 0.0, 3.0]]),),
            (torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 4.0], [2.0, 1.0, 0.0]]),)],
        mistakes={
            "That is how often a neuron is silent, APoZ itself. As a score higher has to matter "
            "more.": lambda outputs: (outputs == 0).float().mean(dim=0),
            "That has a value for each image. One for each neuron is asked for, so it is the "
            "images, dimension 0, to take the mean over.":
                lambda outputs: (outputs != 0).float().mean(dim=1),
            "That is how loudly a neuron speaks on average; the question is how often.":
                lambda outputs: outputs.mean(dim=0),
            "That is one number for the whole layer; each neuron is to have its own.":
                lambda outputs: (outputs != 0).float().mean(),
            "That counts images; a share divides by how many there are.":
                lambda outputs: (outputs != 0).sum(dim=0),
        },
        idea="what APoZ is short for, and which dimension the images are",
        hints=("For each neuron: for which share of the images is its output not 0?",
               "(outputs != 0).float() is 1 where a neuron speaks. Take the mean over the images.",
               "The images are dimension 0: .mean(dim=0)."),
        right="And now you know why a specialist scores low: it speaks seldom.",
        why="Where a neuron speaks its output is not 0. The mean of that over the images, which "
            "are the rows, leaves one share for each neuron.",
    ),
    Exercise(
        "3.4", "Fold the dead", 3, 10,
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
        idea="what one reader gets from one dead neuron: its weight for it times relu(bias)",
        hints=("Neuron k says relu(bias[k]) to everyone. What does the first neuron of the next "
               "layer make of it?",
               "It adds next_weight[0, k] * relu(bias[k]). Column k holds this weight for all of "
               "its neighbours too.",
               "Columns gone, times the constants, in one product: next_weight[:, gone] @ "
               "constants; and that is added to next_bias."),
        right="That is what remove_units does with constants folded: nothing is lost.",
        why="A dead neuron is the constant relu(bias). Each neuron of the next layer reads it with "
            "its weight in that column, so the product is what it adds, and a bias is a number "
            "that is always added.",
    ),
)
