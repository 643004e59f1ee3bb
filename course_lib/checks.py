"""Checks: what an exercise's answer is told. Nothing here raises on an unfinished notebook."""

from collections.abc import Callable

import torch


def attempt(answer: Callable, *cases: tuple) -> None:
    """Try an answer on cases (argument, ..., expected); print where it stands.

    Numbers may differ in the last digits and may come as tensors; a mask has to be bool.
    """
    for *arguments, expected in cases:
        given = [value.clone() if isinstance(value, torch.Tensor) else value for value in arguments]
        try:
            found = answer(*given)
        except Exception as error:  # whatever a learner's code may raise
            print(f"raised {type(error).__name__}: {error}")
            return
        if found is None:
            print("not attempted yet")
            return
        changed = any(isinstance(was, torch.Tensor) and not torch.equal(was, now)
                      for was, now in zip(arguments, given, strict=True))
        if changed or not _same(found, expected):
            shown = ", ".join(_shown(value) for value in arguments)
            print(f"not yet: for ({shown}) it gave {_shown(found)}, expected {_shown(expected)}"
                  + (", and it changed what it was given" if changed else ""))
            return
    print("right")


def _same(found: object, expected: object) -> bool:
    """Compare numbers, tensors, and tuples of them; bool only ever equals bool."""
    if isinstance(expected, tuple):
        return isinstance(found, tuple | list) and len(found) == len(expected) and all(
            _same(a, b) for a, b in zip(found, expected, strict=True))
    try:
        found, expected = torch.as_tensor(found), torch.as_tensor(expected)
    except (TypeError, ValueError, RuntimeError):
        return False
    if found.shape != expected.shape or (found.dtype == torch.bool) != (
            expected.dtype == torch.bool):
        return False
    return torch.allclose(found.detach().double(), expected.double(), rtol=1e-5, atol=1e-6)


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_shown, value)) + ")"
    return str(value.tolist()) if isinstance(value, torch.Tensor) else repr(value)
