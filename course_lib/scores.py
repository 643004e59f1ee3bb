"""Scores: how much each weight matters. Higher matters more."""

import torch
from torch import Tensor


def magnitude(weight: Tensor) -> Tensor:
    """Score each weight by its absolute value; the result has the weight's shape.

    A weight that is not a number raises ValueError. Source: Han et al. 2015, section 3.

    >>> magnitude(torch.tensor([0.5, -2.0, 0.0]))
    tensor([0.5000, 2.0000, 0.0000])
    """
    if torch.isnan(weight).any():
        raise ValueError(f"weight has {int(torch.isnan(weight).sum())} NaN values; allowed is none")
    return weight.detach().abs()
