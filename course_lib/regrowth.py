"""Pruning that can be taken back: what is pruned goes on learning, and returns where it has grown.

Source: Guo, Yao, Chen 2016 (Dynamic Network Surgery). And which weights still do something at all.
"""

import copy
import math

import torch
from torch import Tensor, nn

from course_lib.masks import Masks
from course_lib.models import prunable_layers

Weights = dict[str, Tensor]  # layer name -> its weight, pruned values included


def regrown(masks: Masks, weights: Weights, sparsity: float, hysteresis: float = 0.1) -> Masks:
    """Choose which weights stay, all layers together; a change needs more than a touch.

    With t the magnitude below which this share of all `weights` lies, one that is pruned returns
    from (1 + hysteresis) · t on, and one that stays goes below (1 − hysteresis) · t.

    >>> weight = {"fc": torch.tensor([1.0, 2.0, 3.0, 4.0])}
    >>> masks = {"fc": torch.tensor([False, True, False, True])}
    >>> regrown(masks, weight, 0.5)["fc"], regrown(masks, weight, 0.5, hysteresis=0.4)["fc"]
    (tensor([False, False, False,  True]), tensor([False,  True, False,  True]))
    """
    sizes = {name: weight.abs() for name, weight in weights.items()}
    every = torch.cat([size.flatten() for size in sizes.values()])
    zeros = round(sparsity * len(every))
    threshold = float(every.kthvalue(zeros + 1).values) if zeros < len(every) else math.inf
    return {name: (size >= (1 + hysteresis) * threshold) | (
        masks[name] & (size >= (1 - hysteresis) * threshold)) for name, size in sizes.items()}


def effective_weights(model: nn.Sequential) -> Masks:
    """Return which weights lie on a path from the image to an answer, all of them not zero.

    The others could go without a change, once what dead units emit is folded on. Found by one
    forward and backward pass with every weight that is not zero at 1. Source: the idea of Tanaka
    et al. 2020 (SynFlow); Vysogorets and Kempe 2021 count compression so.
    """
    paths = copy.deepcopy(model).double().eval()
    layers = prunable_layers(paths)
    for part in paths.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
            part.reset_parameters()
        elif getattr(part, "bias", None) is not None:
            part.bias.data.zero_()
    for layer in layers.values():
        layer.weight.data = (layer.weight != 0).double()
    paths(torch.ones(1, 1, 28, 28, dtype=torch.float64)).sum().backward()
    return {name: (layer.weight.grad > 0) & (layer.weight != 0) for name, layer in layers.items()}
