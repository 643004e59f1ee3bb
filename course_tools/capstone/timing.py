"""How long a submission takes beside the reference network, for a fresh process.

`python -m course_tools.capstone FILE` prints it.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

REFERENCE = "vgg_mini"
PAIRS = 7  # of blocks in one timing
BLOCK = 0.05  # seconds that a block takes at least


def time_ratio(model: nn.Module, reference: nn.Module) -> float:
    """Return how long one image takes beside the reference, on one thread: 0.5 is half as long.

    The two take turns, block by block, and the median over the pairs of blocks counts. What is
    counted is this process's time on the processor, so that other programs hardly matter.
    """
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            blocks = [_block(network.eval(), image) for network in (model, reference)]
            return statistics.median(blocks[0]() / blocks[1]() for _ in range(PAIRS))
    finally:
        torch.set_num_threads(threads)


def _block(model: nn.Module, image: Tensor) -> Callable[[], float]:
    """Return what times a block of passes and gives the seconds of one; warmed up."""
    passes = 1

    def seconds() -> float:
        started = time.process_time()
        for _ in range(passes):
            model(image)
        return (time.process_time() - started) / passes

    while seconds() * passes < BLOCK:
        passes *= 2
    return seconds
