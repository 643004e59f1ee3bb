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


def next_mask(scores: Tensor, mask: Tensor, threshold: float) -> Tensor:
    """Return a mask that keeps what the old one keeps and what reaches the threshold."""
    return mask & (scores >= threshold)


def keep_per_unit(weight: Tensor, k: int) -> Tensor:
    """Return a mask that keeps the k largest magnitudes of each row."""
    largest = weight.abs().topk(k, dim=1).indices
    nothing = torch.zeros_like(weight, dtype=torch.bool)
    return nothing.scatter(1, largest, True)


def _cut(scores: Tensor, sparsity: float) -> Tensor:
    """Return the first score that stays, counted from the lowest."""
    return scores.flatten().sort().values[round(sparsity * scores.numel())]


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
        "2.3", "Rounds", 1, 4,
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
        "2.4", "The next mask", 2, 5,
        reference=next_mask,
        cases=lambda: [
            (torch.tensor([0.9, 0.2, 0.7, 0.5]), torch.tensor([False, True, True, True]), 0.5),
            (torch.tensor([0.9, 0.2, 0.7, 0.5]), torch.tensor([False, True, True, True]), 0.0),
            (torch.tensor([[0.4, 0.8], [0.1, 0.0]]), torch.tensor([[True, False], [True, True]]),
             0.25)],
        mistakes={
            "What an earlier round pruned comes back there: the new mask must be combined with the "
            "old one.": lambda scores, mask, threshold: scores >= threshold,
            "Either mask is enough there. A weight has to be kept by both: &, not |.":
                lambda scores, mask, threshold: mask | (scores >= threshold),
            "A score of exactly the threshold stays: >=, not >.":
                lambda scores, mask, threshold: mask & (scores > threshold),
            "The low scores stay there, and the high ones go.":
                lambda scores, mask, threshold: mask & (scores < threshold),
            "At a threshold of 0 what was pruned comes back, since 0 reaches it. Combine two masks "
            "rather than set scores to zero.":
                lambda scores, mask, threshold: scores * mask >= threshold,
            "The old mask is changed there; whoever still holds it would wonder. Make a new one: "
            "&, not &=.":
                lambda scores, mask, threshold: mask.logical_and_(scores >= threshold),
        },
        idea="what has to be true of a weight that stays: two things at once",
        hints=("A weight stays if the old mask keeps it and its score reaches the threshold.",
               "scores >= threshold is a mask too.",
               "& combines two masks: True where both are."),
        right="So sparsity can only grow from round to round.",
        why="Both conditions have to hold, and & is True where both are. What the old mask has "
            "pruned stays pruned, however high its score.",
    ),
    Exercise(
        "2.5", "So many for each unit", 3, 10,
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
)
