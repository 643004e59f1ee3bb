"""Take heads, inner neurons or whole blocks out of the language model, and get a smaller one.

What stays is named as in `removal`: sorted int64 indices. Outputs are as if what goes were zero.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_lib._allowed import check_indices, require
from course_lib.language import HEAD, CharGPT

ALL = slice(None)


def remove_heads(model: CharGPT, keep: Mapping[int, Tensor]) -> CharGPT:
    """Return a smaller model with only these heads: {block: indices}; other blocks keep theirs.

    With a head go its 32 rows of q, k and v, and 32 columns of out. Source: Michel et al. 2019.
    """
    smaller = copy.deepcopy(model)
    for number, stay in keep.items():
        block = _block(smaller, number)
        check_indices(f"keep[{number}]", stay, len(block.q.weight) // HEAD)
        rows = (HEAD * stay[:, None] + torch.arange(HEAD)).flatten()
        for part in (block.q, block.k, block.v):
            _keep(part, rows=rows)
        _keep(block.out, columns=rows)
    return smaller


def remove_neurons(model: CharGPT, keep: Mapping[int, Tensor]) -> CharGPT:
    """Return a smaller model with only these inner neurons of blocks: {block: indices}.

    With a neuron go its row and bias in up, and the column of down that reads it.
    """
    smaller = copy.deepcopy(model)
    for number, stay in keep.items():
        block = _block(smaller, number)
        check_indices(f"keep[{number}]", stay, len(block.up.weight))
        _keep(block.up, rows=stay)
        _keep(block.down, columns=stay)
    return smaller


def remove_blocks(model: CharGPT, keep: Tensor) -> CharGPT:
    """Return a smaller model with only these blocks; the signal passes by where one went."""
    check_indices("keep", keep, len(model.blocks))
    smaller = copy.deepcopy(model)
    smaller.blocks = nn.Sequential(*(smaller.blocks[number] for number in keep.tolist()))
    return smaller


def _block(model: CharGPT, number: int) -> nn.Module:
    require(number in range(len(model.blocks)), "block", number, f"0 to {len(model.blocks) - 1}")
    return model.blocks[number]


def _keep(layer: nn.Linear, *, rows: Tensor | slice = ALL, columns: Tensor | slice = ALL) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[rows][:, columns].contiguous())
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows])
    layer.out_features, layer.in_features = layer.weight.shape
