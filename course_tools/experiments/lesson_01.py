"""The long runs of lesson 01: how redundant a layer is, and how wide one has to be."""

from collections.abc import Mapping

import torch
from torch import nn

from course_lib.data import MNIST
from course_lib.models import lenet_300_100, perceptron, prunable_layers
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import BRIEFLY

WIDTHS = (0, 2, 4, 8, 16, 32, 64, 128, 300)


def twins(outputs: torch.Tensor, correlation: float = 0.9) -> int:
    """Count the units that have a twin, from their outputs, (images, units).

    A twin is another unit whose outputs correlate with the unit's own at `correlation` or more.
    Units that never vary have none.
    """
    pairs = torch.corrcoef(outputs.T).nan_to_num(0.0).fill_diagonal_(0.0)
    return int((pairs >= correlation).any(dim=1).sum())


def directions(outputs: torch.Tensor, share: float = 0.95) -> int:
    """Count the principal components that hold `share` of the variance of outputs, (images, units).

    Many units and few directions: the units say the same few things in many ways.
    """
    variances = torch.linalg.svdvals(outputs - outputs.mean(0)).square().cumsum(0)
    return int((variances < share * variances[-1]).sum()) + 1


def redundancy(data: MNIST, *, seed: int, recipe: Mapping = BRIEFLY) -> list[dict]:
    """Count twins and directions among 300 hidden units: untrained, and trained two ways."""
    rows, brief = [], recipe["brief"]
    for name, decay in (("untrained", None), ("trained", 0.0), ("trained with decay", brief["l2"])):
        model = lenet_300_100(seed)
        if decay is not None:
            train(model, data.train, **(brief | {"l2": decay}), seed=seed)
        rows.append({"seed": seed, "network": name} | _count_hidden(model, data))
    return rows


def _count_hidden(model: nn.Sequential, data: MNIST) -> dict:
    with torch.inference_mode():
        outputs = model[:3](data.validation.images)  # after the first ReLU
    return {"twins": twins(outputs), "directions": directions(outputs),
            "test": evaluate(model, data.test)}


def widths(data: MNIST, *, seed: int, width: int, recipe: Mapping = BRIEFLY) -> list[dict]:
    """Train one perceptron of the given width, without decay, which small ones do not bear."""
    model = perceptron(width, seed)
    train(model, data.train, **(recipe["brief"] | {"l2": 0.0}), seed=seed)
    weights = sum(layer.weight.numel() for layer in prunable_layers(model).values())
    return [{"seed": seed, "width": width, "weights": weights,
             "test": evaluate(model, data.test)}]
