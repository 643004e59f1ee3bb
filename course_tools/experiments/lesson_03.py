"""The long run of lesson 03: whole neurons removed, by four scores and at random."""

from collections.abc import Mapping

import torch
from torch import nn

from course_lib.data import MNIST, Split
from course_lib.models import lenet_300_100
from course_lib.removal import remove_units
from course_lib.scores import activation_scores, taylor_scores, unit_scores
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import BRIEFLY

GONE = (0, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 275, 290)  # of 300 neurons


def neurons(data: MNIST, *, seed: int, decay: float, recipe: Mapping = BRIEFLY) -> list[dict]:
    """Remove the worst neurons of LeNet-300-100's first layer, by four scores and at random."""
    model = lenet_300_100(seed)
    train(model, data.train, **(recipe["brief"] | {"l2": decay}), seed=seed)
    rows = []
    for name, scores in neuron_scores(model, data.validation, seed).items():
        worst_first = scores.argsort(stable=True)
        for gone in GONE:
            smaller = remove_units(model, {"fc1": worst_first[gone:].sort().values})
            rows.append({"seed": seed, "decay": decay, "score": name, "gone": gone,
                         "test": evaluate(smaller, data.test)})
    return rows


def neuron_scores(model: nn.Sequential, split: Split, seed: int = 0) -> dict[str, torch.Tensor]:
    """Score the 300 neurons of the first layer in four ways on the images of `split`.

    And at random: the control, which knows nothing of the network.
    """
    lots = torch.Generator().manual_seed(seed)
    return {
        "L1 norm": unit_scores(model.fc1.weight, "neuron"),
        "mean activation": activation_scores(model, split)["fc1"],
        "1 − APoZ": activation_scores(model, split, by="apoz")["fc1"],
        "Taylor": taylor_scores(model, split)["fc1"],
        "random": torch.rand(300, generator=lots),
    }
