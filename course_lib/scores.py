"""Scores: how much each weight, or each unit, matters. Higher matters more."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from course_lib._allowed import require
from course_lib._inputs import input_rows
from course_lib._state import evaluating
from course_lib.data import Split
from course_lib.models import prunable_layers

GRANULARITIES = {2: ("neuron", "column"), 4: ("filter", "channel", "column")}  # by weight.dim()
PASSING = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.Dropout)  # leave each unit to itself


def magnitude(weight: Tensor) -> Tensor:
    """Score each weight by its absolute value; NaN is refused. Source: Han et al. 2015.

    >>> magnitude(torch.tensor([0.5, -2.0, 0.0]))
    tensor([0.5000, 2.0000, 0.0000])
    """
    require(not weight.isnan().any(), "a value of weight", math.nan, "a number")
    return weight.detach().abs()


def unit_scores(weight: Tensor, granularity: str, *, p: int = 1) -> Tensor:
    """Score each unit of a layer by the L1 or L2 norm of its weights, one score a unit.

    Linear, (out, in): "neuron" is a row, "column" all that reads one input. Conv2d, (out, in, k,
    k): "filter" is an output, "channel" all that reads one input channel, "column" (or filter
    shape) one position of the patch, in·k·k of them. Source for filters: Li et al. 2017.

    >>> unit_scores(torch.tensor([[1.0, -2.0], [0.0, 0.5]]), "neuron")
    tensor([3.0000, 0.5000])
    """
    require(p in (1, 2), "p", p, "1 or 2")
    fitting = GRANULARITIES.get(weight.dim(), ())
    require(granularity in fitting, "granularity", granularity,
            f"one of {', '.join(fitting)} for a weight of shape {tuple(weight.shape)}")
    return units_first(magnitude(weight), granularity).flatten(1).norm(p, dim=1)


def units_first(weight: Tensor, granularity: str) -> Tensor:
    """Return a view of a weight, or of its mask, whose first dimension counts the units."""
    if granularity == "channel":
        return weight.transpose(0, 1)
    return weight.flatten(1).T if granularity == "column" else weight


def unit_layers(model: nn.Module, granularity: str) -> list[str]:
    """Return the names of the layers with such units to prune; the network's answers are none."""
    known = dict.fromkeys(kind for kinds in GRANULARITIES.values() for kind in kinds)
    require(granularity in known, "granularity", granularity, f"one of {', '.join(known)}")
    layers = prunable_layers(model)
    exempt = list(layers)[-1] if granularity in ("neuron", "filter") else None
    return [name for name, layer in layers.items()
            if granularity in GRANULARITIES[layer.weight.dim()] and name != exempt]


def activation_scores(model: nn.Module, split: Split, *, by: str = "mean") -> dict[str, Tensor]:
    """Score each unit by what it passes on over the images: {layer: one score a unit}.

    A unit's output is taken after the batch norm and ReLU modules that follow it, in eval mode. By
    "mean": the mean of its absolute value. By "apoz": 1 − APoZ, the share of outputs that are not
    zero (Hu et al. 2016), so that here too higher matters more. The output layer has no score.

    >>> from course_lib.models import lenet_5
    >>> split = Split(torch.rand(8, 1, 28, 28), torch.arange(8))
    >>> {name: len(scores) for name, scores in activation_scores(lenet_5(), split).items()}
    {'conv1': 20, 'conv2': 50, 'fc1': 500}
    """
    require(by in ("mean", "apoz"), "by", by, "'mean' or 'apoz'")
    statistic = torch.abs if by == "mean" else lambda values: (values != 0).float()
    return _mean_over(model, split, lambda logits, labels, outputs: map(statistic, outputs))


def taylor_scores(model: nn.Module, split: Split) -> dict[str, Tensor]:
    """Score each unit by how much the loss would change without it, to first order.

    The mean over images of |output · gradient of the loss|, each averaged over the unit's positions
    (Molchanov et al. 2017), as {layer: one score a unit}. The output layer has no score.
    """
    def change(logits: Tensor, labels: Tensor, outputs: list[Tensor]) -> Iterable[Tensor]:
        gradients = torch.autograd.grad(cross_entropy(logits, labels, reduction="sum"), outputs)
        return map(torch.mul, outputs, gradients)

    return _mean_over(model, split, change, gradient=True)


def oracle_scores(model: nn.Sequential, split: Split) -> dict[str, Tensor]:
    """Score each unit by the loss without it, one unit at a time.

    The mean cross-entropy while that unit passes on 0, as {layer: one score a unit}. Taylor scores
    estimate this less the whole network's loss. The output layer has no score.
    """
    require(isinstance(model, nn.Sequential), "model", type(model), "an nn.Sequential")
    require(len(split) > 0, "len(split)", 0, "1 or more")
    totals: dict[str, Tensor] = {}
    with evaluating(model), torch.no_grad():
        for images, labels in zip(split.images.split(1000), split.labels.split(1000), strict=True):
            for name, losses in _losses_without_each(model, images, labels):
                totals[name] = totals.get(name, 0) + losses
    return {name: total / len(split) for name, total in totals.items()}


def _losses_without_each(model: nn.Sequential, images: Tensor, labels: Tensor
                         ) -> Iterator[tuple[str, Tensor]]:
    """Yield a hidden layer's name and the loss, added up over images, without each of its units."""
    layers, last = prunable_layers(model), ""
    for index, (name, part) in enumerate(model.named_children()):
        if name in layers:
            if last:
                blocks = images.unflatten(1, (len(layers[last].weight), -1))
                yield last, torch.stack([_loss_without(unit, blocks, model[index:], labels)
                                         for unit in range(blocks.shape[1])])
            last = name
        images = part(images)


def _loss_without(unit: int, blocks: Tensor, rest: nn.Module, labels: Tensor) -> Tensor:
    blocks = blocks.clone()
    blocks[:, unit] = 0
    return cross_entropy(rest(blocks.flatten(1, 2)), labels, reduction="sum")


def fisher_scores(model: nn.Module, split: Split) -> dict[str, Tensor]:
    """Score each weight by what the loss rises by without it, to second order: ½ · F · w².

    F is the diagonal of the empirical Fisher, the mean over images of the squared gradient of each
    image's loss. Returns {layer: the weight's shape}. Source: LeCun, Denker, Solla 1990.
    """
    require(len(split) > 0, "len(split)", 0, "1 or more")
    weights = {name: layer.weight.detach() for name, layer in prunable_layers(model).items()}

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        state = {f"{name}.weight": weight for name, weight in weights.items()}
        return cross_entropy(functional_call(model, state, image[None]), label[None])

    of_each, squares = vmap(grad(loss), in_dims=(None, 0, 0)), dict.fromkeys(weights, 0.0)
    with evaluating(model):
        for images, labels in zip(split.images.split(100), split.labels.split(100), strict=True):
            for name, gradients in of_each(weights, images, labels).items():
                squares[name] = squares[name] + gradients.square().sum(0)
    return {name: weights[name].square() / 2 * squares[name] / len(split) for name in weights}


def wanda_scores(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Score each weight by its magnitude times the L2 norm of all that it multiplies.

    The norm is over all `inputs` of the model, of a convolution over all patches. Returns {layer:
    the weight's shape}. Source: Sun et al. 2023, who compare within a row: see `surgery.row_masks`.
    """
    scores = {}
    for name, layer in prunable_layers(model).items():
        squares = sum(rows.square().sum(0) for rows in input_rows(model, name, inputs))
        scores[name] = magnitude(layer.weight) * squares.sqrt().float().view_as(layer.weight[:1])
    return scores


def _mean_over(model: nn.Module, split: Split, statistic: Callable[..., Iterable[Tensor]], *,
               gradient: bool = False) -> dict[str, Tensor]:
    """Average a statistic of the units' outputs over positions, in size over images."""
    require(len(split) > 0, "len(split)", 0, "1 or more")
    totals: dict[str, Tensor] = {}
    with evaluating(model), torch.set_grad_enabled(gradient):
        for images, labels in zip(split.images.split(1000), split.labels.split(1000), strict=True):
            logits, outputs = _forward(model, images)
            values = statistic(logits, labels, list(outputs.values()))
            for name, value in zip(outputs, values, strict=True):
                by_image = value.detach().flatten(2).mean(2) if value.dim() > 2 else value.detach()
                totals[name] = totals.get(name, 0) + by_image.abs().sum(0)
    return {name: total / len(split) for name, total in totals.items()}


def _forward(model: nn.Module, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the model's outputs, and what the units of each hidden layer pass on."""
    layers, outputs, current = prunable_layers(model), {}, ""

    def note(name: str, part: nn.Module, inputs: object, output: Tensor) -> None:
        nonlocal current
        current = name if name in layers else current if isinstance(part, PASSING) else ""
        if current:
            outputs[current] = output

    with ExitStack() as hooks:  # it takes them off again
        for name, part in model.named_modules():
            if not any(part.children()):
                hooks.enter_context(part.register_forward_hook(partial(note, name)))
        logits = model(images)
    outputs.pop(list(layers)[-1], None)
    return logits, outputs
