"""What comes into a layer, as the rows of the matrix that its weight multiplies."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from course_lib._allowed import require
from course_lib._state import evaluating
from course_lib.models import prunable_layers


def input_rows(model: nn.Module, layer: str, inputs: Tensor) -> Iterator[Tensor]:
    """Yield what enters a layer, float64 (rows, columns), for one batch of inputs after another.

    The columns are those of weight.flatten(1). A Linear has a row for each image, or for each
    character of a text; a Conv2d has one for each patch that its filters read.
    """
    part = prunable_layers(model)[layer]
    require(len(inputs) > 0, "len(inputs)", 0, "1 or more")
    groups = getattr(part, "groups", 1)
    require(groups == 1, f"groups of layer {layer!r}", groups, "1")
    for batch in inputs.split(250):
        signals: list[Tensor] = []
        hook = part.register_forward_pre_hook(
            lambda _, entering, signals=signals: signals.append(entering[0]))
        with evaluating(model), torch.no_grad(), hook:  # the block takes it off
            model(batch)
        yield _rows(part, signals[0]).double()


def _rows(layer: nn.Linear | nn.Conv2d, signal: Tensor) -> Tensor:
    if isinstance(layer, nn.Linear):
        return signal.flatten(0, -2)
    patches = unfold(signal, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    return patches.transpose(1, 2).flatten(0, 1)
