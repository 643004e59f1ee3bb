"""Search: what each layer bears."""

import copy
from collections.abc import Sequence

from torch import nn

from course_lib.data import Split
from course_lib.masks import apply_masks, kept_units, magnitude_masks, unit_layers, unit_masks
from course_lib.models import prunable_layers
from course_lib.removal import zero_units
from course_lib.training import evaluate


def sensitivity_scan(model: nn.Module, split: Split, sparsities: Sequence[float], *,
                     granularity: str = "weight") -> dict[str, list[float]]:
    """Prune one layer at a time, nothing retrained; return its accuracy at each sparsity.

    By "weight" the smallest weights go; by "neuron" or "filter" the units of smallest L1 norm,
    wholly, with bias and batch norm; by "column" or "channel" the inputs of smallest L1 norm.
    Layers that have no such units, and the output layer where its units would go, are left out.
    Source: Li et al. 2017.
    """
    names = prunable_layers(model) if granularity == "weight" else unit_layers(model, granularity)
    return {name: [evaluate(_with_one_layer_pruned(model, name, share, granularity), split)
                   for share in sparsities] for name in names}


def _with_one_layer_pruned(model: nn.Module, name: str, share: float,
                           granularity: str) -> nn.Module:
    if granularity == "weight":
        masks = magnitude_masks(model, {name: share})
    else:
        masks = unit_masks(model, {name: share}, granularity)
    if granularity in ("neuron", "filter"):
        return zero_units(model, {name: kept_units(masks)[name]})
    pruned = copy.deepcopy(model)
    apply_masks(pruned, masks)
    return pruned
