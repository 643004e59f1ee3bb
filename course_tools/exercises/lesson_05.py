"""Exercises of lesson 05, Han's method."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.data import MNIST
from course_lib.iterative import prune_and_retrain
from course_lib.measure import nonzero_weights
from course_lib.training import evaluate

from course_tools.exercises.kinds import Exercise, Project, Quiz
from course_tools.exercises.weighing import Scales, Weighed, mnist


def cut(weight: Tensor, mask: Tensor, quality: float) -> Tensor:
    """Return the mask after one more cut at quality times sigma of the survivors."""
    sigma = weight[mask].std(correction=0)
    return mask & (weight.abs() >= quality * sigma)


def loop(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple[Tensor, list[float]]:
    """Cut and retrain once for each quality; return the weight and each round's density."""
    mask, densities = torch.ones_like(weight, dtype=torch.bool), []
    for quality in qualities:
        sigma = weight[mask].std(correction=0)
        mask = mask & (weight.abs() >= quality * sigma)
        weight = retrain(weight * mask, mask)
        densities.append(float(mask.double().mean()))
    return weight, densities


def compression_of(weights: dict[str, int], kept: dict[str, float]) -> float:
    """Return all weights over those that stay, from each layer's size and its share that stays."""
    left = sum(kept[name] * count for name, count in weights.items())
    return sum(weights.values()) / left


def threshold(weight: Tensor, mask: Tensor, quality: float) -> Tensor:
    """Return quality times the standard deviation of the weights that the mask keeps."""
    return quality * weight[mask].std(correction=0)


SURVIVORS = torch.tensor([1.0, 2.0, 4.0, -3.0, 9.0])
ALIVE = torch.tensor([True, True, True, False, False])
WEIGHT = torch.tensor([[0.1, -1.0, 3.0], [-3.0, 5.0, 0.9], [0.0, 0.6, -0.4]])
MASK = torch.tensor([[True, True, True], [True, False, True], [True, True, False]])


def layer() -> Tensor:
    """Return the weight of a layer: in no order, of both signs."""
    return (torch.arange(24) * 7 % 24 - 11.0).reshape(4, 6) / 6


# A stand-in for training, and loops that go wrong

def retrain(weight: Tensor, mask: Tensor) -> Tensor:
    """Let each survivor take over its share of what is missing to a sum of 12, and drift."""
    drift = torch.arange(weight.numel()).reshape(weight.shape) % 5 - 2.0
    missing = (12 - weight.sum()) / max(1, int(mask.sum()))
    return (weight + missing + 0.4 * drift) * mask


def _looped(one_round: Callable, weight: Tensor, qualities: list[float]
            ) -> tuple[Tensor, list[float]]:
    """Return what a loop does whose round takes weight and mask and returns both anew."""
    mask, densities = torch.ones_like(weight, dtype=torch.bool), []
    for quality in qualities:
        weight, mask = one_round(weight, mask, quality)
        densities.append(float(mask.double().mean()))
    return weight, densities


def _old_sigma(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    sigma = weight.std(correction=0)

    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = mask & (weight.abs() >= quality * sigma)
        return retrain(weight * mask, mask), mask
    return _looped(one_round, weight, qualities)


def _all_sigma(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = mask & (weight.abs() >= quality * weight.std(correction=0))
        return retrain(weight * mask, mask), mask
    return _looped(one_round, weight, qualities)


def _new_mask(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = weight.abs() >= threshold(weight, mask, quality)
        return retrain(weight * mask, mask), mask
    return _looped(one_round, weight, qualities)


def _retrained_at_the_end(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = cut(weight, mask, quality)
        return weight * mask, mask
    weight, densities = _looped(one_round, weight, qualities)
    return retrain(weight, weight != 0), densities


def _not_zeroed(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = cut(weight, mask, quality)
        return retrain(weight, mask), mask
    return _looped(one_round, weight, qualities)


def _from_the_first_values(weight: Tensor, retrain: Callable, qualities: list[float]) -> tuple:
    first = weight

    def one_round(weight: Tensor, mask: Tensor, quality: float) -> tuple[Tensor, Tensor]:
        mask = cut(weight, mask, quality)
        return retrain(first * mask, mask), mask
    return _looped(one_round, weight, qualities)


# Qualities of one's own

def network(model: nn.Sequential, data: MNIST) -> nn.Sequential:
    """Prune as in the lesson for three rounds, and milder in the fourth."""
    rounds = [{"fc1": q, "fc2": q, "fc3": 0.6 * q} for q in (1.0, 1.0, 1.0, 0.85)]
    *_, last = prune_and_retrain(model, data, rounds, epochs=2, lr=2e-3, l1=2e-5)
    found = copy.deepcopy(model)
    found.load_state_dict(last.state_dict)
    return found


FEWER, ACCURACY = 40, 0.981  # times fewer weights than LeNet-300-100
SCALES = Scales(
    "my_network", ": build one, and give it the weights of a round with load_state_dict",
    lambda answer: Weighed(266_200 / max(1, nonzero_weights(answer)),
                           evaluate(answer, mnist().validation)),
    {"weights": f"at least {FEWER} times fewer than LeNet-300-100's",
     "accuracy": f"at least {100 * ACCURACY:g} % of the validation digits"},
    lambda found: (found.size >= FEWER, found.accuracy >= ACCURACY))


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
    Quiz(
        "5.2", "Five in order", 2, 2,
        choices={
            "a": "iterative; one-shot and first weights; new weights; random masks",
            "b": "iterative; first weights and new weights; random masks; one-shot",
            "c": "one-shot; iterative; random masks; first weights and new weights",
            "d": "new weights and first weights; iterative; one-shot; random masks",
        },
        answer="a",
        mistakes={
            "b": "One cut as deep as five rounds is hard on a network, but it still chooses by "
                 "magnitude, and keeps trained values. Random masks choose blindly.",
            "c": "Random masks keep weights on pixels that are always black. And what does the "
                 "one-shot network have that the iterative one has not?",
            "d": "A sparse network that starts anew has to learn what the others know already. "
                 "All have as many epochs, but not as many with the trained values.",
        },
        idea="what each of the five is denied",
        hints=("Which of them knows neither which weights to keep nor what values they had?",
               "Keeping trained values helps, choosing by magnitude helps, and so do several "
               "steps. Who has all three?"),
        right="Each thing that is taken away costs something: steps, values, choice.",
        why="The iterative network has the choice by magnitude, trained values and several steps. "
            "One-shot lacks the steps, first weights the trained values, new weights any "
            "acquaintance with the masks, random masks the choice.",
    ),
    Exercise(
        "5.3", "One cut of the loop", 2, 5,
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
        hints=("Begin with sigma of the survivors: weight[mask] are those that the mask keeps.",
               "A weight stays if the old mask keeps it, and its magnitude is not below the "
               "threshold.",
               "Combine the old mask, with &, with weight.abs() >= the threshold."),
        right="That, and a retraining after it, is one round of the loop.",
        why="Both have to hold: the earlier rounds kept the weight, and it is not below "
            "quality · σ of the survivors.",
    ),
    Exercise(
        "5.4", "The loop", 3, 10,
        reference=loop,
        cases=lambda: [(layer(), retrain, [0.5, 0.5, 0.5]), (layer(), retrain, [0.6, 0.0, 0.6]),
                       (SURVIVORS, retrain, [1.0, 0.4])],
        mistakes={
            "Sigma was measured once, before the first round. Measure it anew, over the survivors.":
                _old_sigma,
            "The zeros are counted in sigma. It is that of the survivors only.": _all_sigma,
            "What an earlier round has pruned comes back there. Combine each new mask with the old "
            "one.": _new_mask,
            "There is one retraining at the end. Each round has its own, right after its cut.":
                _retrained_at_the_end,
            "What was cut has to be zero before it is retrained: the survivors can only take over "
            "what they miss.": _not_zeroed,
            "Each round goes back to the first values there. It goes on from what the round before "
            "has retrained.": _from_the_first_values,
        },
        idea="what one round hands on to the next: the mask, and the retrained weight",
        hints=("Begin with a mask of True everywhere and an empty list. Then one round for each "
               "quality.",
               "A round is the cut of the exercise before, then weight * mask, then retrain, then "
               "the share of True in the mask.",
               "Inside: sigma of weight[mask]; mask = mask & (weight.abs() >= quality * sigma); "
               "weight = retrain(weight * mask, mask); append mask's mean. At the end return both.",
               ),
        right="That is Han's method: four lines, around any retraining.",
        why="Each round measures sigma over the survivors, keeps what all rounds so far have kept, "
            "zeroes the rest, and retrains from the values that are there.",
    ),
    Exercise(
        "5.5", "From layers to the network", 2, 5,
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
    Quiz(
        "5.6", "What is missing?", 2, 2,
        choices={
            "a": "the pruned network trained for longer still",
            "b": "the unpruned network trained for as many epochs in all",
            "c": "a pruned network with random masks",
            "d": "nothing: the interval lies above zero",
        },
        answer="b",
        mistakes={
            "a": "That would make the difference larger or smaller, and still not say whose it is.",
            "c": "It tells whether the choice of weights matters, not whether pruning improves "
                 "accuracy.",
            "d": "An interval says that the difference is there again with other seeds. It does "
                 "not say what makes it.",
        },
        idea="what else the pruned networks had that the reference had not",
        hints=("For how many epochs was each of the two trained?",
               "Whatever 40 epochs more do to an unpruned network, the pruned one has as well."),
        right="Lesson 06 puts it beside the pruned one.",
        why="The two differ in pruning and in 40 epochs. Only a reference that had those epochs "
            "too tells them apart.",
    ),
    Project(
        "5.7", "Qualities of your own", 3, 8,
        reference=network, weigh=SCALES.weigh, budgets=SCALES.findings, met=SCALES.met,
        mistakes={
            "Too many weights are left, and too many digits lost: smaller steps, and more of them.":
                lambda found: found.size < FEWER and found.accuracy < ACCURACY,
            "It reads well, but too many weights are left. Raise the quality where most weights "
            "are, or add a round.": lambda found: found.size < FEWER,
            "It is as bad as guessing: one layer at least gave far more than it can.":
                lambda found: found.accuracy < 0.3,
            "It is small enough, but too many digits are lost. Spare the last layer, or make the "
            "last steps smaller.": lambda found: True,
        },
        idea="which layer has the weights, and which one suffers",
        hints=("Print the density of each layer after each round, and the accuracies before and "
               "after retraining.",
               "The first layer has 88 % of the weights; the last has a thousand, and may keep "
               "most of them.",
               "Four rounds of two epochs: three as in the lesson, and a milder fourth: 0.85 for "
               "fc1 and fc2 and 0.5 for fc3."),
        right="40 times fewer, with a last step that is milder than the first.",
        why="After three rounds 30 times fewer weights are left, and a fourth as large would cut "
            "what the survivors cannot take over. A milder one goes as far as is asked, and what "
            "it breaks, retraining mends.",
    ),
)
