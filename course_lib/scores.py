"""Scores: how much each weight, or each unit, matters. Higher matters more."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib._state import evaluating
from course_lib.data import Split
from course_lib.models import prunable_layers


def magnitude(weight: Tensor) -> Tensor:
    """Score each weight by its absolute value; the result has the weight's shape.

    A weight that is not a number raises ValueError. Source: Han et al. 2015, section 3.

    >>> magnitude(torch.tensor([0.5, -2.0, 0.0]))
    tensor([0.5000, 2.0000, 0.0000])
    """
    if torch.isnan(weight).any():
        raise ValueError(f"weight has {int(torch.isnan(weight).sum())} NaN values; allowed is none")
    return weight.detach().abs()


def unit_scores(weight: Tensor, granularity: str, *, p: int = 1) -> Tensor:
    """Score each unit of a layer by the L1 or L2 norm of its weights, one score a unit.

    Linear, (out, in): "neuron" is a row, "column" all that reads one input. Conv2d, (out, in, k,
    k): "filter" is an output, "channel" all that reads one input channel, "column" all that reads
    one place of the patch (in·k·k of them; also called filter shape). Source: Li et al. 2017 for
    the L1 norm of filters.

    >>> unit_scores(torch.tensor([[1.0, -2.0], [0.0, 0.5]]), "neuron")
    tensor([3.0000, 0.5000])
    """
    if p not in (1, 2):
        raise ValueError(f"p is {p}; allowed is 1 or 2")
    kinds = {2: ("neuron", "column"), 4: ("filter", "channel", "column")}.get(weight.dim(), ())
    if granularity not in kinds:
        raise ValueError(f"granularity is {granularity!r}; allowed for a weight of shape "
                         f"{tuple(weight.shape)} is one of {', '.join(kinds)}")
    sizes = magnitude(weight)
    if granularity == "channel":
        sizes = sizes.transpose(0, 1)
    rows = sizes.flatten(1).T if granularity == "column" else sizes.flatten(1)
    return rows.norm(p, dim=1)


def activation_scores(model: nn.Module, split: Split, *, by: str = "mean") -> dict[str, Tensor]:
    """Score each unit by what it passes on over the images, one score a unit, layer by layer.

    A unit's output is taken after the batch norm and ReLU that follow it, in eval mode. By "mean":
    the mean of its absolute value. By "apoz": 1 − APoZ, the share of outputs that are not zero (Hu
    et al. 2016), so that here too higher matters more. The output layer has no score.
    """
    if by not in ("mean", "apoz"):
        raise ValueError(f"by is {by!r}; allowed is 'mean' or 'apoz'")
    measure = torch.abs if by == "mean" else lambda outputs: (outputs != 0).float()

    def total(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return {name: _per_image(measure(outputs)).sum(0)
                    for name, outputs in _unit_outputs(model, images).items()}

    return _mean_over(model, split, total)


def taylor_scores(model: nn.Module, split: Split) -> dict[str, Tensor]:
    """Score each unit by how much the loss would change without it, to first order.

    The mean over images of |output · gradient of the loss|, each averaged over the unit's places
    (Molchanov et al. 2017). The output layer has no score.
    """
    def total(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            outputs = _unit_outputs(model, images)
            answers = outputs.pop("")
            loss = cross_entropy(answers, labels, reduction="sum")
            slopes = torch.autograd.grad(loss, list(outputs.values()))
        return {name: _per_image(value.detach() * slope).abs().sum(0)
                for (name, value), slope in zip(outputs.items(), slopes, strict=True)}

    return _mean_over(model, split, total)


def oracle_scores(model: nn.Module, split: Split) -> dict[str, Tensor]:
    """Score each unit by the loss without it, one unit at a time.

    The mean cross-entropy over the images while that unit passes on 0, as by `zero_units`. What
    Taylor scores estimate is this less the loss of the whole network. Each unit costs a pass
    through the layers behind it. The output layer has no score.
    """
    def total(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        sums, last = {}, None
        for place, (name, part) in enumerate(model.named_children()):
            if name in layers:
                if last is not None:
                    units = layers[last].weight.shape[0]
                    sums[last] = _losses_without(images, units, model[place:], labels)
                last = name
            images = part(images)
        return sums

    if not isinstance(model, nn.Sequential):
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential")
    layers = prunable_layers(model)
    with torch.no_grad():
        return _mean_over(model, split, total)


def _losses_without(signal: Tensor, units: int, rest: nn.Module, labels: Tensor) -> Tensor:
    """Return the sum over images of the loss with each unit's part of a signal set to zero."""
    blocks, losses = signal.unflatten(1, (units, -1)), []
    for unit in range(units):
        without = blocks.clone()
        without[:, unit] = 0
        losses.append(cross_entropy(rest(without.flatten(1, 2)), labels, reduction="sum"))
    return torch.stack(losses)


def _mean_over(model: nn.Module, split: Split, total) -> dict[str, Tensor]:
    """Add up `total` over batches in eval mode; divide by the number of images."""
    if len(split) == 0:
        raise ValueError("split is empty; allowed is one image or more")
    sums: dict[str, Tensor] = {}
    with evaluating(model):
        for images, labels in zip(split.images.split(1_000), split.labels.split(1_000),
                                  strict=True):
            for name, value in total(images, labels).items():
                if name:
                    sums[name] = sums.get(name, 0) + value
    return {name: value / len(split) for name, value in sums.items()}


def _unit_outputs(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Run a chain; return what each layer's units pass on, and the answers under ""."""
    if not isinstance(model, nn.Sequential):
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential")
    layers, outputs, last = prunable_layers(model), {}, None
    for name, part in model.named_children():
        images = part(images)
        if name in layers:
            last = name
        elif not isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.ReLU | nn.Dropout):
            last = None
        if last is not None:
            outputs[last] = images
    outputs.pop(list(layers)[-1], None)
    return outputs | {"": images}


def _per_image(values: Tensor) -> Tensor:
    """Average (images, units, ...) over a unit's places: (images, units)."""
    return values.flatten(2).mean(2) if values.dim() > 2 else values
