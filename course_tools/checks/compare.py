"""Compare a result with what was expected, and say in words that stay the same what differs."""

import numbers
from collections.abc import Iterable
from dataclasses import is_dataclass

import numpy as np
import torch
from torch import Tensor, nn


def difference(found: object, expected: object) -> str:
    """Say in what a result differs from what was expected; "" where it does not.

    Type, shape, kind of number (bool, whole, with decimals), NaN, and values to one in 10,000.
    """
    if found is None and expected is not None:
        return "it returned nothing (is there a return?)"
    if isinstance(expected, nn.Module):
        return _module_difference(found, expected)
    if isinstance(expected, dict):
        return _dict_difference(found, expected)
    if isinstance(expected, tuple | list):
        return _sequence_difference(found, expected)
    if isinstance(expected, Tensor) and expected.dim() == 0:
        expected = expected.item()
    if isinstance(expected, Tensor):
        return _tensor_difference(found, expected)
    if isinstance(expected, numbers.Real):
        return _number_difference(found, expected)
    if type(found) is not type(expected):
        return _gave(shown(found), shown(expected))
    if is_dataclass(expected):
        return _dict_difference(vars(found), vars(expected))
    return "" if found == expected else _gave(shown(found), shown(expected))


def _gave(found: str, expected: str) -> str:
    return f"it gave {found}, expected {expected}"


def _module_difference(found: object, expected: nn.Module) -> str:
    if type(found) is not type(expected):
        return _gave(f"a {type(found).__name__}", f"a {type(expected).__name__}")
    if found.training != expected.training:
        return _gave(*("training mode" if m.training else "eval mode" for m in (found, expected)))
    return _dict_difference(found.state_dict(), expected.state_dict())


def _dict_difference(found: object, expected: dict) -> str:
    if not isinstance(found, dict):
        return _gave(f"a {type(found).__name__}", f"a dict with {_listed(expected)}")
    if set(found) != set(expected):
        return _gave(f"a dict with {_listed(found)}", _listed(expected))
    return _first((f"for {key!r}", found[key], value) for key, value in expected.items())


def _listed(keys: Iterable) -> str:
    return ", ".join(map(repr, keys)) or "nothing in it"


def _sequence_difference(found: object, expected: tuple | list) -> str:
    if not isinstance(found, tuple | list):
        return _gave(f"one {type(found).__name__}", f"{len(expected)} values")
    if len(found) != len(expected):
        return _gave(f"{len(found)} values", f"{len(expected)}")
    return _first((f"as value {number} of {len(expected)}", *pair)
                  for number, pair in enumerate(zip(found, expected, strict=True), start=1))


def _first(parts: Iterable[tuple[str, object, object]]) -> str:
    """Say where the first part differs, and in what; a part is (where, found, expected)."""
    for where, found, expected in parts:
        if said := difference(found, expected):
            return f"{where} {said}"
    return ""


def _tensor_difference(found: object, expected: Tensor) -> str:
    if not isinstance(found, Tensor):
        return _gave(f"a {type(found).__name__}, {shown(found)}", f"a tensor, {shown(expected)}")
    if found.shape != expected.shape:
        return _gave(f"shape {tuple(found.shape)}", f"shape {tuple(expected.shape)}")
    if _kind(found) != _kind(expected):
        return _gave(f"numbers of type {found.dtype}", f"{expected.dtype}")
    found, wanted = found.detach().cpu().double(), expected.detach().cpu().double()
    if found.isnan().any() and not wanted.isnan().any():
        return _gave(f"NaN in {shown(found)}", shown(expected))
    same = torch.allclose(found, wanted, rtol=1e-4, atol=1e-6, equal_nan=True)
    return "" if same else _gave(_values(found, expected), _values(expected, expected))


def _values(values: Tensor, like: Tensor) -> str:
    return shown(values.to(like.dtype) if not like.is_floating_point() else values)


def _kind(values: Tensor) -> str:
    return ("bool" if values.dtype == torch.bool else "complex" if values.is_complex() else
            "decimal" if values.is_floating_point() else "whole")


def _number_difference(found: object, expected: float) -> str:
    if isinstance(found, Tensor | np.ndarray) and found.ndim == 0:
        found = found.item()
    truth = isinstance(found, bool | np.bool_)
    if not isinstance(found, numbers.Real | np.bool_) or truth != isinstance(expected, bool):
        return _gave(f"a {type(found).__name__}, {shown(found)}", shown(expected))
    near = abs(float(found) - float(expected)) <= 1e-6 + 1e-4 * abs(float(expected))
    return "" if near or found == expected else _gave(shown(found), shown(expected))


def shown(value: object) -> str:
    """Return a value in a few words that are the same in every run."""
    if isinstance(value, Tensor):
        if value.numel() > 24 or value.is_complex():
            return f"a tensor of shape {tuple(value.shape)}"
        return shown(value.detach().tolist())
    if isinstance(value, nn.Module):
        return f"a {type(value).__name__}"
    if isinstance(value, bool | str | np.bool_):
        return repr(value)[:200]
    if isinstance(value, numbers.Integral):
        return str(value)
    if isinstance(value, numbers.Real):
        return f"{float(value):.6g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {shown(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple) and len(value) <= 24:
        ends = "[]" if isinstance(value, list) else "()"
        return ends[0] + ", ".join(map(shown, value)) + ends[1]
    return f"a {type(value).__name__}"
