"""One way to refuse: name the argument, say its value, say what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def require(fine: bool, argument: str, value: object, allowed: str) -> None:
    """Raise ValueError unless `fine`. Of a value that is a class, the message says "a Tanh".

    >>> require(False, "sparsity", 90, "a share from 0 to 1 (90 % is 0.9)")
    Traceback (most recent call last):
    ValueError: sparsity is 90; allowed is a share from 0 to 1 (90 % is 0.9)
    """
    if not fine:
        shown = f"a {value.__name__}" if isinstance(value, type) else repr(value)
        raise ValueError(f"{argument} is {shown}; allowed is {allowed}")


def check_share(argument: str, value: object) -> None:
    """Raise ValueError unless the value is a number from 0 to 1."""
    fine = isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 <= value <= 1
    require(fine, argument, value, "a share from 0 to 1 (90 % is 0.9)")


def check_whole(argument: str, value: object, least: int = 1) -> None:
    """Raise ValueError unless the value is a whole number, so large at least."""
    fine = isinstance(value, int) and value >= least
    require(fine, argument, value, f"a whole number, {least} or more")


def check_keys(argument: str, by_layer: object, layers: Iterable[str]) -> None:
    """Raise ValueError unless this is a dict whose keys are among the layers' names."""
    require(isinstance(by_layer, dict), argument, by_layer, "a dict, {layer: value}")
    for name in by_layer:
        require(name in layers, f"layer in {argument}", name, f"one of {', '.join(layers)}")


def check_sizes(argument: str, values: dict, layers: Iterable[str]) -> None:
    """Raise ValueError unless each value is of a layer that exists, a number, and 0 or more."""
    check_keys(argument, values, layers)
    for name, value in values.items():
        check_size(f"{argument} for {name!r}", value)


def check_size(argument: str, value: object) -> None:
    """Raise ValueError unless the value is a number, 0 or more, and finite."""
    fine = isinstance(value, numbers.Real) and 0 <= value < math.inf
    require(fine, argument, value, "0 or more, and finite")


def check_tensors(argument: str, tensors: dict, wanted: dict[str, Tensor]) -> None:
    """Raise ValueError unless each is a tensor of the type, shape and device that is wanted."""
    check_keys(argument, tensors, wanted)
    for name, tensor in tensors.items():
        found, allowed = _kind(tensor), _kind(wanted[name])
        require(found == allowed, f"{argument}[{name!r}]", found, f"a tensor, {allowed}")


def _kind(tensor: object) -> str | type:
    from torch import Tensor  # here, since what refuses without tensors needs no torch

    return type(tensor) if not isinstance(tensor, Tensor) else (
        f"{tensor.dtype} of shape {tuple(tensor.shape)} on {tensor.device}")


def check_indices(argument: str, stay: Tensor, there: int) -> None:
    """Raise ValueError unless these are sorted int64 indices of some of what is there."""
    fine = str(stay.dtype) == "torch.int64" and stay.dim() == 1 and len(stay) > 0 and (
        bool((stay.diff() > 0).all()) and stay[0] >= 0 and stay[-1] < there)
    require(fine, argument, stay, f"a tensor of int64 indices from 0 to {there - 1}, one or more, "
            "sorted, each once: see stay.unique()")


def by_layer(argument: str, value: object, layers: Iterable[str]) -> dict:
    """Return {layer: value}: one value for every layer, or a dict for some of them."""
    values = value if isinstance(value, dict) else dict.fromkeys(layers, value)
    check_keys(argument, values, layers)
    return values
