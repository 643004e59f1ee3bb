"""Exercises of lesson 01, why prune."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def merged(next_weight: Tensor, next_bias: Tensor, stays: int, goes: int, scale: float,
           shift: float) -> tuple[Tensor, Tensor]:
    """Return the next layer's weights and biases when one unit speaks for two."""
    weight, bias = next_weight.clone(), next_bias.clone()
    heard = weight[:, goes].clone()
    weight[:, stays] += scale * heard
    bias += shift * heard
    weight[:, goes] = 0
    return weight, bias


def _with(next_weight: Tensor, next_bias: Tensor, column: int, new: Tensor, goes: int | None,
          more: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
    """Return what a mistake makes: a new column, another of zeros, and more in the biases."""
    weight = next_weight.clone()
    weight[:, column] = new
    if goes is not None:
        weight[:, goes] = 0
    return weight, next_bias + more


def _rows_merged(weight: Tensor, bias: Tensor, stays: int, goes: int, scale: float,
                 shift: float) -> tuple[Tensor, Tensor]:
    flipped, _ = merged(weight.T, weight.new_zeros(weight.shape[1]), stays, goes, scale, shift)
    return flipped.T, bias + shift * weight[:, goes]


def largest_rank(m: int, n: int) -> int:
    """Return the largest k for which the two steps hold fewer weights than the layer."""
    k = 0
    while (k + 1) * (m + n) < m * n:
        k += 1
    return k


def dead_units(outputs: Tensor) -> int:
    """Return how many units are 0 for every image."""
    always_silent = (outputs == 0).all(dim=0)
    return int(always_silent.sum())


def directions(held: Tensor, share: float) -> int:
    """Return how many axes it takes to hold the share."""
    too_few = held < share
    return int(too_few.sum()) + 1


EXERCISES = (
    Quiz(
        "1.1", "Random removal", 1, 1,
        choices={"a": "at about 5 % zeros", "b": "at about 20 %", "c": "at about 50 %",
                 "d": "at about 90 %"},
        answer="c",
        mistakes={
            "a": "Then each weight would have to be needed. You have seen nearly half of the first "
                 "layer go at little cost, if the smallest and not any half of it.",
            "b": "It is sturdier than that: sums of hundreds of terms bear the loss of some.",
            "d": "That would leave one weight in ten, wherever it stands. The network is not so "
                 "sturdy.",
        },
        idea="how much of a sum is left when a share of its terms goes at random",
        hints=("Each unit of the first layer adds up 784 products. What does losing some of them "
               "do to the sum?",
               "The answer lies in the middle of the scale."),
        right="And well before that it begins to bend. The experiment shows where.",
        why="A unit adds up hundreds of products. Without some of them, at random, the sum keeps "
            "its direction for long, until chance outweighs what is left of it.",
    ),
    Quiz(
        "1.2", "Training or decay", 2, 2,
        choices={
            "a": "train more networks like the shipped one, from other seeds, and count twins",
            "b": "train networks with decay and without, the same seeds and epochs for both, and "
                 "count",
            "c": "count twins in untrained networks from other seeds",
            "d": "train one network with decay for twice as long, and count"},
        answer="b",
        mistakes={
            "a": "That tells whether our network is an exception. But each of these networks has "
                 "both, training and decay, so whichever of the two makes twins, you would count "
                 "the same.",
            "c": "That makes sure of the 0. What lies between untrained and trained is still two "
                 "things at once: training and decay.",
            "d": "Twice as long is more training and more decay. If twins grow in number, either "
                 "may have done it.",
        },
        idea="which experiment changes one of the two things and leaves the other as it is",
        hints=("Two things happened to the trained network that did not happen to the untrained "
               "one. Which experiment has one of them without the other?",
               "Training without decay can be done. Decay without training cannot."),
        right="One thing differs, the decay. What the two groups differ in, decay has made.",
        why="In (b) the two groups share seeds, epochs and data, and differ in decay alone. In all "
            "others either both are there or neither is.",
    ),
    Quiz(
        "1.3", "A narrow network, damaged", 2, 1,
        choices={"a": "less: it has less to lose", "b": "about as much",
                 "c": "several times as much"},
        answer="c",
        mistakes={
            "a": "It has fewer weights, and loses fewer of them. But each of those is a larger "
                 "part of what the network has.",
            "b": "The share is the same. But the wide network says most things many times over, "
                 "and the narrow one cannot.",
        },
        idea="how often a thing is said in a network of 32 units, and in one of 300",
        hints=("If 300 units say what a few dozen directions say, how often is each thing said? "
               "And with 32 units?",
               "What is said once is lost when it is lost."),
        right="Fewer units, fewer voices for the same thing. The figure shows it from 4 units up.",
        why="If blind damage is borne because many units say the same, fewer units must bear it "
            "worse. From 4 units up they do, on average over eight seeds at each width.",
    ),
    Exercise(
        "1.4", "One speaks for two", 3, 10,
        reference=merged,
        cases=lambda: [
            (torch.tensor([[1.0, 2.0, 0.5, -1.0], [0.0, 4.0, -3.0, 2.0], [2.0, -2.0, 1.0, 1.5]]),
             torch.tensor([0.5, -1.0, 0.25]), 0, 1, 2.0, 0.5),
            (torch.tensor([[3.0, 1.0, -2.0], [0.5, 2.0, 4.0], [1.0, -1.0, 0.5]]),
             torch.tensor([1.0, 0.0, -2.0]), 2, 0, 0.5, -3.0),
            (torch.tensor([[1.0, 3.0], [-2.0, 0.5]]), torch.tensor([0.0, 1.0]), 1, 0, 0.25, 0.0)],
        mistakes={
            "The shift is lost. It comes with every image, so it belongs into the biases, for each "
            "reader times the weight by which it heard the unit that goes.":
                lambda weight, bias, stays, goes, scale, shift: (
                    merged(weight, bias, stays, goes, scale, 0.0)),
            "The shift went into the biases as it is. A reader hears it times its weight for the "
            "unit that goes.":
                lambda weight, bias, stays, goes, scale, shift: (
                    merged(weight, bias, stays, goes, scale, 0.0)[0], bias + shift),
            "The scale is lost: the unit that goes said scale times what the other says.":
                lambda weight, bias, stays, goes, scale, shift: (
                    merged(weight, bias, stays, goes, 1.0, shift)),
            "The unit that stays now speaks for the other and no longer for itself: add to its "
            "weights, do not replace them.":
                lambda weight, bias, stays, goes, scale, shift: _with(
                    weight, bias, stays, scale * weight[:, goes], goes, shift * weight[:, goes]),
            "The unit that goes is still heard, and what it says is heard twice: its column has to "
            "become 0.":
                lambda weight, bias, stays, goes, scale, shift: _with(
                    weight, bias, stays, weight[:, stays] + scale * weight[:, goes], None,
                    shift * weight[:, goes]),
            "The unit has gone and nothing has taken its place. Pass its column on before you set "
            "it to 0.":
                lambda weight, bias, stays, goes, scale, shift: _with(
                    weight, bias, goes, torch.zeros(len(bias)), goes),
            "That works on rows. A row holds what one unit of the next layer hears; what all of "
            "them hear of unit k is column k.": _rows_merged,
        },
        idea="what each unit of the next layer heard of the two units, and what it hears now",
        hints=("Write down what a unit of the next layer hears of the two: weight times output for "
               "each. Put scale · (the other's output) + shift in place of the output that goes.",
               "That leaves the output that stays, times a sum of two terms, and a number that is "
               "the same for all images.",
               "Three steps on copies: add scale times column goes to column stays; add shift "
               "times column goes to the biases; set column goes to 0."),
        right="The readers hear what they heard before, as exactly as scale and shift fit.",
        why="A reader hears a · kept + b · gone, and gone is scale · kept + shift. So it hears "
            "(a + b · scale) · kept + b · shift: the first is the new weight, the second goes into "
            "the bias.",
    ),
    Exercise(
        "1.5", "When two steps pay", 2, 5,
        reference=largest_rank,
        cases=lambda: [(300, 784), (4, 4), (10, 100), (100, 300), (2, 2)],
        mistakes={
            "With that k the two steps hold as many weights as the layer for some sizes. Fewer is "
            "asked for.": lambda m, n: m * n // (m + n),
            "That k is the first that no longer pays.": lambda m, n: largest_rank(m, n) + 1,
            "There are two matrices, and both have to be stored: from n inputs to k numbers, and "
            "from k numbers to m units.": lambda m, n: (m * n - 1) // n,
            "That is the number of directions that there are. With all of them the two steps hold "
            "more than the layer itself.": min,
            "Half of all directions is a guess; for some sizes it pays no longer, and for others "
            "more would.": lambda m, n: min(m, n) // 2,
            "Rounded up, it may no longer pay.": lambda m, n: round(m * n / (m + n)),
        },
        idea="how many weights the layer has, and how many the two steps have together",
        hints=("The layer has m · n weights. How many has the first step, from n inputs to k "
               "numbers, and how many the second, from k numbers to m units?",
               "Together k · (m + n). You want the largest k for which that is less than m · n.",
               "Count k up for as long as the next one still pays; or divide, and mind the case in "
               "which nothing is left over."),
        right="For fc1 that is 216: hardly a gain at 200 directions, a large one at 40.",
        why="The two steps hold k · (m + n) weights, the layer m · n. They pay for as long as the "
            "first is smaller, so k has to stay below m · n / (m + n).",
    ),
    Exercise(
        "1.6", "Dead units", 2, 5,
        reference=dead_units,
        cases=lambda: [
            (torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),),
            (torch.tensor([[1.0], [3.0], [0.0]]),),
            (torch.tensor([[0.0, 2.0, 0.0], [4.0, 0.0, 0.0]]),)],
        mistakes={
            "That counts images for which every unit is 0. Units are the columns here, so it is "
            "over the images, dimension 0, that all have to be 0.":
                lambda outputs: (outputs == 0).all(dim=1).sum(),
            "That counts units that are 0 for at least one image; most are now and then. Dead is "
            "who is 0 for all.": lambda outputs: (outputs == 0).any(dim=0).sum(),
            "That is how many are alive.": lambda outputs: (outputs != 0).any(dim=0).sum(),
            "That is how many zeros there are in the table. A unit counts once, and only if its "
            "whole column is 0.": lambda outputs: (outputs == 0).sum(),
            "That is the share of units; the question is how many.":
                lambda outputs: (outputs == 0).all(dim=0).float().mean(),
        },
        idea="which dimension the images are and which the units",
        hints=("outputs has a row for each image and a column for each unit. Which of its columns "
               "are 0 from top to bottom?",
               "(outputs == 0).all(dim=...) asks whether all along a dimension are 0. You want one "
               "answer for each unit, so the images' dimension has to vanish.",
               "Count the True in (outputs == 0).all(dim=0), with .sum()."),
        right="All that reads such a unit can go, and so can all that it reads.",
        why="A unit is dead if it is 0 for all images, so we ask over the images, dimension 0. One "
            "True or False a unit is left, and their sum is the number.",
    ),
    Exercise(
        "1.7", "Enough directions", 2, 5,
        reference=directions,
        cases=lambda: [(torch.tensor([0.5, 0.75, 0.875, 1.0]), share)
                       for share in (0.75, 0.8, 0.3, 1.0)],
        mistakes={
            "That is the place in the tensor, which begins with 0; the number of axes is one "
            "more.": lambda held, share: (held < share).sum(),
            "Exactly the share is enough: at least, not more than.":
                lambda held, share: (held <= share).sum() + 1,
            "That counts how many entries reach the share. The question is how far one has to go "
            "for the first of them.": lambda held, share: (held >= share).sum(),
            "The shares are added up already: the third is what the first three hold together.":
                lambda held, share: (held.cumsum(0) < share).sum() + 1,
            "That is where the share held is nearest; it may still be too little.":
                lambda held, share: (held - share).abs().argmin() + 1,
        },
        idea="what the entries of held mean: the first says what one axis holds",
        hints=("held grows. Go along it: how many entries are still too small?",
               "If two entries are too small, it takes three axes.",
               "Count the entries below the share, (held < share).sum(), and add one."),
        right="Mind the difference between place and number: cuts in pruning code slip on it too.",
        why="As long as what is held is below the share, one more axis is needed. So we count "
            "the entries that are too small, and the next one is enough.",
    ),
)
