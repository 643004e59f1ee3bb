"""What removed units said on average, moved into the bias of the layer that read them."""

import torch
from torch import Tensor, nn

from course_lib._state import evaluating
from course_lib.data import Split


def add_means(model: nn.Sequential, smaller: nn.Sequential, lost: dict[str, Tensor],
              split: Split) -> None:
    """Add to the biases of `smaller` what the lost inputs of its layers brought them on average.

    `lost` is {layer: (inputs that went, outputs that stay)}. Each input counts by its mean over the
    images, place by place, and what a convolution makes of it by its mean over the map.
    """
    layers, reduced = dict(model.named_children()), dict(smaller.named_children())
    with torch.no_grad():
        for name, signal in _mean_inputs(model, split, lost).items():
            inputs, outputs = lost[name]
            alone = torch.zeros_like(signal)
            alone[:, inputs] = signal[:, inputs]
            brought = layers[name](alone) - layers[name](torch.zeros_like(signal))
            bias = brought.flatten(2).mean(2) if brought.dim() > 2 else brought
            own = 0 if reduced[name].bias is None else reduced[name].bias
            reduced[name].bias = nn.Parameter(bias[0, outputs] + own)


def _mean_inputs(model: nn.Sequential, split: Split, layers: dict) -> dict[str, Tensor]:
    """Return what comes into these layers, averaged over the images: one "image" for each."""
    sums: dict[str, Tensor] = {}
    with evaluating(model), torch.no_grad():
        for signal in split.images.split(1_000):
            for name, part in model.named_children():
                if name in layers:
                    sums[name] = sums.get(name, 0) + signal.sum(0, keepdim=True)
                signal = part(signal)
    return {name: total / len(split) for name, total in sums.items()}
