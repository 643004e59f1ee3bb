"""What removal saves under ONNX Runtime: vgg_mini and half of its filters, there and in torch.

One table: median milliseconds at batch 1 and 256 on 1 and 2 threads, all four taken in turns, and
how many times as fast the half is. The outputs are compared first.
"""

import os
from functools import partial

import torch

from course_lib.data import load_mnist
from course_lib.export import onnx_runner, to_onnx
from course_lib.masks import units_to_keep
from course_lib.measure import measure, side_by_side
from course_lib.models import load_trained
from course_lib.removal import remove_units

ROUNDS, SECONDS = 9, 0.3


def main() -> None:
    """Compare outputs, then print the table."""
    full = load_trained("vgg_mini")
    models = {"full": full, "half": remove_units(full, units_to_keep(full, 0.5)).eval()}
    written = {name: to_onnx(model) for name, model in models.items()}
    images = load_mnist().test.images
    for name, model in models.items():
        with torch.inference_mode():
            expected, found = model(images[:1_000]), onnx_runner(written[name])(images[:1_000])
        print(f"{name}: {measure(model).macs:,} multiplications; outputs of up to "
              f"{expected.abs().max():.0f} differ by {(found - expected).abs().max():.1e}")
    print(f"{'batch':>5} {'threads':>7} {'torch full':>11} {'half':>8} {'faster':>6} "
          f"{'ONNX full':>11} {'half':>8} {'faster':>6}")
    for batch in (1, 256):
        for threads in sorted({1, min(2, os.cpu_count() or 1)}):
            calls = {("torch", name): partial(model, images[:batch])
                     for name, model in models.items()}
            calls |= {("onnx", name): partial(onnx_runner(content, threads), images[:batch])
                      for name, content in written.items()}
            ms = side_by_side(calls, threads=threads, seconds=SECONDS * ROUNDS, rounds=ROUNDS)
            shown = "".join(f" {ms[engine, 'full']:>11.2f} {ms[engine, 'half']:>8.2f} "
                            f"{ms[engine, 'full'] / ms[engine, 'half']:>6.2f}"
                            for engine in ("torch", "onnx"))
            print(f"{batch:>5} {threads:>7}{shown}")


if __name__ == "__main__":
    main()
