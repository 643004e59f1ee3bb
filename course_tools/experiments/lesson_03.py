"""The long runs of lesson 03: whole neurons removed, by several scores and at random."""

from collections.abc import Mapping, Sequence

import torch
from scipy.stats import spearmanr
from torch import nn

from course_lib.data import MNIST, Split
from course_lib.masks import units_to_keep
from course_lib.models import lenet_300_100
from course_lib.removal import remove_units
from course_lib.scores import activation_scores, oracle_scores, taylor_scores, unit_scores
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import CONTEST, TUNING


def neuron_contest(data: MNIST, *, seed: int, decay: float, recipe: Mapping = CONTEST
                   ) -> list[dict]:
    """Remove the worst neurons of the first layer by six scores, means folded or not, and retrain.

    Scores and means are of the first training images. A row is one network: how it reads the test
    split as it stands and, at some counts, after a brief retraining at the learning rate of the
    list that `contest_rates` found best for this score and count. "agreement" is the rank
    correlation of a score with the oracle's. Score "none" is the whole network.
    """
    model, split = _reference(data, seed, decay, recipe)
    scores, rates, rows = neuron_scores(model, split, seed), recipe["rates"][str(decay)], []
    for name, removed in _entries(scores, recipe["removed"]):
        agreement = float(spearmanr(scores[name], scores["oracle"]).statistic)
        lr = rates[str(removed)][name] if str(removed) in rates else None
        for constants in recipe["constants"] if removed else ("zero",):
            smaller = without_worst(model, scores[name], removed, constants, split)
            rows.append({"seed": seed, "decay": decay, "score": name, "constants": constants,
                         "removed": removed, "agreement": agreement, "lr": lr,
                         "before": evaluate(smaller, data.test),
                         "after": lr and _retrained(smaller, lr, decay, data, seed, recipe,
                                                    data.test)})
    return rows


def contest_rates(data: MNIST, *, seed: int, decay: float, recipe: Mapping = CONTEST) -> list[dict]:
    """Retrain by every learning rate of the list, on a network of its own, read on validation."""
    seed += TUNING
    (model, split), rows = _reference(data, seed, decay, recipe), []
    scores = neuron_scores(model, split, seed)
    for name, removed in _entries(scores, recipe["retrained"]):
        for lr in recipe["list"]:
            smaller = without_worst(model, scores[name], removed, "zero", split)
            rows.append({"seed": seed, "decay": decay, "runner": name, "at": removed, "lr": lr,
                         "after": _retrained(smaller, lr, decay, data, seed, recipe,
                                             data.validation)})
    return rows


def _reference(data: MNIST, seed: int, decay: float, recipe: Mapping
               ) -> tuple[nn.Sequential, Split]:
    """Return the network that all scores rank, and the images that they look at."""
    model = lenet_300_100(seed)
    train(model, data.train, **(recipe["brief"] | {"l2": decay}), seed=seed)
    return model, data.train[:recipe["images"]]


def neuron_scores(model: nn.Sequential, split: Split, seed: int) -> dict[str, torch.Tensor]:
    """Score the neurons of the first layer in six ways; "none" stands for the whole network."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))  # not that of the weights
    random = torch.rand(300, generator=generator)
    return {
        "none": random,
        "L1 norm": unit_scores(model.fc1.weight, "neuron"),
        "mean activation": activation_scores(model, split)["fc1"],
        "1 − APoZ": activation_scores(model, split, by="apoz")["fc1"],
        "Taylor": taylor_scores(model, split)["fc1"],
        "oracle": oracle_scores(model, split)["fc1"],
        "random": random,
    }


def _entries(scores: Mapping, counts: Sequence[int]) -> list[tuple[str, int]]:
    """Return who removes how many: every score at each count, and "none" at 0."""
    return [("none", 0)] + [(name, count) for name in scores if name != "none" for count in counts]


def without_worst(model: nn.Sequential, scores: torch.Tensor, removed: int, constants: str,
                  split: Split) -> nn.Sequential:
    """Return the network without so many neurons of its first layer, those of lowest score."""
    keep = units_to_keep(model, {"fc1": removed / len(scores)}, scores={"fc1": scores})
    return remove_units(model, keep, constants=constants,
                        split=split if constants == "mean" else None)


def _retrained(model: nn.Sequential, lr: float, decay: float, data: MNIST, seed: int,
               recipe: Mapping, split: Split) -> float:
    train(model, data.train, **recipe["retraining"], lr=lr, l2=decay, seed=seed)
    return evaluate(model, split)
