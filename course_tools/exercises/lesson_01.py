"""Exercises of lesson 01, why prune."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def share_below(weights: Tensor, threshold: float) -> Tensor:
    """Return the share of weights whose magnitude is below the threshold."""
    return (weights.abs() < threshold).float().mean()


def dead_units(outputs: Tensor) -> int:
    """Return how many units are 0 for every image."""
    always_silent = (outputs == 0).all(dim=0)
    return int(always_silent.sum())


def directions(held: Tensor, share: float) -> int:
    """Return how many components it takes to hold the share."""
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
    Exercise(
        "1.2", "Share of small weights", 1, 3,
        reference=share_below,
        cases=lambda: [(torch.tensor([0.1, -3.0, -0.5, -0.2, 0.75]), 0.5),
                       (torch.tensor([1.0, -1.0]), 0.3),
                       (torch.tensor([[0.25, -0.125], [-0.5, 2.0]]), 0.25)],
        mistakes={
            "A negative weight counts as small there, however large it is: take the magnitude "
            "first.": lambda weights, threshold: (weights < threshold).float().mean(),
            "That is the share of the weights that are not below the threshold.":
                lambda weights, threshold: (weights.abs() >= threshold).float().mean(),
            "That is their number; a share divides by the number of all weights.":
                lambda weights, threshold: (weights.abs() < threshold).sum(),
            "A weight whose magnitude is exactly the threshold is not below it: <, not <=.":
                lambda weights, threshold: (weights.abs() <= threshold).float().mean(),
        },
        idea="magnitude, the weight without its sign",
        hints=("Two steps: take the sign away, then compare.",
               "weights.abs() takes the sign away; a comparison gives True or False for each.",
               "Take the mean of (weights.abs() < threshold).float()."),
        right="With a threshold, this is the sparsity you would get by pruning below it.",
        why="Small means close to zero on either side, so the sign goes first. The mean of True "
            "and False, as 1 and 0, is the share.",
    ),
    Exercise(
        "1.3", "Dead units", 2, 5,
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
        "1.4", "Enough directions", 2, 5,
        reference=directions,
        cases=lambda: [(torch.tensor([0.5, 0.75, 0.875, 1.0]), share)
                       for share in (0.75, 0.8, 0.3, 1.0)],
        mistakes={
            "That is the place in the tensor, which begins with 0; the number of components is one "
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
        idea="what the entries of held mean: the first says what one component holds",
        hints=("held grows. Go along it: how many entries are still too small?",
               "If two entries are too small, it takes three components.",
               "Count the entries below the share, (held < share).sum(), and add one."),
        right="Mind the difference between place and number: cuts in pruning code slip on it too.",
        why="As long as what is held is below the share, one more component is needed. So we count "
            "the entries that are too small, and the next one is enough.",
    ),
)
