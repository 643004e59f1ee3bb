"""The long runs of lesson 01: how redundant a network is, and how wide one has to be."""

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.data import MNIST
from course_lib.masks import apply_masks, random_masks
from course_lib.measure import nonzero_weights
from course_lib.models import lenet_300_100, perceptron
from course_lib.training import evaluate, train

from course_tools.experiments.dense import weights_of
from course_tools.experiments.recipes import PERCEPTRONS, REDUNDANCY

WIDTHS = (0, 2, 4, 8, 16, 32, 64, 128, 300)
LOOKED_AT = 5_000  # training images by which twins and directions are found


def twins(outputs: Tensor, correlation: float = 0.9) -> int:
    """Count the units that have a twin, from their outputs, (images, units).

    A twin is another unit whose outputs correlate with the unit's own at `correlation` or more.
    Units that never vary have none.
    """
    return int((_alike(outputs) >= correlation).any(dim=1).sum())


def twin_pairs(outputs: Tensor, correlation: float = 0.9) -> list[tuple[int, int]]:
    """Return pairs (the unit that stays, the twin that can go), the most alike first.

    No unit goes twice, and none stays for another after it has gone.
    """
    alike = _alike(outputs).triu()
    stay, go = (alike >= correlation).nonzero(as_tuple=True)
    order = alike[stay, go].argsort(descending=True)
    pairs: list[tuple[int, int]] = []
    gone: set[int] = set()
    for pair in zip(stay[order].tolist(), go[order].tolist(), strict=True):
        if gone.isdisjoint(pair):
            pairs.append(pair)
            gone.add(pair[1])
    return pairs


def _alike(outputs: Tensor) -> Tensor:
    return torch.corrcoef(outputs.T).nan_to_num(0.0).fill_diagonal_(0.0)


@torch.no_grad()
def merge(model: nn.Sequential, outputs: Tensor, pairs: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Return a network in which each twin of `pairs` is zero and the other speaks for it.

    `outputs`, (images, units), are those of the first layer's units after the ReLU. A twin's output
    is taken for scale · (the other's) + shift, by least squares.
    """
    merged = copy.deepcopy(model)
    for stays, goes in pairs:
        (variance, both), _ = torch.cov(outputs[:, [stays, goes]].T)
        scale = both / variance
        shift = outputs[:, goes].mean() - scale * outputs[:, stays].mean()
        merged.fc2.weight[:, stays] += scale * merged.fc2.weight[:, goes]
        merged.fc2.bias += shift * merged.fc2.weight[:, goes]
        _silence(merged, [goes])
    return merged


@torch.no_grad()
def without_units(model: nn.Sequential, units: Sequence[int]) -> nn.Sequential:
    """Return the network with these units of the first layer zero, and nothing in their place."""
    cut = copy.deepcopy(model)
    _silence(cut, units)
    return cut


def _silence(model: nn.Sequential, units: Sequence[int]) -> None:
    model.fc1.weight[units] = 0
    model.fc1.bias[units] = 0
    model.fc2.weight[:, units] = 0


def directions(outputs: Tensor, share: float = 0.95) -> int:
    """Count the principal components that hold `share` of the variance of outputs, (images, units).

    Many units and few directions: the units say the same few things in many ways.
    """
    variances = torch.linalg.svdvals(outputs - outputs.mean(0)).square().cumsum(0)
    return int((variances < share * variances[-1]).sum()) + 1


def axes_of(sums: Tensor) -> Tensor:
    """Return the axes of a cloud of points, (points, n), the longest first: (n, n), one a row."""
    return torch.linalg.svd(sums - sums.mean(dim=0), full_matrices=False).Vh


@torch.no_grad()
def in_two_steps(model: nn.Sequential, axes: Tensor, mean: Tensor) -> nn.Sequential:
    """Return the network with fc1 in two steps: pixels to k places on `axes`, and those to sums.

    `axes` is (k, 300), `mean` the 300 units' mean sums. What the sums do beside these axes is lost.
    """
    first = nn.Linear(784, len(axes), bias=False)
    first.weight.copy_(axes @ model.fc1.weight)
    second = nn.Linear(len(axes), 300)
    second.weight.copy_(axes.T)
    second.bias.copy_(mean + axes.T @ (axes @ (model.fc1.bias - mean)))
    others = {name: copy.deepcopy(part) for name, part in list(model.named_children())[2:]}
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc1a=first, fc1b=second, **others))


def redundancy(data: MNIST, *, seed: int, recipe: Mapping = REDUNDANCY) -> list[dict]:
    """Look for waste among 300 hidden units: untrained, and trained in each of the recipe's ways.

    A row holds the test accuracy as it is, and after several removals. The three wastes are removed
    one after the other in "lean", which has `nonzero` weights; "chance" keeps as many at random.
    """
    rows = []
    for name, training in ({"untrained": None} | recipe["networks"]).items():
        model = lenet_300_100(seed)
        if training is not None:
            train(model, data.train, **training, seed=seed)
        rows.append({"seed": seed, "network": name, "test": evaluate(model, data.test)}
                    | _wastes(model, data, seed, recipe))
    return rows


@torch.no_grad()
def _wastes(model: nn.Sequential, data: MNIST, seed: int, recipe: Mapping) -> dict:
    images = data.train.images[:LOOKED_AT]
    sums, outputs = model[:2](images), model[:3](images)  # before and after the first ReLU
    pairs = twin_pairs(outputs)
    chosen = torch.Generator().manual_seed(seed)
    others = torch.randperm(300, generator=chosen)[:len(pairs)].tolist()
    lean = without_waste(model, data, recipe["rank"])
    saved = 1 - nonzero_weights(lean) / nonzero_weights(model)
    networks = {"merged": merge(model, outputs, pairs),
                "cut": without_units(model, [goes for _, goes in pairs]),
                "others": without_units(model, others), "lean": lean,
                "blind": _blind(model, recipe["blind"], seed),
                "chance": _blind(model, saved, seed)}
    return {"twins": twins(outputs), "gone": len(pairs), "directions": directions(sums),
            "nonzero": nonzero_weights(lean)} | {
        name: evaluate(network, data.test) for name, network in networks.items()}


def _blind(model: nn.Module, share: float, seed: int) -> nn.Module:
    pruned = copy.deepcopy(model)
    apply_masks(pruned, random_masks(pruned, share, seed=seed))
    return pruned


@torch.no_grad()
def without_waste(model: nn.Sequential, data: MNIST, rank: int) -> nn.Sequential:
    """Return the network without weights on blank pixels, twins, and all but `rank` directions."""
    images = data.train.images[:LOOKED_AT]
    outputs = model[:3](images)
    smaller = merge(model, outputs, twin_pairs(outputs))
    smaller.fc1.weight[:, blank_pixels(data)] = 0
    sums = smaller[:2](images)
    axes = axes_of(sums)[:rank]
    axes[:, (smaller.fc1.weight == 0).all(dim=1)] = 0  # not 1e-9, where a unit has gone
    return in_two_steps(smaller, axes, sums.mean(dim=0))


def blank_pixels(data: MNIST) -> Tensor:
    """Return which of the 784 pixels have no ink in any training image, bool (784,)."""
    return (data.train.images == 0).all(dim=0).flatten()


def widths(data: MNIST, *, seed: int, width: int, recipe: Mapping = PERCEPTRONS) -> list[dict]:
    """Train one perceptron of the given width, without decay, which small ones do not bear.

    "blind" is its test accuracy with the recipe's share of all weights zeroed at random.
    """
    model = perceptron(width, seed)
    train(model, data.train, **(recipe["brief"] | {"l2": 0.0}), seed=seed)
    blind = _blind(model, recipe["blind"], seed)
    return [{"seed": seed, "width": width, "weights": weights_of(model),
             "test": evaluate(model, data.test), "blind": evaluate(blind, data.test)}]
