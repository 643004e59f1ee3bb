"""How long pruning without retraining takes: LeNet-300-100's three layers at 90 %.

Refit and SparseGPT on 4,000 images, beside what one would otherwise do: an epoch of retraining, and
numpy's least squares row by row. The bar is three seconds for either, on two cores.
"""

import os
import statistics
import time

import numpy as np
import torch

from course_lib.data import load_mnist
from course_lib.masks import Masks, magnitude_masks, masked
from course_lib.models import load_trained, prunable_layers
from course_lib.surgery import refit, sparsegpt
from course_lib.training import train

ROUNDS, BAR = 3, 3.0


def by_numpy(model: torch.nn.Sequential, masks: Masks, images: torch.Tensor) -> None:
    """Refit the first 20 rows of the first layer, each by a least-squares problem of its own."""
    inputs = images.flatten(1).double().numpy()
    weight = next(iter(prunable_layers(model).values())).weight.detach().double().numpy()
    for row, mask in zip(weight[:20], next(iter(masks.values()))[:20].numpy(), strict=True):
        np.linalg.lstsq(inputs[:, mask], inputs @ row, rcond=None)


def seconds(call, *arguments, **options) -> float:
    """Return the median time of a few calls."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call(*arguments, **options)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Run the comparison and print it."""
    data, model = load_mnist(), load_trained("lenet_300_100")
    images, masks = data.train.images[:4_000], magnitude_masks(model, 0.9)
    for threads in sorted({1, min(2, os.cpu_count() or 1)}):
        torch.set_num_threads(threads)
        for name, taken in (("refit", seconds(refit, model, masks, images)),
                            ("sparsegpt", seconds(sparsegpt, model, 0.9, images))):
            print(f"{name}, {threads} threads: {taken:.2f} s"
                  f" ({'within' if taken <= BAR else 'beyond'} {BAR:.0f} s)")
    epoch = seconds(train, masked(model, masks), data.train, masks=masks, epochs=1)
    print(f"an epoch of retraining instead: {epoch:.2f} s")
    rows = sum(len(mask) for mask in masks.values())
    print(f"numpy's least squares: {seconds(by_numpy, model, masks, images) / 20:.3f} s a row; "
          f"there are {rows}")


if __name__ == "__main__":
    main()
