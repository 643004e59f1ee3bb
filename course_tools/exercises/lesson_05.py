"""Exercises of lesson 05, Han's method."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def threshold(weight: Tensor, mask: Tensor, quality: float) -> Tensor:
    """Return quality times the standard deviation of the weights that the mask keeps."""
    return quality * weight[mask].std(correction=0)


def cut(weight: Tensor, mask: Tensor, quality: float) -> Tensor:
    """Return the mask after one more cut at quality times sigma of the survivors."""
    sigma = weight[mask].std(correction=0)
    return mask & (weight.abs() >= quality * sigma)


def dropout_rate(rate: float, mask: Tensor) -> float:
    """Return the dropout rate for a layer of which the mask keeps so many connections."""
    return rate * float(mask.double().mean()) ** 0.5


def compression_of(weights: dict[str, int], kept: dict[str, float]) -> float:
    """Return all weights over those that stay, from each layer's size and its share that stays."""
    left = sum(kept[name] * count for name, count in weights.items())
    return sum(weights.values()) / left


def _rms(weight: Tensor) -> Tensor:
    """Return the root of the mean square, which is sigma only where the mean is zero."""
    return weight.square().mean().sqrt()


SURVIVORS = torch.tensor([1.0, 2.0, 4.0, -3.0, 9.0])
ALIVE = torch.tensor([True, True, True, False, False])
WEIGHT = torch.tensor([[0.1, -1.0, 3.0], [-3.0, 5.0, 0.9], [0.0, 0.6, -0.4]])
MASK = torch.tensor([[True, True, True], [True, False, True], [True, True, False]])


EXERCISES = (
    Quiz(
        "5.1", "The second round", 1, 2,
        choices={"a": "as large a share of what is left as the first round", "b": "nothing",
                 "c": "about half as many weights as the first round"},
        answer="b",
        mistakes={
            "a": "That would be so if the threshold grew with the weights that are left. With the "
                 "old sigma it stays where it was.",
            "c": "Which weights would that be? Think of the smallest weight that is left, and of "
                 "the threshold.",
        },
        idea="the smallest weight that the first round has left",
        hints=("Nothing is retrained, so the survivors have the values that they had.",
               "How large is the smallest survivor, at least? And how large is the threshold?"),
        right="All that is left lies above the threshold already.",
        why="The first round removed everything below the threshold, the second one has the same "
            "threshold, and nothing has moved in between.",
    ),
    Exercise(
        "5.2", "The threshold of a round", 1, 4,
        reference=threshold,
        cases=lambda: [(SURVIVORS, ALIVE, 1.0), (SURVIVORS, ~ALIVE, 0.5), (WEIGHT, MASK, 2.0)],
        mistakes={
            "That is sigma of all weights; those that were pruned have to be left out.":
                lambda weight, mask, quality: quality * weight.std(correction=0),
            "The pruned weights count there as zeros. They have to be left out, not set to zero.":
                lambda weight, mask, quality: quality * (weight * mask).std(correction=0),
            "That is torch's sample estimate, which divides by n − 1: correction=0 divides by n.":
                lambda weight, mask, quality: quality * weight[mask].std(),
            "That is the variance, sigma squared.":
                lambda weight, mask, quality: quality * weight[mask].var(correction=0),
            "That takes the distance from zero. Sigma is about the mean of the survivors.":
                lambda weight, mask, quality: quality * _rms(weight[mask]),
        },
        idea="which weights sigma is taken of",
        hints=("weight[mask] are the weights that the mask keeps, in one row.",
               "torch's std takes correction=0 for the standard deviation of the numbers "
               "themselves.",
               "Multiply quality with the std, correction=0, of weight[mask]."),
        right="Taken anew each round, it grows as the small weights go.",
        why="The mask picks the survivors out, and their own standard deviation is the yardstick.",
    ),
    Exercise(
        "5.3", "One cut of the loop", 2, 6,
        reference=cut,
        cases=lambda: [(WEIGHT, MASK, 0.5), (WEIGHT, MASK, 0.0), (SURVIVORS, ALIVE, 1.5),
                       (torch.tensor([1.0, -1.0, 1.0, -1.0]),
                        torch.tensor([True, True, False, True]), 1.0)],
        mistakes={
            "What an earlier round pruned comes back there: the new mask has to be combined with "
            "the old one.":
                lambda weight, mask, quality: weight.abs() >= threshold(weight, mask, quality),
            "Negative weights are small for that comparison, whatever their magnitude.":
                lambda weight, mask, quality: mask & (weight >= threshold(weight, mask, quality)),
            "Sigma is taken of all weights there; it has to be that of the survivors.":
                lambda weight, mask, quality: mask & (
                    weight.abs() >= quality * weight.std(correction=0)),
            "That mask is True where a weight goes. True keeps.":
                lambda weight, mask, quality: ~cut(weight, mask, quality),
            "At a quality of 0 nothing goes, not even a survivor that happens to be 0: what is "
            "*below* the threshold goes.":
                lambda weight, mask, quality: mask & (
                    weight.abs() > threshold(weight, mask, quality)),
        },
        idea="the two conditions that a weight has to meet to stay",
        hints=("Begin with sigma of the survivors, as in the exercise before.",
               "A weight stays if the old mask keeps it, and its magnitude is not below the "
               "threshold.",
               "Combine the old mask, with &, with weight.abs() >= the threshold."),
        right="That, and a retraining after it, is one round of the loop.",
        why="Both have to hold: the earlier rounds kept the weight, and it is not below "
            "quality · σ of the survivors.",
    ),
    Exercise(
        "5.4", "Less dropout", 1, 4,
        reference=dropout_rate,
        cases=lambda: [(0.5, torch.tensor([True, False, False, False])),
                       (0.4, torch.ones(2, 3).bool()), (0.3, torch.eye(5).bool())],
        mistakes={
            "The root is missing: the formula takes the square root of the share that is left.":
                lambda rate, mask: rate * float(mask.double().mean()),
            "That takes the share that went. C_r counts the connections that are left.":
                lambda rate, mask: rate * float((~mask).double().mean()) ** 0.5,
            "That divides by the root, so the rate grows. A smaller network needs less dropout.":
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
    Exercise(
        "5.5", "From layers to the network", 2, 6,
        reference=compression_of,
        cases=lambda: [({"fc1": 235_200, "fc2": 30_000, "fc3": 1_000},
                        {"fc1": 0.08, "fc2": 0.09, "fc3": 0.26}),
                       ({"a": 100, "b": 100}, {"a": 0.1, "b": 0.3}),
                       ({"a": 900, "b": 100}, {"b": 1.0, "a": 0.1})],
        mistakes={
            "Each layer counts the same there. A large layer weighs more than a small one.":
                lambda weights, kept: len(kept) / sum(kept.values()),
            "That is the mean of the layers' own compressions; weights have to be counted.":
                lambda weights, kept: sum(1 / share for share in kept.values()) / len(kept),
            "That is the density. The compression ratio is all weights over those that stay.":
                lambda weights, kept: 1 / compression_of(weights, kept),
            "That divides by what goes. It is all weights over those that stay.":
                lambda weights, kept: sum(weights.values()) / sum(
                    (1 - kept[name]) * count for name, count in weights.items()),
            "The two dicts are gone through side by side there, but they need not have one order: "
            "look layers up by name.":
                lambda weights, kept: sum(weights.values()) / sum(
                    count * share for count, share in zip(weights.values(), kept.values(),
                                                          strict=True)),
        },
        idea="how many weights stay in each layer, and in all of them together",
        hints=("How many weights stay in one layer? Its share times its size.",
               "Add up what stays over all layers. The ratio is all weights over that sum."),
        right="From the paper's own shares: a little over 12 times for LeNet-300-100.",
        why="Shares of different wholes cannot be averaged. Count what stays, layer by layer, and "
            "divide all weights by that.",
    ),
)
