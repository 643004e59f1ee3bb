"""A step of each live slider, through the widget's own callback, beside drawing the figure anew.

The goal: 120 ms at most, and 150 ms for the sliders of lesson 04.
"""

import io
import statistics
import time

import numpy as np
from ipywidgets import FloatSlider

from course_lib.data import load_mnist
from course_lib.masks import magnitude_masks, masked
from course_lib.models import load_trained
from course_lib.training import evaluate

from course_tools.plots import results as plots
from course_tools.sliders import (
    filter_sliders,
    neuron_slider,
    rank_slider,
    sparsity_slider,
    threshold_slider,
)

GOAL = 120
STEPS = 30


def step_times(slider: FloatSlider) -> list[float]:
    """Move the slider to random positions; return the milliseconds each took."""
    times = []
    for share in np.random.default_rng(0).random(STEPS):
        started = time.perf_counter()
        slider.value = type(slider.value)(slider.min + share * (slider.max - slider.min))
        times.append(1000 * (time.perf_counter() - started))
    return times


def drawn_anew(model, split) -> list[float]:
    """Do what the sparsity slider does, with a new figure each time."""
    times = []
    for share in np.random.default_rng(0).random(STEPS // 3):
        started = time.perf_counter()
        masks = magnitude_masks(model, share)
        pruned = masked(model, masks)
        axes = plots.panels(1, 3, width=10.8, height=3.4)[0]
        plots.histogram(pruned.fc1.weight, axes[0])
        plots.curves({"accuracy": {share: [evaluate(pruned, split)]}}, axes[1], percent=True)
        plots.pixel_map(masks["fc1"].float().mean(0), axes[2])
        axes[0].figure.savefig(io.BytesIO(), format="png")
        times.append(1000 * (time.perf_counter() - started))
    return times


def main() -> None:
    """Print median and slowest step."""
    model, split = load_trained("lenet_300_100"), load_mnist().validation[:2_000]
    for name, times in (
            ("threshold slider (lesson 00)", step_times(threshold_slider(model, "fc1",
                                                                         split).slider)),
            ("rank slider (lesson 01)", step_times(rank_slider(model, split).slider)),
            ("sparsity slider (lesson 02)", step_times(sparsity_slider(model, split).slider)),
            ("neuron slider (lesson 03)", step_times(neuron_slider(model, split).slider)),
            ("filter sliders (lesson 04)", step_times(filter_sliders(
                load_trained("vgg_mini"), split[:500]).sliders["conv3_2"])),
            ("sparsity slider, drawn anew", drawn_anew(model, split))):
        print(f"{name:<30} median {statistics.median(times):5.0f} ms, slowest {max(times):5.0f} ms "
              f"(goal {GOAL})")


if __name__ == "__main__":
    main()
