"""What a network costs: counts, real bytes, real milliseconds."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from safetensors.torch import save
from torch import nn

from course_lib._state import evaluating
from course_lib.data import Split
from course_lib.models import prunable_layers
from course_lib.training import evaluate


@dataclass(frozen=True)
class Report:
    """Hold what `measure` found.

    `parameters`: all of them, biases and batch norm included. `weights`: those of the prunable
    layers; `nonzero`: of these the ones that are not zero. `macs`: multiplications with a weight
    for one image, as the usual counters count them; `macs_nonzero`: those with a weight that is
    not zero, which no ordinary library leaves out. `dense_bytes`: the length of the safetensors
    file. `peak_bytes`: the most that a layer's input and output take together, for one image.
    `accuracy`: from 0 to 1, None without a split.
    """

    parameters: int
    weights: int
    nonzero: int
    macs: int
    macs_nonzero: int
    dense_bytes: int
    peak_bytes: int
    accuracy: float | None

    @property
    def sparsity(self) -> float:
        """Return zeros / all weights."""
        return 1 - self.nonzero / self.weights


def measure(model: nn.Sequential, split: Split | None = None) -> Report:
    """Count a chain's parameters, operations and bytes, and its accuracy on `split` if given.

    The file is really written (to memory), so its length includes names, shapes and types. Time is
    for `latency`.
    """
    weights = {name: layer.weight for name, layer in prunable_layers(model).items()}
    nonzero = {name: int(torch.count_nonzero(weight)) for name, weight in weights.items()}
    places, peak = _walk(model)
    return Report(
        parameters=sum(p.numel() for p in model.parameters()),
        weights=sum(weight.numel() for weight in weights.values()),
        nonzero=sum(nonzero.values()),
        macs=sum(places[name] * weight.numel() for name, weight in weights.items()),
        macs_nonzero=sum(places[name] * count for name, count in nonzero.items()),
        dense_bytes=len(save(model.state_dict())),
        peak_bytes=peak,
        accuracy=None if split is None else evaluate(model, split),
    )


def _walk(model: nn.Sequential) -> tuple[dict[str, int], int]:
    """Send one black image through: how often each layer uses its weights, and the peak bytes."""
    if not isinstance(model, nn.Sequential):
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential")
    places, peak = {}, 0
    signal = torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype)
    with evaluating(model), torch.inference_mode():
        for name, part in model.named_children():
            result = part(signal)
            places[name] = result[0, 0].numel()
            peak = max(peak, signal.nbytes + result.nbytes)
            signal = result
    return places, peak


def nonzero_weights(model: nn.Module) -> int:
    """Count the weights of the prunable layers that are not zero."""
    return sum(int(layer.weight.count_nonzero()) for layer in prunable_layers(model).values())


@dataclass(frozen=True)
class Latency:
    """Hold the time of one forward pass in milliseconds: median and quartiles, and how taken."""

    median: float
    low: float
    high: float
    batch: int
    threads: int


def latency(model: nn.Module, batch: int = 1, *, threads: int | None = None,
            seconds: float = 0.5) -> Latency:
    """Time forward passes of `batch` images in eval mode, warmed up, for about `seconds`.

    With `threads` given, torch uses so many meanwhile. The model is laid out as is: contiguous
    weights, as `load_trained` and `remove_units` return them.
    """
    _check_positive("batch", batch)
    _check_positive("threads", threads)
    with _threads(threads) as used, evaluating(model), torch.inference_mode():
        images = torch.rand(batch, 1, 28, 28)
        times = _times(lambda: model(images), seconds)
    low, median, high = torch.tensor(times).quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
    return Latency(median, low, high, batch, used)


def side_by_side(calls: Mapping[str, Callable[[], object]], *, threads: int | None = None,
                 seconds: float = 0.5, rounds: int = 5) -> dict[str, float]:
    """Time several calls in turns, so that whatever else the machine does strikes all of them.

    In each round each call is repeated, warmed up, for about `seconds` / `rounds`. Returns for each
    the median over rounds of its median milliseconds. `threads` are torch's.
    """
    _check_positive("threads", threads)
    _check_positive("rounds", rounds)
    medians: dict[str, list[float]] = {name: [] for name in calls}
    with _threads(threads), torch.inference_mode():
        for _ in range(rounds):
            for name, call in calls.items():
                medians[name].append(statistics.median(_times(call, seconds / rounds, least=1)))
    return {name: statistics.median(found) for name, found in medians.items()}


def _check_positive(argument: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{argument} is {value}; allowed is 1 or more")


@contextmanager
def _threads(threads: int | None) -> Iterator[int]:
    """Let torch use so many threads meanwhile, or as many as it does; give the number."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or before)
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def _times(call: Callable[[], object], seconds: float, least: int = 10) -> list[float]:
    """Return milliseconds of `least` calls or more, after a warm-up of a fifth of the time."""
    times: list[float] = []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds / 5:
        call()
    while len(times) < least or time.perf_counter() - started < 1.2 * seconds:
        before = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - before))
    return times
