"""Masks: which weights stay. A mask is a bool tensor of its weight's shape; True keeps.

Masks are data: every function here reads a model and returns new masks. Only `apply_masks`
changes a model.
"""

import numbers
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from course_lib.models import prunable_layers
from course_lib.scores import magnitude, unit_scores

Masks = dict[str, Tensor]  # layer name -> bool, of the weight's shape
Keep = dict[str, Tensor]  # layer name -> sorted int64 indices of the output units that stay


def keep_top(scores: Tensor, sparsity: float) -> Tensor:
    """Keep the highest scores: a mask with exactly round(sparsity · n) zeros.

    Of equal scores the lower index goes. `sparsity` is a share from 0 to 1.

    >>> keep_top(torch.tensor([3.0, 1.0, 2.0, 1.0]), 0.25)
    tensor([ True, False,  True,  True])
    """
    _check_share("sparsity", sparsity)
    if torch.isnan(scores).any():
        raise ValueError(f"scores have {int(torch.isnan(scores).sum())} NaN values; "
                         "allowed is none")
    zeros = round(float(sparsity) * scores.numel())
    lowest_first = scores.flatten().argsort(stable=True)
    mask = torch.ones(scores.numel(), dtype=torch.bool)
    mask[lowest_first[:zeros]] = False
    return mask.reshape(scores.shape)


def magnitude_masks(model: nn.Module, sparsity: float | dict[str, float], *,
                    scope: str = "global", masks: Masks | None = None) -> Masks:
    """Prune the weights of smallest magnitude.

    With scope "global" all layers compete for the places that stay, with "layer" each layer gives
    up the same share. A sparsity for each layer, {name: share}, is always taken layer by layer;
    layers it does not name stay whole. What `masks` has pruned stays pruned, and counts: sparsity
    is a share of all weights, not of those that are left.
    """
    if scope not in ("global", "layer"):
        raise ValueError(f"scope is {scope!r}; allowed is 'global' or 'layer'")
    scores = {name: magnitude(layer.weight) for name, layer in prunable_layers(model).items()}
    if masks is not None:
        check_masks(model, masks)
        for name, mask in masks.items():
            scores[name] = scores[name].masked_fill(~mask, -1)
    if scope == "global" and not isinstance(sparsity, dict):
        chosen = _keep_top_of_all(scores, sparsity)
    else:
        shares = _share_per_layer(model, sparsity)
        chosen = {name: keep_top(scores[name], shares[name]) for name in scores}
    return chosen if masks is None else {
        name: mask & masks[name] if name in masks else mask for name, mask in chosen.items()
    }


def _keep_top_of_all(scores: dict[str, Tensor], sparsity: float) -> Masks:
    together = keep_top(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = together.split([score.numel() for score in scores.values()])
    return {name: part.reshape(scores[name].shape)
            for name, part in zip(scores, parts, strict=True)}


def random_masks(model: nn.Module, sparsity: float | dict[str, float], *, seed: int = 0) -> Masks:
    """Prune weights at random, in each layer the same share or the share {name: share} asks for.

    The control beside every score: what a score achieves beyond this, it achieves by choosing.
    """
    # far from `seed` itself: that one drew the model's weights, and masks would follow them
    lots = torch.Generator().manual_seed(1_000_003 * (seed + 1))
    shares = _share_per_layer(model, sparsity)
    return {name: keep_top(torch.rand(layer.weight.shape, generator=lots), shares[name])
            for name, layer in prunable_layers(model).items()}


def std_thresholds(model: nn.Module, quality: float | dict[str, float], *,
                   masks: Masks | None = None) -> dict[str, float]:
    """Return quality · σ for each layer, σ the standard deviation of its surviving weights.

    Survivors are the weights that `masks` keeps; without masks for a layer, all of them. `quality`
    is one number for all layers or {layer: number}; layers that it does not name get no threshold,
    and so does a layer without survivors. Source: Han et al. 2015, who do not say whether σ is
    taken anew in each round: with the masks of the last round it is.
    """
    layers = prunable_layers(model)
    if masks is not None:
        check_masks(model, masks)
    if isinstance(quality, dict):
        _check_names("quality", quality, layers)
    qualities = quality if isinstance(quality, dict) else dict.fromkeys(layers, quality)
    thresholds = {}
    for name, value in qualities.items():
        if not (isinstance(value, numbers.Real) and 0 <= value < float("inf")):
            raise ValueError(f"quality for {name!r} is {value!r}; allowed is 0 or more, and finite")
        weight = layers[name].weight.detach()
        survivors = weight if masks is None or name not in masks else weight[masks[name]]
        if not survivors.isfinite().all():
            raise ValueError(f"model has weights in {name!r} that are NaN or infinite; allowed is "
                             "one whose weights are numbers")
        if survivors.numel():
            thresholds[name] = float(value * survivors.std(correction=0))
    return thresholds


def threshold_masks(model: nn.Module, thresholds: dict[str, float], *,
                    masks: Masks | None = None) -> Masks:
    """Prune the weights whose magnitude is below their layer's threshold.

    Layers that `thresholds` does not name stay whole. What `masks` has pruned stays pruned.
    """
    layers = prunable_layers(model)
    _check_names("thresholds", thresholds, layers)
    for name, threshold in thresholds.items():
        if not (isinstance(threshold, numbers.Real) and threshold >= 0):
            raise ValueError(f"thresholds[{name!r}] is {threshold!r}; allowed is 0 or more")
    chosen = {name: magnitude(layer.weight) >= thresholds.get(name, 0.0)
              for name, layer in layers.items()}
    if masks is None:
        return chosen
    check_masks(model, masks)
    return chosen | {name: chosen[name] & mask for name, mask in masks.items()}


GRANULARITIES = {  # which layers each is for
    "neuron": nn.Linear, "column": (nn.Linear, nn.Conv2d), "filter": nn.Conv2d,
    "channel": nn.Conv2d}


def unit_masks(model: nn.Module, sparsity: float | dict[str, float], granularity: str, *,
               scores: dict[str, Tensor] | None = None) -> Masks:
    """Prune whole units: neurons, columns, filters or channels, in each layer the same share.

    `sparsity` is the share of a layer's units that go, or {layer: share}. The units with the lowest
    `scores`, {layer: one score a unit}, go; without scores, those of smallest L1 norm. Neurons and
    filters of the output layer are the answers and stay. These are masks for weights: a neuron's
    bias is not theirs to prune, see `zero_units`.
    """
    layers, fitting = prunable_layers(model), unit_layers(model, granularity)
    if isinstance(sparsity, dict):
        _check_names("sparsity", sparsity, fitting)
    if scores is not None:
        _check_names("scores", scores, layers)
    shares = sparsity if isinstance(sparsity, dict) else dict.fromkeys(fitting, sparsity)
    masks = {name: torch.ones_like(layer.weight, dtype=torch.bool)
             for name, layer in layers.items()}
    for name, share in shares.items():
        by_norm = unit_scores(layers[name].weight, granularity)
        units = by_norm if scores is None or name not in scores else scores[name]
        if units.shape != by_norm.shape:
            raise ValueError(f"scores[{name!r}] has shape {tuple(units.shape)}; allowed is "
                             f"{tuple(by_norm.shape)}, one score a {granularity}")
        masks[name] &= _over_weight(keep_top(units, share), layers[name].weight, granularity)
    return masks


def unit_layers(model: nn.Module, granularity: str) -> list[str]:
    """Return the names of the layers that have units of this granularity to prune."""
    if granularity not in GRANULARITIES:
        raise ValueError(f"granularity is {granularity!r}; allowed is one of "
                         f"{', '.join(GRANULARITIES)}")
    layers = prunable_layers(model)
    exempt = list(layers)[-1] if granularity in ("neuron", "filter") else None
    return [name for name, layer in layers.items()
            if isinstance(layer, GRANULARITIES[granularity]) and name != exempt]


def _over_weight(units: Tensor, weight: Tensor, granularity: str) -> Tensor:
    """Spread a mask of units over the weights that belong to them."""
    if granularity in ("neuron", "filter"):
        return units.reshape(-1, *[1] * (weight.dim() - 1))
    if granularity == "column":
        return units.reshape(1, *weight.shape[1:])
    return units.reshape(1, -1, 1, 1)


def kept_units(masks: Masks) -> Keep:
    """Return the output units that keep at least one weight, for each layer, sorted.

    >>> kept_units({"fc1": torch.tensor([[True, False], [False, False], [False, True]])})
    {'fc1': tensor([0, 2])}
    """
    return {name: mask.flatten(1).any(dim=1).nonzero().flatten() for name, mask in masks.items()}


def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Set every weight whose mask is False to zero, in the model itself."""
    check_masks(model, masks)
    layers = prunable_layers(model)
    with torch.no_grad():
        for name, mask in masks.items():
            layers[name].weight.masked_fill_(~mask, 0)


def sparsity(masks: Masks) -> float:
    """Return the share of zeros among all the masks' entries, from 0 to 1.

    >>> sparsity({"fc1": torch.tensor([True, False, False, False])})
    0.75
    """
    if not masks:
        raise ValueError("masks is empty; allowed is one mask a layer, for at least one layer")
    for name, mask in masks.items():
        if mask.dtype != torch.bool:
            raise ValueError(f"masks[{name!r}] is {mask.dtype}; allowed is torch.bool")
    return 1 - sum(int(m.sum()) for m in masks.values()) / sum(m.numel() for m in masks.values())


def check_masks(model: nn.Module, masks: Masks) -> None:
    """Raise ValueError unless each mask is bool, of a layer that exists, of its weight's shape."""
    layers = prunable_layers(model)
    _check_names("masks", masks, layers)
    for name, mask in masks.items():
        weight = layers[name].weight
        wanted = f"a torch.bool tensor of shape {tuple(weight.shape)} on {weight.device}"
        if not isinstance(mask, Tensor):
            raise ValueError(f"masks[{name!r}] is a {type(mask).__name__}; allowed is {wanted}")
        if mask.dtype != torch.bool or mask.shape != weight.shape or mask.device != weight.device:
            raise ValueError(f"masks[{name!r}] is {mask.dtype} of shape {tuple(mask.shape)} on "
                             f"{mask.device}; allowed is {wanted}")


def _share_per_layer(model: nn.Module, sparsity: float | dict[str, float]) -> dict[str, float]:
    layers = prunable_layers(model)
    if not isinstance(sparsity, dict):
        return dict.fromkeys(layers, sparsity)
    _check_names("sparsity", sparsity, layers)
    return {name: sparsity.get(name, 0.0) for name in layers}


def _check_names(argument: str, named: dict, layers: Iterable[str]) -> None:
    if not isinstance(named, dict):
        raise ValueError(f"{argument} is {named!r}; allowed is a dict, {{layer: value}}")
    for name in named:
        if name not in layers:
            raise ValueError(f"{argument} names the layer {name!r}; "
                             f"allowed is one of {', '.join(layers)}")


def _check_share(argument: str, value: float) -> None:
    fine = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (fine and 0 <= value <= 1):
        raise ValueError(f"{argument} is {value!r}; allowed is a share from 0 to 1 (90 % is 0.9)")
