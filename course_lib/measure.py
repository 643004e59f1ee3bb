"""What a network costs: counts, real bytes, real milliseconds."""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from safetensors.torch import save
from torch import nn

from course_lib._allowed import require
from course_lib._state import evaluating
from course_lib.data import Split
from course_lib.models import prunable_layers
from course_lib.training import evaluate


@dataclass(frozen=True)
class Report:
    """Hold what `measure` found.

    `macs` are multiplications with a weight for one image, as the usual counters count them;
    ordinary libraries carry out all, also those with a weight that is zero.
    """

    parameters: int  # all, biases and batch norm included
    weights: int  # of the prunable layers
    nonzero: int  # those of them that are not zero
    macs: int
    macs_nonzero: int  # those with a weight that is not zero
    dense_bytes: int  # the length of the safetensors file
    accuracy: float | None  # from 0 to 1, None without a split

    @property
    def sparsity(self) -> float:
        """Return zeros / all weights."""
        return 1 - self.nonzero / self.weights


def measure(model: nn.Module, split: Split | None = None) -> Report:
    """Count a model's parameters, operations and bytes, and its accuracy on `split` if given.

    It reads one image of 28 x 28 pixels. The file is really written, to memory.

    >>> from course_lib.models import lenet_300_100
    >>> report = measure(lenet_300_100())
    >>> report.parameters, report.weights, report.macs
    (266610, 266200, 266200)
    """
    weights = {name: layer.weight for name, layer in prunable_layers(model).items()}
    nonzero = {name: int(torch.count_nonzero(weight)) for name, weight in weights.items()}
    uses = _uses(model)
    return Report(
        parameters=sum(p.numel() for p in model.parameters()),
        weights=sum(weight.numel() for weight in weights.values()),
        nonzero=sum(nonzero.values()),
        macs=sum(uses[name] * weight.numel() for name, weight in weights.items()),
        macs_nonzero=sum(uses[name] * count for name, count in nonzero.items()),
        dense_bytes=len(save(model.state_dict())),
        accuracy=None if split is None else evaluate(model, split),
    )


def _uses(model: nn.Module) -> Counter[str]:
    """Send one black image through; return how often each layer uses each of its weights."""
    uses: Counter[str] = Counter()
    with evaluating(model), torch.inference_mode(), ExitStack() as hooks:  # it removes them again
        for name, layer in prunable_layers(model).items():
            hooks.enter_context(layer.register_forward_hook(
                lambda layer, _, result, name=name: uses.update(
                    {name: result.numel() // len(layer.weight)})))
        model(torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype))
    return uses


def nonzero_weights(model: nn.Module) -> int:
    """Count the weights of the prunable layers that are not zero."""
    return sum(int(layer.weight.count_nonzero()) for layer in prunable_layers(model).values())


def side_by_side(calls: Mapping[str, Callable[[], object]], *, threads: int | None = None,
                 seconds: float = 0.5, rounds: int = 5) -> dict[str, float]:
    """Time several calls in turns, so that whatever else the machine does strikes all of them.

    In each round each call is repeated, warmed up, for about `seconds` / `rounds`. Returns for each
    the median over rounds of its median milliseconds. `threads`: torch's, by default those of now.
    """
    require(rounds >= 1, "rounds", rounds, "1 or more")
    require(threads is None or threads >= 1, "threads", threads, "1 or more")
    from torch.utils.benchmark import Timer  # here: few lessons time anything

    timers = {name: Timer("call()", globals={"call": call},
                          num_threads=threads or torch.get_num_threads())
              for name, call in calls.items()}
    medians: dict[str, list[float]] = {name: [] for name in calls}
    with torch.inference_mode():
        for _ in range(rounds):
            for name, timer in timers.items():
                times = timer.blocked_autorange(min_run_time=seconds / rounds).times
                medians[name].append(1000 * statistics.median(times))
    return {name: statistics.median(found) for name, found in medians.items()}
