"""Pictures of convolutions: layers to scale, a patch unrolled; and of what pruning did to them."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from course_lib._state import evaluating
from course_lib.models import prunable_layers

from course_tools.plots.base import BLUE, COLOURS, GREEN, MARKS, ORANGE, axes_for, panels


def maps(model: nn.Sequential, ax: Axes | None = None) -> Axes:
    """Draw what each layer of a chain gives: as wide as its maps are many, as high as they are.

    Layers stand at equal distances, so that names fit; below each stands its name, how many maps,
    and their pixels. A fully connected layer is orange and hatched.
    """
    ax = panels(width=11, height=3.4)[0, 0] if ax is None else ax
    layers, place = prunable_layers(model), 0
    signal = torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype)
    most = max(layer.weight.shape[0] for layer in layers.values())
    with evaluating(model), torch.inference_mode():
        for name, part in model.named_children():
            signal = part(signal)
            if name not in layers:
                continue
            full, units = signal.dim() == 2, signal.shape[1]
            high, wide = 1 if full else signal.shape[2], 0.8 * units / most
            look = {"facecolor": ORANGE, "hatch": "//"} if full else {"facecolor": BLUE}
            ax.add_patch(Rectangle((place - wide / 2, 0), wide, high, label=name, edgecolor="white",
                                   **look))
            size = "neurons" if full else f"{high} × {high}"
            ax.annotate(f"{name}\n{units}\n{size}", (place, -1), ha="center", va="top", fontsize=11)
            place += 1
    ax.set(xlim=(-0.6, place - 0.4), ylim=(-10.5, 29))
    ax.axis("off")
    return ax


def unrolled(signal: Tensor, weight: Tensor, row: int, column: int) -> np.ndarray:
    """Draw one step of a convolution: the window on each map, the patch, the filter, both in a row.

    `signal` is (channels, height, width), `weight` one filter, (channels, k, k). The patch begins
    at this row and column. Keys on the right say which shade or colour is which number. Returns the
    axes, (4, channels), those of the last row being one strip.
    """
    channels, size = weight.shape[0], weight.shape[-1]
    signal, weight = signal.detach(), weight.detach()
    patch = signal[:, row:row + size, column:column + size]
    axes, grey = panels(4, channels, width=11, height=5.6), _grey(signal)
    for channel in range(channels):
        axes[0, channel].imshow(signal[channel].numpy(), **grey)
        axes[0, channel].add_patch(Rectangle((column - 0.5, row - 0.5), size, size, fill=False,
                                             edgecolor=ORANGE, linewidth=2.5))
        axes[0, channel].set_title(f"channel {channel}", fontsize=11, fontweight="normal",
                                   loc="center")
        axes[1, channel].imshow(patch[channel].numpy(), **grey)
        axes[2, channel].imshow(weight[channel].numpy(), **_signed(weight))
    for lower in axes[3]:
        lower.remove()
    figure = axes[0, 0].figure
    figure.colorbar(axes[0, 0].images[0], ax=axes[:2].flatten(), label="pixel", aspect=30)
    figure.colorbar(axes[2, 0].images[0], ax=axes[2], label="weight", aspect=15)
    strip = figure.add_subplot(axes[3, 0].get_gridspec()[3, :])
    _strips(strip, patch, weight, grey)
    for ax in axes[:3].flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    for ax, text in zip(axes[:3, 0], ("maps", "patch", "filter"), strict=True):
        ax.set_ylabel(text)
    return axes


def _grey(signal: Tensor) -> dict:
    return {"cmap": "gray_r", "vmin": 0, "vmax": float(signal.max())}


def _signed(values: Tensor) -> dict:
    reach = float(values.abs().max())
    return {"cmap": "PuOr", "vmin": -reach, "vmax": reach}


def _strips(ax: Axes, patch: Tensor, weight: Tensor, grey: dict) -> None:
    """Draw a patch and a filter as a row of numbers each, thick lines where a channel ends."""
    across, step = patch.numel(), patch[0].numel()
    ax.imshow(patch.reshape(1, -1).numpy(), **grey, extent=(0, across, 2.2, 4.2))
    ax.imshow(weight.reshape(1, -1).numpy(), **_signed(weight), extent=(0, across, 0, 2))
    ax.vlines(range(0, across + 1), 0, 4.2, color="0.6", linewidth=0.5)
    ax.vlines(range(0, across + 1, step), 0, 4.2, color="black", linewidth=2)
    ax.set(xlim=(-0.2, across + 0.2), ylim=(0, 4.2), yticks=[1, 3.2], aspect="auto",
           xticks=range(0, across + 1, step),
           xlabel=f"{across} numbers each: multiply place by place, and add up")
    ax.set_yticklabels(["filter", "patch"])
    ax.spines[:].set_visible(False)


def before_after(values: Mapping[str, tuple[float, float]], names: tuple[str, str],
                 ax: Axes | None = None, *, xlabel: str = "") -> Axes:
    """Draw for each row two shares in per cent: before as a ring, after as a filled triangle."""
    ax = panels(height=1 + 0.36 * len(values))[0, 0] if ax is None else ax
    rows = range(len(values))
    before, after = (np.array([100 * pair[place] for pair in values.values()]) for place in (0, 1))
    ax.hlines(rows, before, after, color="0.7", linewidth=2, zorder=1)
    ax.plot(before, rows, "o", color=BLUE, markerfacecolor="white", markersize=8, label=names[0])
    ax.plot(after, rows, "^", color=GREEN, markersize=9, label=names[1])
    ax.set(yticks=rows, yticklabels=values, ylim=(len(values) - 0.4, -0.6), xlim=(0, 103),
           xlabel=xlabel)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower left")
    return ax


def runners(points: Mapping[str, Mapping[str, Sequence[float]]], ax: Axes | None = None, *,
            xlabel: str = "", ylabel: str = "") -> Axes:
    """Draw a mark for each trained network: {runner: {place: one value a network}}.

    At each place, such as "25 %", the runners stand side by side. The legend is on the right.
    """
    ax = axes_for(ax)
    places = list(dict.fromkeys(place for found in points.values() for place in found))
    for turn, (runner, found) in enumerate(points.items()):
        shift = 0.8 * ((turn + 0.5) / len(points) - 0.5)
        spots = [(places.index(place) + shift, value)
                 for place, values in found.items() for value in values]
        ax.plot(*zip(*spots, strict=True), MARKS[turn % len(MARKS)], alpha=0.75, markersize=7,
                color=COLOURS[turn % len(COLOURS)], label=runner, markeredgecolor="white",
                markeredgewidth=0.5)
    ax.vlines([place + 0.5 for place in range(len(places) - 1)], 0, 1, color="0.8",
              transform=ax.get_xaxis_transform())
    ax.set(xticks=range(len(places)), xticklabels=places, xlim=(-0.5, len(places) - 0.5),
           xlabel=xlabel, ylabel=ylabel)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax
