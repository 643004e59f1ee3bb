"""The long runs of lesson 06: how small a network becomes, and what that costs in accuracy.

A sweep prunes one network further and further. How each level reads is stored as counts of images,
[lost, gained] against the unpruned network, on validation and on test, so that the choice under any
drop bound can be read off afterwards: `smallest_within` chooses.
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from course_lib.data import MNIST
from course_lib.masks import apply_masks, keep_top, magnitude_masks, unit_layers
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.search import sensitivity_scan, shares_within
from course_lib.sizes import FORMATS
from course_lib.training import predictions, train

from course_tools.experiments.lesson_05 import BRIEF

Shares = dict[str, float]  # layer name -> share of its weights or units that go

RECIPES = {  # how the unpruned networks are trained
    "alexnet_mini": {"epochs": 10, "lr": 2e-3, "l2": 0.1},
    "vgg_mini": {"epochs": 8, "lr": 3e-3, "l2": 0.05},
    "lenet_5": {"epochs": 8, "lr": 1e-3, "l2": 0.1},
    "lenet_300_100": {"epochs": 15, "lr": 2e-3, "l2": 0.5},
}
RETRAIN = {name: {"epochs": 1, "lr": 1e-3, "l2": recipe["l2"]} for name, recipe in RECIPES.items()}
RETRAIN["lenet_300_100"] |= {"epochs": 2, "lr": 2e-3}  # after each level
SHARES = {  # of each layer
    "weight": (0.7, 0.85, 0.93, 0.97, 0.99),
    "neuron": (0.3, 0.5, 0.65, 0.8, 0.9),
    "filter": (0.15, 0.3, 0.45, 0.6, 0.7),
}
LOSSES = (0.002, 0.01, 0.04, 0.15, 0.5)  # that a layer pruned alone may cost
FINE = (0.5, 0.7, 0.8, 0.85, 0.88, *(round(0.9 + 0.01 * step, 2) for step in range(9)))
HALVES = 10  # random halves of the test split


def granularities(network: str) -> list[str]:
    """Return what can be pruned: single weights, hidden neurons, and filters where there are any.

    >>> granularities("lenet_300_100"), granularities("lenet_5")
    (['weight', 'neuron'], ['weight', 'neuron', 'filter'])
    """
    model = ARCHITECTURES[network]()
    return ["weight", *(kind for kind in ("neuron", "filter") if unit_layers(model, kind))]


def tradeoff(data: MNIST, *, seed: int, network: str) -> list[dict]:
    """Sweep one network by every granularity, in two ways, with retraining and without.

    "uniform": the same share of each layer. "sensitivity": of each layer the share at which
    it alone loses so much on validation. The control, granularity "none", is retrained as often,
    unpruned.
    """
    reference = ARCHITECTURES[network](seed)
    train(reference, data.train, **RECIPES[network], seed=seed)
    options = RETRAIN[network] | {"seed": seed}
    nothing = [(float(place), {}) for place in range(1, len(LOSSES) + 1)]
    rows = _rows(reference, data, "none", "none", [(0.0, {})], None)
    rows += _rows(reference, data, "none", "none", nothing, options)
    for granularity in granularities(network):
        for way, levels in _ways(reference, data, granularity).items():
            rows += _rows(reference, data, granularity, way, levels, None)
            rows += _rows(reference, data, granularity, way, levels, options)
    return [{"network": network, "seed": seed} | row for row in rows]


def flattery(data: MNIST, *, seed: int) -> list[dict]:
    """Sweep LeNet-300-100 in fine steps, and count what random halves of the test split say.

    "halves" has [lost, gained] of one half for each of HALVES splits in two; the rest of "test" is
    the other half's. A search on the one can be asked for its drop on the other: both are digits
    of the same writers.
    """
    reference = ARCHITECTURES["lenet_300_100"](seed)
    train(reference, data.train, **BRIEF, seed=seed)
    levels = [(share, _everywhere(reference, "weight", share)) for share in FINE]
    options = RETRAIN["lenet_300_100"] | {"epochs": 1, "seed": seed}
    halves = random_halves(len(data.test), seed=seed)
    rows = _rows(reference, data, "weight", "uniform", levels, options, halves)
    return [{"seed": seed} | row for row in rows]


def random_halves(images: int, *, seed: int) -> list[Tensor]:
    """Return HALVES times the places of half of the images, drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(images, generator=generator)[:images // 2] for _ in range(HALVES)]


def sweep(reference: nn.Sequential, data: MNIST, levels: Sequence[Shares], granularity: str,
          options: dict | None) -> Iterator[nn.Sequential]:
    """Yield the network at each level: pruned from the one before and retrained with `options`.

    With None each is pruned from the reference, and none is retrained. Shares are always of what
    the reference had.
    """
    model, masks = reference, None
    for shares in levels:
        if options is None:
            model, masks = reference, None
        if granularity == "weight":
            model, masks = copy.deepcopy(model), magnitude_masks(model, shares, masks=masks)
            apply_masks(model, masks)
        else:
            model = fewer_units(model, shares, like=reference)
        if options is not None:
            train(model, data.train, masks=masks, **options)
        yield model


def fewer_units(model: nn.Sequential, shares: Shares, *, like: nn.Sequential) -> nn.Sequential:
    """Return the model without the units of smallest L1 norm.

    What stays in each layer is 1 − share of the units that it has in `like`, and one unit at least.
    """
    keep, whole = {}, prunable_layers(like)
    for name, share in shares.items():
        weight = prunable_layers(model)[name].weight
        stay = max(1, round((1 - share) * whole[name].weight.shape[0]))
        scores = unit_scores(weight, "filter" if weight.dim() == 4 else "neuron")
        keep[name] = keep_top(scores, 1 - stay / len(scores)).nonzero().flatten()
    return remove_units(model, keep)


def smallest_within(rows: Sequence[dict], drop_bound: float, reference: dict, *,
                    images: int, on: str = "validation") -> dict:
    """Return the row of fewest bytes whose drop on a split of so many images is within the bound.

    If no row's is, or none is smaller, the reference's row: then nothing is pruned.
    """
    fitting = [row for row in rows if row[on][0] - row[on][1] <= drop_bound * images]
    return min([reference, *fitting], key=lambda row: row["bytes"]["zstd"])


def _ways(reference: nn.Sequential, data: MNIST, granularity: str
          ) -> dict[str, list[tuple[float, Shares]]]:
    """Return for each way of sharing out what goes: (how far, the share of each layer)."""
    grid = (0.0, *SHARES[granularity])
    scan = sensitivity_scan(reference, data.validation, grid, granularity=granularity)
    return {"uniform": [(share, _everywhere(reference, granularity, share))
                        for share in SHARES[granularity]],
            "sensitivity": [(loss, shares_within(scan, grid, loss)) for loss in LOSSES]}


def _everywhere(model: nn.Sequential, granularity: str, share: float) -> Shares:
    names = prunable_layers(model) if granularity == "weight" else unit_layers(model, granularity)
    return dict.fromkeys(names, share)


def _rows(reference: nn.Sequential, data: MNIST, granularity: str, way: str,
          levels: Sequence[tuple[float, Shares]], options: dict | None,
          halves: Sequence[Tensor] = ()) -> list[dict]:
    """Return a row for each level of one sweep, with counts on parts of the test split, if any."""
    models = sweep(reference, data, [shares for _, shares in levels], granularity, options)
    before, rows = _right(reference, data), []
    for (x, _), model in zip(levels, models, strict=True):
        after = _right(model, data)
        rows.append({
            "granularity": granularity, "way": way, "retrained": options is not None, "x": x,
            "weights": nonzero_weights(model),
            "bytes": {name: len(FORMATS[name].write(model)) for name in ("safetensors", "zstd")},
            **{name: _lost_and_gained(before[name], after[name]) for name in before}})
        if halves:
            rows[-1]["halves"] = [_lost_and_gained(before["test"][half], after["test"][half])
                                  for half in halves]
    return rows


def _right(model: nn.Module, data: MNIST) -> dict[str, Tensor]:
    """Return which images of validation and test a network reads right."""
    return {name: predictions(model, split) == split.labels
            for name, split in (("validation", data.validation), ("test", data.test))}


def _lost_and_gained(before: Tensor, after: Tensor) -> list[int]:
    return [int((before & ~after).sum()), int((after & ~before).sum())]
