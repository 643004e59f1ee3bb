"""How long a network takes, for a line of text under a slider. Lessons compare: `side_by_side`."""

from dataclasses import dataclass

import torch
from torch import nn

from course_lib._allowed import require
from course_lib._state import evaluating


@dataclass(frozen=True)
class Latency:
    """Hold the milliseconds of one forward pass of `batch` images: median and quartiles."""

    median: float
    q25: float
    q75: float
    batch: int
    threads: int


def latency(model: nn.Module, batch: int = 1, *, threads: int | None = None,
            seconds: float = 0.5) -> Latency:
    """Time forward passes of `batch` images in eval mode, warmed up, for about `seconds`.

    `threads` are torch's, by default as many as it uses now. The model is laid out as is:
    contiguous weights, as `load_trained` and `remove_units` return them.
    """
    require(batch >= 1, "batch", batch, "1 or more")
    require(threads is None or threads >= 1, "threads", threads, "1 or more")
    from torch.utils.benchmark import Timer  # here: it is needed once the hand rests

    images, threads = torch.rand(batch, 1, 28, 28), threads or torch.get_num_threads()
    timer = Timer("model(images)", globals={"model": model, "images": images}, num_threads=threads)
    with evaluating(model), torch.inference_mode():
        times = 1000 * torch.tensor(timer.blocked_autorange(min_run_time=seconds).times)
    q25, median, q75 = times.quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
    return Latency(median, q25, q75, batch, threads)
