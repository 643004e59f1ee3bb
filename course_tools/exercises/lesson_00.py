"""Exercises of lesson 00, start here."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def share_of_zeros(numbers: Tensor) -> Tensor:
    """Return the share of numbers that are exactly zero."""
    return (numbers == 0).float().mean()


EXERCISES = (
    Quiz(
        "0.1", "Misread digits", 1, 1,
        choices={"a": "about 10", "b": "about 150", "c": "about 1,000", "d": "about 5,000"},
        answer="b",
        mistakes={
            "a": "That would be one in a thousand. Some of these digits are written very badly; "
                 "this network is good, but not as good as that.",
            "c": "That would be one in ten, as many as a network that has learned only roughly.",
            "d": "Guessing blindly would misread about 9,000. This one has been trained: think of "
                 "a far better reader.",
        },
        idea="what one mistake in a hundred would be",
        hints=("What share would you misread? Multiply it by 10,000.",
               "It misreads between one and two in a hundred."),
        right="Between one and two in a hundred. The next cell counts them.",
        why="The accuracy measured below is between 98 and 99 %; what is missing to 100 % is read "
            "wrong.",
    ),
    Exercise(
        "0.2", "Share of zeros", 1, 2,
        reference=share_of_zeros,
        cases=lambda: [(torch.tensor([0.0, 2.0, 0.0, 5.0, 0.0]),), (torch.tensor([1.0, -1.0]),),
                       (torch.tensor([[-3.0, 0.0], [4.0, 0.001]]),)],
        mistakes={
            "That is the share of numbers that are not zero: turn the question round.":
                lambda numbers: (numbers != 0).float().mean(),
            "That is how many zeros there are: a share divides by how many numbers there are.":
                lambda numbers: (numbers == 0).sum(),
            "That counts negative numbers as well. Only 0 itself is asked for: ==, not <=.":
                lambda numbers: (numbers <= 0).float().mean(),
            "That divides the zeros by the other numbers; a share divides by all of them.":
                lambda numbers: (numbers == 0).sum() / (numbers != 0).sum(),
        },
        idea="what share means: how many of all",
        hints=("numbers == 0 gives True or False for each number.",
               "True counts as 1 and False as 0 once you turn them into numbers, with .float().",
               "Take the mean of (numbers == 0).float()."),
        right="You will see this share again as sparsity.",
        why="A comparison gives True or False for each number; as numbers these are 1 and 0, and "
            "their mean is the share of True.",
    ),
)
