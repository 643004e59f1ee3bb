"""Exercises of lesson 11, how far."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def dropout_rate(rate: float, mask: Tensor) -> float:
    """Return the dropout rate for a layer of which the mask keeps so many connections."""
    return rate * float(mask.double().mean()) ** 0.5


EXERCISES = (
    Quiz(
        "11.1", "Nothing retrained", 1, 2,
        choices={"a": "trained under no penalty", "b": "trained under L1",
                 "c": "trained under L2", "d": "none of the three"},
        answer="b",
        mistakes={
            "a": "Nothing has made its weights small there, and all of them do some work.",
            "c": "L2 makes every weight smaller by the same share, and few come near zero.",
            "d": "One of them does: its training has already moved the work to a few weights.",
        },
        idea="which penalty leaves most weights near zero",
        hints=("A cut costs little where what is cut was near zero already.",
               "Which penalty pulls as hard at a small weight as at a large one?"),
        right="Its training has emptied the network, and the cut takes what was hardly there.",
        why="L1 pulls at a weight however small it is, so weights that training does not need "
            "arrive near zero. L2 pulls less the smaller a weight is.",
    ),
    Exercise(
        "11.2", "Less dropout", 1, 4,
        reference=dropout_rate,
        cases=lambda: [(0.5, torch.tensor([True, False, False, False])),
                       (0.4, torch.ones(2, 3).bool()), (0.3, torch.eye(5).bool())],
        mistakes={
            "The root is missing: the formula takes the square root of the share that is left.":
                lambda rate, mask: rate * float(mask.double().mean()),
            "That takes the share that went. C_r counts the connections that are left.":
                lambda rate, mask: rate * float((~mask).double().mean()) ** 0.5,
            "That divides by the root, so the rate grows. By the formula it shrinks.":
                lambda rate, mask: rate / float(mask.double().mean()) ** 0.5,
            "The root is drawn of the rate as well; only the share stands under it.":
                lambda rate, mask: (rate * float(mask.double().mean())) ** 0.5,
        },
        idea="the formula, D_r = D_o · √(C_r / C_o)",
        hints=("C_r / C_o is the density of the mask.",
               "mask.double().mean() is the density; ** 0.5 is the square root."),
        right="At a sparsity of 75 % half of the rate is left.",
        why="C_r / C_o is the density of the layer, and the rate shrinks with its root.",
    ),
)
