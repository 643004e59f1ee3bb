"""Pictures of networks: their units, matrices, layers and shortcuts."""

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from course_lib._state import evaluating
from course_lib.models import ResNet, prunable_layers

from course_tools.plots.base import BLUE, COLOURS, ORANGE, RED, panels


def network(model: nn.Module, ax: Axes | None = None) -> Axes:
    """Draw a small network of Linear layers, inputs x1, x2, … on the left, a line for each weight.

    Thicker is larger; blue and solid is positive, orange and dashed negative; a weight of zero is
    a faint dotted line.
    """
    ax = panels(height=3.2)[0, 0] if ax is None else ax
    matrices = [layer.weight.detach() for layer in prunable_layers(model).values()]
    sizes = [matrices[0].shape[1], *(matrix.shape[0] for matrix in matrices)]
    spots = [[(column, (size - 1) / 2 - row) for row in range(size)]
             for column, size in enumerate(sizes)]
    for column, matrix in enumerate(matrices):
        for (out, into), weight in np.ndenumerate(matrix.numpy()):
            _connection(ax, spots[column][into], spots[column + 1][out], float(weight))
    for prefix, column in zip(["x", *[""] * len(matrices)], spots, strict=True):
        ax.scatter(*zip(*column, strict=True), s=700, color="white", edgecolor="black", zorder=3)
        for row, spot in enumerate(column, start=1):
            ax.annotate(f"{prefix}{row}", spot, ha="center", va="center", zorder=4)
    ax.margins(0.08, 0.15)
    ax.axis("off")
    return ax


def _connection(ax: Axes, start: tuple, end: tuple, weight: float) -> None:
    look = {"color": BLUE if weight > 0 else ORANGE, "linestyle": "-" if weight > 0 else "--",
            "linewidth": 0.5 + 4 * abs(weight)}
    if weight == 0:
        look = {"color": "0.6", "linestyle": ":", "linewidth": 1.5}
    ax.plot(*zip(start, end, strict=True), **look)
    place = [a + 0.3 * (b - a) for a, b in zip(start, end, strict=True)]
    ax.annotate(f"{weight:g}".replace("-", "−"), place, ha="center", va="center", zorder=2,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def matrix(mask: Tensor, ax: Axes | None = None, *, rows: str = "", columns: str = "") -> Axes:
    """Draw a small matrix as a grid; the places where `mask` is True stand out."""
    ax = panels(width=4.4, height=3.6)[0, 0] if ax is None else ax
    down, across = mask.shape
    for (row, column), marked in np.ndenumerate(mask.numpy()):
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=ORANGE if marked else "white",
                               hatch="//" if marked else None, edgecolor="0.4"))
    ax.set(xlim=(0, across), ylim=(down, 0), aspect="equal", xlabel=columns, ylabel=rows,
           xticks=[], yticks=[])
    return ax


def architecture(model: nn.Sequential, ax: Axes | None = None) -> Axes:
    """Draw each layer of a chain to scale: as wide as its units, as high as the maps they give.

    A neuron gives a map of one pixel. Each box carries its layer's name as its label, and lies over
    a pale one of the same size. Names stand upright above their boxes.
    """
    if not isinstance(model, nn.Sequential):
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential")
    ax = panels()[0, 0] if ax is None else ax
    signal, left = torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype), 0.0
    layers = prunable_layers(model)
    gap = 0.05 * sum(layer.weight.shape[0] for layer in layers.values())  # room for the names
    with evaluating(model), torch.inference_mode():
        for name, part in model.named_children():
            signal = part(signal)
            if name in layers:
                units, height = signal.shape[1], signal.shape[2] if signal.dim() == 4 else 1
                place = (left, -height / 2)
                ax.add_patch(Rectangle(place, units, height, color="0.9"))
                ax.add_patch(Rectangle(place, units, height, color=BLUE, label=name))
                ax.annotate(name, (left + units / 2, 15), rotation=90, fontsize=11, ha="center",
                            va="bottom")
                left += units + gap
    ax.set(xlim=(-2 * gap, left - gap), ylim=(-15, 37), yticks=[],
           xlabel="width: filters or neurons\nheight: side of a map")
    ax.spines["left"].set_visible(False)
    return ax


def residual(model: ResNet, marks: Mapping[str, str], ax: Axes | None = None) -> Axes:
    """Draw the layers of a residual network in a row, its shortcuts above them, its additions as +.

    A box holds a layer's name and how many outputs it has; at each + stand the numbers of maps
    that meet there, in red where they differ. `marks`, {layer: a word or two}, stand below the
    boxes; layers with the same words have the same colour, those without are white.
    """
    layers = prunable_layers(model)
    for name in marks:
        if name not in layers:
            raise ValueError(f"marks names the layer {name!r}; allowed is one of "
                             f"{', '.join(layers)}")
    ax = panels(width=11, height=2.9)[0, 0] if ax is None else ax
    spots, end, meeting = {"stem.conv": (0.0, 0.0)}, 0.0, _meeting(model)
    for place, (through, around) in enumerate(meeting):
        name, fork, end = f"blocks.{place}", end + 0.65, end + 3.0
        spots |= {f"{name}.conv1": (fork + 0.65, 0.0), f"{name}.conv2": (fork + 1.65, 0.0)}
        if f"{name}.shortcut.conv" in layers:
            spots[f"{name}.shortcut.conv"] = (fork + 1.15, 1.1)
        ax.plot([fork, fork, end, end], [0, 1.1, 1.1, 0], color="0.4", zorder=1)
        ax.annotate("+", (end, -0.02), ha="center", va="center", zorder=3, fontsize=13,
                    bbox={"boxstyle": "circle", "facecolor": "white", "edgecolor": "0.4"})
        ax.annotate(name, (fork + 1.15, -1.0), ha="center", color="0.4", fontsize=10)
        ax.annotate(f"{through} + {around}", (end - 0.13, -0.24), va="top", fontsize=10,
                    color="0.2" if through == around else RED, weight="bold")
    spots["fc"] = (end + 1.1, 0.0)
    ax.plot([0, end + 1.1], [0, 0], color="0.4", zorder=1)
    looks = dict(zip(dict.fromkeys(marks.values()), COLOURS, strict=False))
    for name, spot in spots.items():
        _layer_box(ax, spot, name, layers[name].weight.shape[0], marks.get(name, ""), looks)
    ax.set(xlim=(-0.5, end + 1.6), ylim=(-1.1, 1.6))
    ax.axis("off")
    return ax


def _meeting(model: ResNet) -> list[tuple[int, int]]:
    """Return for each block how many maps come through it, and how many around it."""
    counts, around = [], model.stem.conv.out_channels
    for block in model.blocks:
        if not isinstance(block.shortcut, nn.Identity):
            around = block.shortcut.conv.out_channels
        counts.append((block.conv2.out_channels, around))
        around = block.conv2.out_channels
    return counts


def _layer_box(ax: Axes, spot: tuple, name: str, units: int, mark: str, looks: dict) -> None:
    colour = to_rgba(looks[mark], 0.5) if mark in looks else "white"
    ax.add_patch(Rectangle((spot[0] - 0.42, spot[1] - 0.32), 0.84, 0.64, facecolor="white",
                           edgecolor="none", zorder=2))
    ax.add_patch(Rectangle((spot[0] - 0.42, spot[1] - 0.32), 0.84, 0.64, facecolor=colour,
                           edgecolor="0.2", zorder=2, label=name))
    ax.annotate(f"{name.removesuffix('.conv').split('.')[-1]}\n{units}", spot, ha="center",
                va="center", fontsize=10, zorder=3)
    ax.annotate(mark, (spot[0], spot[1] - 0.4), ha="center", va="top", fontsize=10, zorder=3)


def squares(model: nn.Module, ax: Axes | None = None) -> Axes:
    """Draw each layer as a square whose area is its number of weights; non-zero ones are filled.

    Each filled square carries its layer's name as its label.
    """
    ax = panels(height=3.0)[0, 0] if ax is None else ax
    left, tallest = 0.0, 0.0
    for name, layer in prunable_layers(model).items():
        whole, kept = layer.weight.numel() ** 0.5, int(layer.weight.count_nonzero()) ** 0.5
        ax.add_patch(Rectangle((left, 0), whole, whole, color="0.9"))
        ax.add_patch(Rectangle((left, 0), kept, kept, color=BLUE, label=name))
        ax.annotate(name, (left, 0), xytext=(0, -14), textcoords="offset points", fontsize=10)
        tallest = max(tallest, whole)
        left += whole + 40
    ax.set(xlim=(0, left), ylim=(0, 1.02 * tallest), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax
