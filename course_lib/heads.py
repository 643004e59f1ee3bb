"""Take heads, inner neurons or whole blocks out of the language model, and get a smaller one.

What stays is named as in `removal`: sorted int64 indices. The outputs are those of the model in
which all that goes is zero.
"""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib.language import HEAD, CharGPT


def remove_heads(model: CharGPT, keep: Mapping[int, Tensor]) -> CharGPT:
    """Return a smaller model with only these heads: {block: indices}; other blocks keep theirs.

    With a head go its 32 rows of q, k and v, and the 32 columns of out that read it. One head must
    stay. Source: Michel et al. 2019.
    """
    smaller = copy.deepcopy(model)
    for number, stay in keep.items():
        block = _block(smaller, number)
        _check(f"keep[{number}]", stay, len(block.q.weight) // HEAD)
        rows = (HEAD * stay[:, None] + torch.arange(HEAD)).flatten()
        for part in (block.q, block.k, block.v):
            _keep_rows(part, rows)
        _keep_columns(block.out, rows)
    return smaller


def remove_neurons(model: CharGPT, keep: Mapping[int, Tensor]) -> CharGPT:
    """Return a smaller model with only these inner neurons of blocks: {block: indices}.

    With a neuron go its row and bias in up, and the column of down that reads it.
    """
    smaller = copy.deepcopy(model)
    for number, stay in keep.items():
        block = _block(smaller, number)
        _check(f"keep[{number}]", stay, len(block.up.weight))
        _keep_rows(block.up, stay)
        _keep_columns(block.down, stay)
    return smaller


def remove_blocks(model: CharGPT, keep: Tensor) -> CharGPT:
    """Return a smaller model with only these blocks; the signal passes by where one went."""
    _check("keep", keep, len(model.blocks))
    smaller = copy.deepcopy(model)
    smaller.blocks = nn.Sequential(*(smaller.blocks[number] for number in keep.tolist()))
    return smaller


def _block(model: CharGPT, number: int) -> nn.Module:
    require(number in range(len(model.blocks)), "block", number, f"0 to {len(model.blocks) - 1}")
    return model.blocks[number]


def _check(argument: str, stay: Tensor, there: int) -> None:
    fine = stay.dtype == torch.int64 and stay.dim() == 1 and len(stay) > 0 and (
        bool((stay.diff() > 0).all()) and stay[0] >= 0 and stay[-1] < there)
    require(fine, argument, stay, f"a tensor of int64 indices from 0 to {there - 1}, one or more, "
            "sorted, each once: see stay.unique()")


def _keep_rows(layer: nn.Linear, rows: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[rows])
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows])
    layer.out_features = len(rows)


def _keep_columns(layer: nn.Linear, columns: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[:, columns].contiguous())
    layer.in_features = len(columns)
