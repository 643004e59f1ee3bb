"""A picture of a fully connected network: columns of units, and a line for each weight."""

from itertools import pairwise, product

from matplotlib.axes import Axes
from torch import nn

from course_lib.models import prunable_layers

from course_tools.plots.base import BLUE, ORANGE, panels

MOST = 10  # spots in a column; where a layer has more units, dots stand for those left out


def units(model: nn.Module, ax: Axes | None = None) -> Axes:
    """Draw the inputs and the Linear layers of a chain as columns of units, inputs on the left.

    Of a column with more than ten units the first and last few are drawn. One unit of the first
    layer stands out with the weights that come into it; each column carries its layer's name, and
    between two columns stands how many weights lie there.
    """
    ax = panels(width=10, height=5.4)[0, 0] if ax is None else ax
    layers = prunable_layers(model)
    sizes = [next(iter(layers.values())).in_features, *(part.out_features
                                                        for part in layers.values())]
    columns = [_column(ax, place, size) for place, size in enumerate(sizes)]
    for place, (left, right) in enumerate(pairwise(columns)):
        for a, b in product(left, right):
            chosen = place == 0 and b is right[2]
            ax.plot(*zip(a, b, strict=True), color=ORANGE if chosen else "0.8",
                    linewidth=1.4 if chosen else 0.4, zorder=2 if chosen else 1)
        ax.annotate(_product(sizes[place], sizes[place + 1]), (place + 0.5, 0.5), ha="center",
                    va="bottom")
    ax.scatter(*columns[1][2], s=240, color=ORANGE, edgecolor="black", zorder=4)
    _names(ax, list(layers), sizes)
    for digit, (x, y) in enumerate(columns[-1]):
        ax.annotate(digit, (x + 0.1, y), va="center")
    ax.set(xlim=(-0.45, len(sizes) - 0.6), ylim=(-10.9, 1.9))
    ax.axis("off")
    return ax


def _column(ax: Axes, x: int, size: int) -> list[tuple[int, int]]:
    """Draw the units of one column; return where they stand, from the top."""
    rows = range(MOST) if size <= MOST else [row for row in range(MOST) if row != MOST // 2]
    spots = [(x, -row) for row in rows][:size]
    if size > MOST:
        ax.annotate("⋮", (x, -MOST // 2), ha="center", va="center", fontsize=18)
    ax.scatter(*zip(*spots, strict=True), s=170, color="white" if x == 0 else BLUE,
               edgecolor="black", zorder=3)
    return spots


def _product(inputs: int, outputs: int) -> str:
    return f"{inputs:,} × {outputs:,}\n= {inputs * outputs:,} weights"


def _names(ax: Axes, layers: list[str], sizes: list[int]) -> None:
    ax.annotate(f"{sizes[0]} pixels", (0, -9.7), ha="center", va="top")
    for x, (name, size) in enumerate(zip(layers, sizes[1:], strict=True), start=1):
        relu = "" if x == len(layers) else "\nthen ReLU"
        ax.annotate(f"{name}: {size} units{relu}", (x, -9.7), ha="center", va="top")
