"""The long runs of lesson 06: how small a network becomes, and what that costs in accuracy.

A sweep prunes one network further and further. What each step costs is stored as counts of images,
[lost, gained] against the unpruned network, on validation and on test, so that the choice under any
drop bound can be read off afterwards: `smallest_within` chooses. Rows of networks that were trained
or retrained also say which images they read "wrong", see `images`.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib.data import MNIST
from course_lib.intervals import drop_between
from course_lib.masks import magnitude_masks, masked, units_to_keep
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import unit_layers
from course_lib.search import sensitivity_scan
from course_lib.sizes import FORMATS
from course_lib.training import predictions, reestimate_batch_norm, train

from course_tools.experiments.images import packed
from course_tools.experiments.recipes import FLATTERY, SWEEPS, first_images, granularities

Shares = dict[str, float]  # layer name -> share of its weights or units that go


def tradeoff(data: MNIST, *, seed: int, network: str,
             recipe: Mapping = SWEEPS) -> list[dict]:
    """Sweep one network by every granularity, in two ways, with retraining and without.

    "uniform": the same share of each layer. "sensitivity": of each layer the share at which
    it alone loses so much on validation. The control, granularity "none", is retrained as often as
    the longest sweep, unpruned. Where nothing is retrained, batch norms estimate their statistics
    anew.
    """
    data = first_images(data, recipe["images"].get(network))
    reference = ARCHITECTURES[network](seed)
    train(reference, data.train, **recipe["references"][network], seed=seed)
    options = recipe["retraining"][network] | {"seed": seed}
    longest = max(map(len, (*recipe["shares"].values(), recipe["losses"])))
    nothing = [(float(place), {}) for place in range(1, longest + 1)]
    rows = _rows(reference, data, "none", "none", [(0.0, {})], None)
    rows += _rows(reference, data, "none", "none", nothing, options)
    for granularity in granularities(network):
        for way, steps in _ways(reference, data, granularity, recipe).items():
            rows += _rows(reference, data, granularity, way, steps, None)
            rows += _rows(reference, data, granularity, way, steps, options)
    return [{"network": network, "seed": seed} | row for row in rows]


def flattery(data: MNIST, *, seed: int, recipe: Mapping = FLATTERY) -> list[dict]:
    """Sweep LeNet-300-100 in fine steps, and count what random halves of the test split say.

    The first row, of strength 0, is the unpruned network.
    "halves" has [lost, gained] of one half for each of several splits in two; the rest of "test" is
    the other half's. A search on the one can be asked for its drop on the other: both are digits
    of the same writers.
    """
    reference = ARCHITECTURES["lenet_300_100"](seed)
    train(reference, data.train, **recipe["brief"], seed=seed)
    steps = [(share, _everywhere(reference, "weight", share)) for share in recipe["shares"]]
    options = SWEEPS["retraining"]["lenet_300_100"] | {"epochs": 1, "seed": seed}
    halves = random_halves(len(data.test), recipe["halves"], seed=seed)
    rows = _rows(reference, data, "none", "none", [(0.0, {})], None, halves)
    rows += _rows(reference, data, "weight", "uniform", steps, options, halves)
    return [{"seed": seed} | row for row in rows]


def random_halves(images: int, halves: int, *, seed: int) -> list[Tensor]:
    """Return so many times the places of half of the images, drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(images, generator=generator)[:images // 2] for _ in range(halves)]


def sweep(reference: nn.Sequential, data: MNIST, steps: Sequence[Shares], granularity: str,
          options: dict | None) -> Iterator[nn.Sequential]:
    """Yield the network at each step: pruned from the one before and retrained with `options`.

    With None each is pruned from the reference, none is retrained, and batch norms estimate their
    statistics anew. Shares are always of what the reference had.
    """
    model, masks = reference, None
    for shares in steps:
        if options is None:
            model, masks = reference, None
        if granularity == "weight":
            masks = magnitude_masks(model, shares, masks=masks)
            model = masked(model, masks)
        else:
            model = fewer_units(model, shares, like=reference)
        if options is not None:
            train(model, data.train, masks=masks, **options)
        elif shares:
            model = reestimate_batch_norm(model, data.train)
        yield model


def fewer_units(model: nn.Sequential, shares: Shares, *, like: nn.Sequential) -> nn.Sequential:
    """Return the model without the units of smallest L1 norm.

    What stays in each layer is 1 − share of the units that it has in `like`, and one unit at least.
    """
    units, whole = ({name: layer.weight.shape[0] for name, layer in prunable_layers(each).items()}
                    for each in (model, like))
    sparsity = {name: 1 - max(1, round((1 - share) * whole[name])) / units[name]
                for name, share in shares.items()}
    return remove_units(model, units_to_keep(model, sparsity))


def _ways(reference: nn.Sequential, data: MNIST, granularity: str, recipe: Mapping
          ) -> dict[str, list[tuple[float, Shares]]]:
    """Return for each way of sharing out what goes: (how far, the share of each layer)."""
    shares = recipe["shares"][granularity]
    grid = (0.0, *shares)
    scan = sensitivity_scan(reference, data.validation, grid, granularity, statistics=data.train)
    return {"uniform": [(share, _everywhere(reference, granularity, share))
                        for share in shares],
            "sensitivity": [(loss, shares_within(scan, grid, loss)) for loss in recipe["losses"]]}


def shares_within(scan: dict[str, list[float]], sparsities: Sequence[float],
                  drop: float) -> dict[str, float]:
    """Return for each layer the largest sparsity at which it alone loses at most `drop`.

    `scan` is what `sensitivity_scan` found at these sparsities, the first of which is the
    reference. Between two of them accuracy is taken to lie on a line.

    >>> shares_within({"fc1": [1.0, 1.0, 0.5], "fc2": [1.0, 1.0, 1.0]}, [0.0, 0.5, 1.0], 0.25)
    {'fc1': 0.75, 'fc2': 1.0}
    """
    require(0 <= drop <= 1, "drop", drop, "a share from 0 to 1 (one point is 0.01)")
    return {name: _share_within([accuracies[0] - accuracy for accuracy in accuracies], sparsities,
                                drop) for name, accuracies in scan.items()}


def _share_within(drops: Sequence[float], sparsities: Sequence[float], drop: float) -> float:
    beyond = next((index for index, lost in enumerate(drops) if lost > drop), None)
    if beyond is None:
        return sparsities[-1]
    way = (drop - drops[beyond - 1]) / (drops[beyond] - drops[beyond - 1])
    return sparsities[beyond - 1] + way * (sparsities[beyond] - sparsities[beyond - 1])


def _everywhere(model: nn.Sequential, granularity: str, share: float) -> Shares:
    names = prunable_layers(model) if granularity == "weight" else unit_layers(model, granularity)
    return dict.fromkeys(names, share)


def _rows(reference: nn.Sequential, data: MNIST, granularity: str, way: str,
          steps: Sequence[tuple[float, Shares]], options: dict | None,
          halves: Sequence[Tensor] = ()) -> list[dict]:
    """Return a row for each step of one sweep, with counts on parts of the test split, if any.

    A step's strength is the share of each layer, or the loss that a layer alone may cost, or how
    often the control was retrained.
    """
    models = sweep(reference, data, [shares for _, shares in steps], granularity, options)
    before, rows = _right(reference, data), []
    for (strength, _), model in zip(steps, models, strict=True):
        after = _right(model, data)
        rows.append({
            "granularity": granularity, "way": way, "retrained": options is not None,
            "strength": strength, "nonzero": nonzero_weights(model),
            "bytes": {name: len(FORMATS[name].write(model)) for name in ("safetensors", "zstd")},
            **{name: _lost_and_gained(before[name], after[name]) for name in before}})
        if options is not None or granularity == "none":
            rows[-1]["wrong"] = {name: packed(~right) for name, right in after.items()}
        if halves:
            rows[-1]["halves"] = [_lost_and_gained(before["test"][half], after["test"][half])
                                  for half in halves]
    return rows


def _right(model: nn.Module, data: MNIST) -> dict[str, Tensor]:
    """Return which images of validation and test a network reads right."""
    return {name: predictions(model, split) == split.labels
            for name, split in (("validation", data.validation), ("test", data.test))}


def _lost_and_gained(before: Tensor, after: Tensor) -> list[int]:
    found = drop_between(before, after)
    return [found.lost, found.gained]
