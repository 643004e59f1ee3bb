"""Random chains, and random units to keep, for the tests of removal."""

from collections import OrderedDict

import torch
from torch import nn


def random_chain(seed, *, convolutions=True, zero_padding=True, dtype=torch.float64):
    """Return a chain for 1 x 28 x 28 images with random widths, norms, pools, biases, weights."""
    lots = torch.Generator().manual_seed(seed)

    def pick(*options):
        return options[int(torch.randint(len(options), (1,), generator=lots))]

    layers, channels, size = OrderedDict(), 1, 28
    for place in range(pick(1, 2, 3) if convolutions else 0):
        width, kernel = pick(2, 3, 5), pick(1, 3) if size > 5 else 1
        padding, stride = pick(0, 1) if zero_padding else 0, pick(1, 2)
        layers[f"conv{place}"] = nn.Conv2d(channels, width, kernel, stride, padding,
                                           bias=pick(True, False))
        size = (size + 2 * padding - kernel) // stride + 1
        if pick(True, False):
            layers[f"norm{place}"] = nn.BatchNorm2d(width)
        if pick(True, False):
            layers[f"relu{place}"] = nn.ReLU()
        pool = pick(None, nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(3),
                    nn.Dropout(0.3))
        if pool is not None and size >= 4:
            layers[f"pool{place}"] = pool
            size = {nn.AdaptiveAvgPool2d: 3, nn.Dropout: size}.get(type(pool), size // 2)
        channels = width
    layers["flatten"] = nn.Flatten()
    if pick(True, False):
        layers["norm_flat"] = nn.BatchNorm1d(channels * size * size)
    width = channels * size * size
    for place in range(pick(1, 2, 3)):
        layers[f"fc{place}"] = nn.Linear(width, wide := pick(2, 4, 7), bias=pick(True, False))
        if pick(True, False):
            layers[f"norm_fc{place}"] = nn.BatchNorm1d(wide)
        if pick(True, False):
            layers[f"relu_fc{place}"] = nn.ReLU()
        width = wide
    layers["out"] = nn.Linear(width, 10)
    return shaken(nn.Sequential(layers), lots).to(dtype).eval()


def shaken(model, lots):
    """Give every parameter and statistic random values, biases of both signs among them."""
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            fresh = torch.randn(value.shape, generator=lots, dtype=value.dtype)
            scale = value.shape[1:].numel() ** -0.5 if value.dim() > 1 else 1.0
            value.copy_(fresh.abs() + 0.5 if name.endswith("running_var") else scale * fresh)
    return model


def random_keep(model, seed):
    """Return units to keep, one or more, for some of the layers but the last."""
    lots, keep = torch.Generator().manual_seed(seed), {}
    for name, part in list(model.named_children())[:-1]:
        if isinstance(part, nn.Linear | nn.Conv2d) and torch.rand(1, generator=lots) < 0.8:
            units = part.weight.shape[0]
            count = int(torch.randint(1, units + 1, (1,), generator=lots))
            keep[name] = torch.randperm(units, generator=lots)[:count].sort().values
    return keep
