"""Search: what each layer bears, and how sure a loss of accuracy is."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm
from torch import nn

from course_lib.data import Split
from course_lib.masks import apply_masks, kept_units, magnitude_masks, unit_layers, unit_masks
from course_lib.models import prunable_layers
from course_lib.removal import zero_units
from course_lib.training import evaluate, predictions


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


@dataclass(frozen=True)
class Drop:
    """Hold a loss of accuracy, from -1 to 1, and the ends of its 95 % interval.

    `lost` images were read right before and wrong after, `gained` ones the other way round.
    """

    value: float
    low: float
    high: float
    lost: int
    gained: int


def drop(original: nn.Module, pruned: nn.Module, split: Split) -> Drop:
    """Return the accuracy of the original minus that of the pruned model, on the same images.

    Only images that the two judge differently count for the interval, which is much narrower than
    one from two separate accuracies. Source: Bonett and Price 2012.
    """
    before = predictions(original, split) == split.labels
    after = predictions(pruned, split) == split.labels
    return paired_drop(int((before & ~after).sum()), int((after & ~before).sum()), len(split))


def paired_drop(lost: int, gained: int, images: int) -> Drop:
    """Return the drop when of so many `images` some were `lost` and some `gained`."""
    if min(lost, gained) < 0 or lost + gained > images or images < 1:
        raise ValueError(f"lost, gained, images are {lost}, {gained}, {images}; allowed is 0 or "
                         "more, together at most all images, and one image or more")
    worse, better = (lost + 1) / (images + 2), (gained + 1) / (images + 2)
    variance = (worse + better - (worse - better) ** 2) / (images + 2)
    reach = float(norm.ppf(0.975)) * variance ** 0.5
    return Drop((lost - gained) / images, max(-1.0, worse - better - reach),
                min(1.0, worse - better + reach), lost, gained)
