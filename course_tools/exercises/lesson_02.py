"""Exercises of lesson 02, weights and masks."""

from math import prod

import torch
from torch import Tensor

from course_lib.masks import keep_top

from course_tools.exercises.kinds import Exercise, Quiz


def sparsity_after(shares: list[float]) -> float:
    """Return the sparsity after rounds that each remove a share of what is left."""
    left = 1.0
    for share in shares:
        left = left * (1 - share)
    return 1 - left


def keep_per_unit(weight: Tensor, k: int) -> Tensor:
    """Return a mask that keeps the k largest magnitudes of each row."""
    largest = weight.abs().topk(k, dim=1).indices
    nothing = torch.zeros_like(weight, dtype=torch.bool)
    return nothing.scatter(1, largest, True)


def control_budget(masks: dict[str, Tensor]) -> dict[str, float]:
    """Return the share of zeros in each layer, {layer: share}: the budget for a random control."""
    return {name: float((~mask).sum() / mask.numel()) for name, mask in masks.items()}


def carried(weight: Tensor, inputs: Tensor) -> Tensor:
    """Score each weight by the mean size of what it carries, weight times input."""
    return weight.abs() * inputs.abs().mean(0)


def _cut(scores: Tensor, sparsity: float) -> Tensor:
    """Return the first score that stays, counted from the lowest."""
    return scores.flatten().sort().values[round(sparsity * scores.numel())]


def _zeros(masks: dict[str, Tensor]) -> dict[str, int]:
    return {name: int((~mask).sum()) for name, mask in masks.items()}


def _shared_out(masks: dict[str, Tensor], share: float) -> dict[str, float]:
    return dict.fromkeys(masks, share)


def _in_all(masks: dict[str, Tensor]) -> float:
    return sum(_zeros(masks).values()) / sum(mask.numel() for mask in masks.values())


def _keep_of_all(weight: Tensor, count: int) -> Tensor:
    return keep_top(weight.abs(), 1 - count / weight.numel())


EXERCISES = (
    Exercise(
        "2.1", "Keep the top", 2, 8,
        reference=keep_top,
        cases=lambda: [(torch.tensor([0.1, 0.9, 0.3, 0.2]), 0.75),
                       (torch.tensor([[0.4, 0.1, 0.7], [0.2, 0.6, 0.5]]), 1 / 3),
                       (torch.tensor([3.0, 1.0, 2.0, 1.0, 1.0]), 0.35),
                       (torch.tensor([0.3, 0.2]), 0.0)],
        mistakes={
            "The largest scores go there. A high score matters, so the lowest go first.":
                lambda scores, sparsity: keep_top(-scores, sparsity),
            "There the sparsity is the share that stays. It is the share of zeros.":
                lambda scores, sparsity: keep_top(scores, 1 - sparsity),
            "That mask is True where a weight goes. True keeps: turn it round.":
                lambda scores, sparsity: ~keep_top(scores, sparsity),
            "One too many goes: sorted[k], counted from 0, is the first that stays, and > throws "
            "it out as well.": lambda scores, sparsity: scores > _cut(scores, sparsity),
            "Equal scores stand or fall together there, so the count is not the one asked for. A "
            "threshold cannot tell them apart; an order can.":
                lambda scores, sparsity: scores >= _cut(scores, sparsity),
            "The number of zeros is rounded down there; it has to be rounded to the nearest.":
                lambda scores, sparsity: keep_top(
                    scores, int(sparsity * scores.numel()) / scores.numel()),
        },
        idea="the order of the scores: the first so many of it go",
        hints=("First find how many go, as a whole number: round does that.",
               "scores.flatten().argsort(stable=True) gives the places of the scores, the lowest "
               "first and of equal ones the earlier first.",
               "Begin with a mask of True as long as the flat scores, set it to False at the first "
               "so many of those places, and reshape it to scores.shape."),
        right="The library's keep_top does the same, and refuses what cannot be meant.",
        why="Sorted by score, the first so many places are those that go, however many scores are "
            "equal. This is the library's own function; it first refuses a sparsity that is no "
            "share and scores that are no numbers.",
    ),
    Quiz(
        "2.2", "The file", 1, 1,
        choices={"a": "a tenth as long", "b": "about a fifth: a place has to be stored beside "
                 "each weight", "c": "half as long", "d": "as long as before"},
        answer="d",
        mistakes={
            "a": "That would hold if nothing but the other weights were written. How would a "
                 "reader of the file know where they belong?",
            "b": "Such formats exist, and lesson 07 measures them. Here the tensors are written "
                 "as they are, with all their places.",
            "c": "Nothing in an ordinary file packs zeros together.",
        },
        idea="the matrix of the drawn network after its weight had become zero",
        hints=("Look at the small matrix once more, after its weight was set to zero. How many "
               "places does it have?",
               "A zero is a number of four bytes."),
        right="A zero is a number like any other, and takes its four bytes.",
        why="The file holds each tensor with all its places. Which of them are zero makes no "
            "difference to its length.",
    ),
    Exercise(
        "2.3", "Rounds", 1, 3,
        reference=sparsity_after,
        cases=lambda: [([0.5, 0.5],), ([0.9],), ([0.2, 0.2, 0.2],), ([0.5, 0.0, 0.8],)],
        mistakes={
            "Shares of different wholes cannot be added: the second round's is a share of what the "
            "first one left.": sum,
            "That multiplies what goes. What stays has to be multiplied.": prod,
            "That is what is left, the density.":
                lambda shares: prod(1 - share for share in shares),
            "That is what the last round removes, of what was left by then. Sparsity is a share of "
            "all weights.": lambda shares: shares[-1],
            "That is the mean of the rounds; what they remove adds up.":
                lambda shares: sum(shares) / len(shares),
        },
        idea="sparsity, a share of all weights and not of those that are left",
        hints=("What share of all weights is left after the first round? And after the second?",
               "A round that removes a share s leaves 1 − s of what it found.",
               "Multiply 1 − share over all rounds; one minus that product is the sparsity."),
        right="Ten rounds of 20 % leave about a tenth: small steps go far.",
        why="What is left is multiplied by 1 − share in each round. Sparsity is what is missing at "
            "the end, of the original count.",
    ),
    Exercise(
        "2.4", "Beat magnitude", 3, 6,
        reference=carried,
        cases=lambda: [
            (torch.tensor([[0.9, -0.5, 0.2], [0.1, 0.6, -0.8]]),
             torch.tensor([[1.0, 2.0, 3.0], [1.0, 0.0, 1.0]])),
            (torch.tensor([[2.0, -1.0]]), torch.tensor([[3.0, -1.0], [-3.0, 2.0], [1.0, 0.0]])),
            (torch.tensor([[0.5], [-0.25]]), torch.tensor([[0.0], [4.0], [4.0]]))],
        mistakes={
            "That is the magnitude, which knows nothing of the inputs.":
                lambda weight, inputs: weight.abs(),
            "A negative weight gets a negative score there, the lowest of all. What counts is the "
            "size of what it carries.": lambda weight, inputs: weight * inputs.abs().mean(0),
            "Inputs of opposite signs cancel there. First take the size, then the mean.":
                lambda weight, inputs: weight.abs() * inputs.mean(0).abs(),
            "That is the sum over the images. It gives the same order, but its size depends on "
            "how many images there are; the mean is asked for.":
                lambda weight, inputs: weight.abs() * inputs.abs().sum(0),
            "That is the most that it carries for any image; the mean is asked for.":
                lambda weight, inputs: weight.abs() * inputs.abs().amax(0),
        },
        idea="what a connection adds to its unit for one image, and then for all of them",
        hints=("For one image, weight i of a unit carries weight[i] * inputs[i]. What is its size?",
               "The size of a product is the product of the sizes, so the weight's size can be "
               "taken out of the mean.",
               "The mean over the images, for each input: dimension 0. Broadcasting multiplies "
               "each row of weights by it."),
        right="Now try it against magnitude, on the same layer at the same sparsity.",
        why="Zeroing a weight changes its unit's output by what the weight carries, so this score "
            "asks how large that change is on average. On the shipped network, with 90 % of fc1 "
            "zero and nothing retrained, about 96 % of the validation digits are read with it, and "
            "about 88 % with magnitude. That is one network and one layer; lesson 12 goes on.",
    ),
    Exercise(
        "2.5", "So many for each unit", 3, 8,
        reference=keep_per_unit,
        cases=lambda: [
            (torch.tensor([[1.0, -3.0, 2.0], [0.3, 0.1, -0.2]]), 1),
            (torch.tensor([[1.0, -3.0, 2.0], [0.3, 0.1, -0.2]]), 2),
            (torch.tensor([[5.0, 6.0, -7.0, 1.0], [-0.4, 0.3, 0.2, -0.1],
                           [0.5, -2.0, 1.5, 4.0]]), 3)],
        mistakes={
            "A large negative weight counts as small there: magnitudes are asked for.":
                lambda weight, k: keep_per_unit(weight.exp(), k),
            "That keeps k in each column. A unit is a row, and its weights stand along "
            "dimension 1.": lambda weight, k: keep_per_unit(weight.T, min(k, len(weight))).T,
            "All units compete there, and one with small weights comes out empty. Each row is to "
            "keep k of its own.": lambda weight, k: _keep_of_all(weight, k * len(weight)),
            "The smallest stay there.":
                lambda weight, k: keep_per_unit(1 / weight, k),
            "There k go from each row. It is k that stay.":
                lambda weight, k: keep_per_unit(weight, weight.shape[1] - k),
        },
        idea="which dimension runs along the weights of one unit",
        hints=("weight.abs() has a row for each unit. For one row alone: where are its k largest?",
               "topk(k, dim=1) gives .values and .indices, row by row.",
               "Begin with a mask of False and set it to True at those indices: scatter(1, "
               "indices, True) does it row by row, and so does a loop over the rows."),
        right="Some chips ask for a pattern like this: so many weights of each small group.",
        why="topk finds the places of the k largest magnitudes in each row, and scatter writes "
            "True there, into a mask that begins as False everywhere.",
    ),
    Exercise(
        "2.6", "A fair control", 2, 5,
        reference=control_budget,
        cases=lambda: [
            ({"fc1": torch.tensor([[True, False, False, False], [False, False, True, False]]),
              "fc2": torch.tensor([[True, False], [True, True]])},),
            ({"a": torch.tensor([False, True, False, False, False]), "b": torch.tensor([True]),
              "c": torch.tensor([[False, False], [True, False]])},),
            ({"only": torch.tensor([True, False, True])},)],
        mistakes={
            "That gives every layer the same share, the overall one. It is the control of before, "
            "which has another budget than the method.":
                lambda masks: _shared_out(masks, _in_all(masks)),
            "Every layer gets the mean of the layers' shares there. Its own share is what each "
            "needs.": lambda masks: _shared_out(masks, sum(
                control_budget(masks).values()) / len(masks)),
            "That is the share that stays. random_masks wants the share that goes.":
                lambda masks: {name: 1 - share for name, share in control_budget(masks).items()},
            "Those are numbers of zeros; random_masks wants a share of each layer's weights.":
                _zeros,
            "That is how the zeros are divided among the layers. Divide by the layer's own number "
            "of weights, not by the number of all zeros.":
                lambda masks: {name: zeros / sum(_zeros(masks).values())
                               for name, zeros in _zeros(masks).items()},
        },
        idea="what a control shares with the method, and what alone may differ",
        hints=("The control must leave as many weights in each layer as the method does; only "
               "which ones may differ.",
               "For one mask: how many of its entries are False, and how many has it?",
               "A dict with one number for each name: {name: … for name, mask in masks.items()}."),
        right="As many weights in every layer, and only the choice left to chance.",
        why="A control gets everything that the method gets except the one thing in question. To "
            "ask about the choice, it takes the budget over, layer by layer: "
            "random_masks(model, control_budget(masks)).",
    ),
    Quiz(
        "2.7", "Break-even", 2, 2,
        answer=50.0,
        tolerance=0.5,
        mistakes={
            0.5: "As a share that is right. The answer is asked for in per cent.",
            90: "There the file is far shorter already. How many bytes does one weight that is "
                "left take, and how many weights are left?",
            33.3: "That would be so if a place took two bytes. Here it takes four.",
            100: "At 100 % nothing is left to store. Find where both files are equally long.",
        },
        idea="how many bytes each weight that is left takes, its place included",
        hints=("The ordinary file takes four bytes for each of n weights, whatever they are.",
               "The other one takes 4 + 4 bytes for each weight that is not zero, and nothing for "
               "the others.",
               "For which density is 8 bytes times density equal to 4 bytes?"),
        right="Below that, storing places makes the file longer.",
        why="8 bytes times the density is less than 4 bytes once the density is below one half. At "
            "90 % the file would take 0.1 × 8 instead of 4 bytes a weight: a fifth, not a tenth.",
    ),
)
