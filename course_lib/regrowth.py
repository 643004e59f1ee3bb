"""Pruning that can be taken back: what is pruned goes on learning, and returns where it has grown.

One long schedule instead of rounds: the sparsity rises while the network trains, then the masks are
frozen and it trains on. Source: Guo, Yao, Chen 2016 (Dynamic Network Surgery).
"""

import copy
import math

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from course_lib._allowed import check_share, require
from course_lib._state import evaluating, seeded
from course_lib.data import Split
from course_lib.masks import Masks, apply_masks, keep_top
from course_lib.models import prunable_layers
from course_lib.training import batches, loss_of

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


def prune_while_training(model: nn.Module, split: Split, sparsity: float, *, rising: int,
                         resting: int, lr: float = 1e-3, regrowth: bool = True, every: int = 100,
                         teacher: nn.Module | None = None, seed: int = 0) -> Masks:
    """Train the model that it is given while its sparsity rises, then rests; return the masks.

    For `rising` epochs masks are chosen anew `every` so many steps, along Zhu and Gupta's cubic
    curve; for `resting` ones they are frozen at exactly `sparsity` of all weights, and `lr` falls
    to zero. With `regrowth` the pruned weights go on learning from the gradients at zero (straight
    through); without it they stay zero. `teacher` as in `train`.
    """
    check_share("sparsity", sparsity)
    for name, n in {"rising": rising, "resting": resting, "every": every}.items():
        require(isinstance(n, int) and n >= 1, name, n, "a whole number, 1 or more")
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    rise, steps = (epochs * math.ceil(len(split) / 128) for epochs in (rising, rising + resting))
    schedule = LambdaLR(optimizer, lambda step: min(1.0, (steps - step) / (steps - rise)))
    layers = prunable_layers(model.train())
    weights = {name: layer.weight.data for name, layer in layers.items()}
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()}
    with seeded(seed), evaluating(teacher or nn.Identity()):
        stream = (batch for _ in range(rising + resting) for batch in batches(split, 128))
        for step, batch in enumerate(stream):
            if step == rise:
                masks = _exactly(masks, weights, sparsity)
            elif step < rise and step % every == 0:
                masks = regrown(masks, weights, sparsity * (1 - (1 - step / rise) ** 3))
            for name, layer in layers.items():
                layer.weight.data = weights[name] * masks[name]  # what the loss is read with
            optimizer.zero_grad()
            loss_of(model, *batch, teacher).backward()
            for name, layer in layers.items():
                layer.weight.data = weights[name]  # what learns
            optimizer.step()
            schedule.step()
            if step >= rise or not regrowth:
                apply_masks(model, masks)
    model.eval()
    return masks


def _exactly(masks: Masks, weights: Weights, sparsity: float) -> Masks:
    """Keep the largest of the weights that stay, and of the others, so that the share is exact."""
    scores = [weight.abs() + masks[name] * weight.abs().max() for name, weight in weights.items()]
    chosen = keep_top(torch.cat([score.flatten() for score in scores]), sparsity)
    parts = chosen.split([score.numel() for score in scores])
    return {name: part.view_as(masks[name]) for name, part in zip(masks, parts, strict=True)}


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
