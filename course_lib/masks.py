"""Masks: which weights stay, as data. A bool tensor of its weight's shape; True keeps."""

import copy

import torch
from torch import Tensor, nn

from course_lib._allowed import by_layer, check_share, check_sizes, check_tensors, require
from course_lib.models import prunable_layers
from course_lib.scores import GRANULARITIES, magnitude, unit_layers, unit_scores, units_first

Masks = dict[str, Tensor]  # layer name -> bool, of the weight's shape
Keep = dict[str, Tensor]  # layer name -> sorted int64 indices of the output units that stay
Shares = float | dict[str, float]  # the share that goes: of every layer, or {layer: share}


def keep_top(scores: Tensor, sparsity: float) -> Tensor:
    """Keep the highest scores: a mask with exactly round(sparsity · n) zeros.

    Of equal scores the lower index goes. `sparsity` is a share from 0 to 1.

    >>> keep_top(torch.tensor([3.0, 1.0, 2.0, 1.0]), 0.25)
    tensor([ True, False,  True,  True])
    """
    check_share("sparsity", sparsity)
    require(not scores.isnan().any(), "a value of scores", torch.nan, "a number")
    zeros = round(float(sparsity) * scores.numel())
    mask = torch.ones(scores.numel(), dtype=torch.bool)
    mask[scores.flatten().argsort(stable=True)[:zeros]] = False
    return mask.reshape(scores.shape)


def magnitude_masks(model: nn.Module, sparsity: Shares, *, scope: str = "global",
                    masks: Masks | None = None) -> Masks:
    """Prune the weights of smallest magnitude.

    With scope "global" all layers compete, with "layer" each gives up the same share. A sparsity
    {layer: share} is taken layer by layer; layers it does not name stay whole. What `masks` has
    pruned stays pruned, and counts: sparsity is a share of all weights, not of those left.
    """
    require(scope in ("global", "layer"), "scope", scope, "'global' or 'layer'")
    earlier = full_masks(model, masks)
    scores = {name: magnitude(layer.weight).masked_fill(~earlier[name], -1)
              for name, layer in prunable_layers(model).items()}
    if scope == "layer" or isinstance(sparsity, dict):
        return _keep_top_of_each(scores, sparsity, earlier)
    chosen = keep_top(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = chosen.split([score.numel() for score in scores.values()])
    return {name: mask & part.view_as(mask)
            for (name, mask), part in zip(earlier.items(), parts, strict=True)}


def random_masks(model: nn.Module, sparsity: Shares, *, seed: int = 0,
                 masks: Masks | None = None) -> Masks:
    """Prune weights at random, in each layer the same share, or {layer: share}.

    The control of a score; given the shares of its masks, of what it chose within each layer.
    """
    # not `seed` itself: torch would reuse the random stream that drew the model's weights
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))
    scores = {name: torch.rand(layer.weight.shape, generator=generator)
              for name, layer in prunable_layers(model).items()}
    return _keep_top_of_each(scores, sparsity, full_masks(model, masks))


def _keep_top_of_each(scores: dict[str, Tensor], sparsity: Shares, earlier: Masks) -> Masks:
    shares = by_layer("sparsity", sparsity, scores)
    return {name: mask & keep_top(scores[name].masked_fill(~mask, -1), shares.get(name, 0.0))
            for name, mask in earlier.items()}


def std_thresholds(model: nn.Module, quality: float | dict[str, float], *,
                   masks: Masks | None = None) -> dict[str, float]:
    """Return quality · σ for each layer, σ the standard deviation of its surviving weights.

    Survivors are the weights that `masks` keeps; a layer without any gets no threshold. `quality`
    is one number for all layers, or {layer: number} for some. Source: Han et al. 2015.
    """
    layers, earlier = prunable_layers(model), full_masks(model, masks)
    qualities, thresholds = by_layer("quality", quality, layers), {}
    check_sizes("quality", qualities, layers)
    for name, value in qualities.items():
        survivors = layers[name].weight.detach()[earlier[name]]
        require(bool(survivors.isfinite().all()), f"a weight in {name!r}", torch.nan, "finite")
        if survivors.numel():
            thresholds[name] = float(value * survivors.std(correction=0))
    return thresholds


def threshold_masks(model: nn.Module, thresholds: dict[str, float], *,
                    masks: Masks | None = None) -> Masks:
    """Prune the weights whose magnitude is below their layer's threshold.

    Layers that `thresholds` does not name stay whole. What `masks` has pruned stays pruned.

    >>> model = nn.Sequential(nn.Linear(3, 1))
    >>> model[0].weight.data = torch.tensor([[0.5, -0.1, 0.2]])
    >>> threshold_masks(model, {"0": 0.2})
    {'0': tensor([[ True, False,  True]])}
    """
    layers, earlier = prunable_layers(model), full_masks(model, masks)
    check_sizes("thresholds", thresholds, layers)
    return {name: earlier[name] & (magnitude(layer.weight) >= thresholds.get(name, 0.0))
            for name, layer in layers.items()}


def unit_masks(model: nn.Module, sparsity: Shares, granularity: str, *,
               scores: dict[str, Tensor] | None = None, masks: Masks | None = None) -> Masks:
    """Prune neurons, columns, filters or channels: of each layer the share `sparsity`.

    Those of lowest `scores` go, {layer: one score a unit}; without scores, those of smallest L1
    norm. The output layer's neurons and filters stay. A neuron's bias is not pruned: `zero_units`.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> unit_masks(model, 0.5, "neuron", scores={"0": torch.tensor([1.0, 3.0])})["0"]
    tensor([[False, False], [ True,  True]])
    """
    kinds = dict.fromkeys(unit_layers(model, granularity), granularity)
    chosen = {name: mask.clone() for name, mask in full_masks(model, masks).items()}
    for name, units in _top_units(model, sparsity, kinds, scores, masks or {}).items():
        units_first(chosen[name], granularity)[~units] = False
    return chosen


def units_to_keep(model: nn.Module, sparsity: Shares, *,
                  scores: dict[str, Tensor] | None = None) -> Keep:
    """Choose the neurons and filters that stay, for `zero_units` and `remove_units`.

    Of each hidden layer the share `sparsity` goes, as in `unit_masks`; the output layer stays.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> units_to_keep(model, 1 / 3, scores={"0": torch.tensor([2.0, 1.0, 3.0])})
    {'0': tensor([0, 2])}
    """
    hidden = list(prunable_layers(model).items())[:-1]
    kinds = {name: GRANULARITIES[layer.weight.dim()][0] for name, layer in hidden}
    return {name: units.nonzero().flatten()
            for name, units in _top_units(model, sparsity, kinds, scores, {}).items()}


def _top_units(model: nn.Module, sparsity: Shares, kind: dict[str, str],
               scores: dict[str, Tensor] | None, masks: Masks) -> dict[str, Tensor]:
    """Return {layer: bool, True for the units that stay}; `kind` is {layer: granularity}."""
    layers, units = prunable_layers(model), {}
    scores = by_layer("scores", {} if scores is None else scores, layers)
    for name, share in by_layer("sparsity", sparsity, kind).items():
        norm = unit_scores(layers[name].weight, kind[name])
        score = scores.get(name, norm)
        require(score.shape == norm.shape, f"scores[{name!r}].shape", score.shape, str(norm.shape))
        if name in masks:  # units without a weight go first
            score = score.masked_fill(unit_scores(masks[name].float(), kind[name]) == 0, -torch.inf)
        units[name] = keep_top(score, share)
    return units


def kept_units(masks: Masks) -> Keep:
    """Return the output units that keep at least one weight, for each layer, sorted.

    >>> kept_units({"fc1": torch.tensor([[True, False], [False, False], [False, True]])})
    {'fc1': tensor([0, 2])}
    """
    return {name: mask.flatten(1).any(dim=1).nonzero().flatten() for name, mask in masks.items()}


def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Set every weight whose mask is False to zero, in the model itself."""
    for name, mask in full_masks(model, masks).items():
        model.get_submodule(name).weight.data.masked_fill_(~mask, 0)


def masked(model: nn.Module, masks: Masks) -> nn.Module:
    """Return a copy of the model in which every weight whose mask is False is zero.

    >>> model = nn.Sequential(nn.Linear(3, 1))
    >>> masked(model, {"0": torch.tensor([[True, False, False]])})[0].weight != 0
    tensor([[ True, False, False]])
    """
    pruned = copy.deepcopy(model)
    apply_masks(pruned, masks)
    return pruned


def sparsity(masks: Masks) -> float:
    """Return the share of zeros among all the masks' entries, from 0 to 1.

    >>> sparsity({"fc1": torch.tensor([True, False, False, False])})
    0.75
    """
    dtypes = {mask.dtype for mask in masks.values()}
    require(dtypes == {torch.bool}, "dtypes in masks", dtypes, "{torch.bool}, for one mask or more")
    return 1 - sum(int(m.sum()) for m in masks.values()) / sum(m.numel() for m in masks.values())


def full_masks(model: nn.Module, masks: Masks | None = None) -> Masks:
    """Return a mask for each layer: one of `masks`, checked, or else one that keeps everything."""
    everything = {name: torch.ones_like(layer.weight, dtype=torch.bool)
                  for name, layer in prunable_layers(model).items()}
    check_tensors("masks", masks or {}, everything)
    return everything | (masks or {})
