"""Pictures of redundancy: values as dots, a cloud with its axes, two twins and who reads them."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from course_tools.plots.base import BLUE, COLOURS, MARKS, ORANGE, RED, axes_for, panels


def runs(series: Mapping[str, Mapping[float, Sequence[float]]], ax: Axes | None = None, *,
         xlabel: str = "", ylabel: str = "", percent: bool = False) -> Axes:
    """Draw every value as a dot, and a line through the means of each series, {x: values}.

    With `percent` the values are shares, and the axis counts in per cent.
    """
    ax, scale = axes_for(ax), 100 if percent else 1
    for place, (name, points) in enumerate(series.items()):
        colour, mark = COLOURS[place % len(COLOURS)], MARKS[place % len(MARKS)]
        xs = sorted(points)
        means = [scale * sum(points[x]) / len(points[x]) for x in xs]
        ax.plot(xs, means, color=colour, linewidth=1.5, alpha=0.7)
        pairs = [(x, scale * value) for x in xs for value in points[x]]
        ax.plot(*zip(*pairs, strict=True), mark, color=colour, markersize=5, alpha=0.7, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    if len(series) > 1:
        ax.legend()
    return ax


def cloud(points: Tensor, ax: Axes | None = None, *, xlabel: str = "", ylabel: str = "") -> Axes:
    """Draw a cloud of points, (points, 2), and its two axes with their shares of the variance.

    Each axis reaches two standard deviations from the middle to either side.
    """
    ax = panels(width=5.6, height=5.4)[0, 0] if ax is None else ax
    points, middle = points.detach(), points.detach().mean(dim=0)
    _, lengths, axes = torch.linalg.svd(points - middle, full_matrices=False)
    shares = lengths.square() / lengths.square().sum()
    ax.plot(*points.T.numpy(), ".", color=BLUE, markersize=2, alpha=0.3)
    for axis, length, share, colour, name in zip(axes, lengths, shares, (RED, ORANGE),
                                                 ("long", "short"), strict=True):
        reach = 2 * axis * length / len(points) ** 0.5
        ends = torch.stack([middle - reach, middle + reach])
        ax.plot(*ends.T.numpy(), color=colour, linewidth=3, linestyle="-" if name == "long" else
                "--", label=f"{name} axis: {100 * share:.0f} % of the variance")
    ax.set(xlabel=xlabel, ylabel=ylabel, aspect="equal")
    ax.grid(alpha=0.3)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), handlelength=2.5)
    return ax


def twins_and_reader(left: Axes, right: Axes) -> Axes:
    """Draw two twins that a unit of the next layer reads, and what is sought when one of them goes.

    On the left the weights are a and b and the bias is c; on the right they are question marks.
    """
    for ax, heard, bias in ((left, ("a", "b"), "c"), (right, ("?", "0"), "?")):
        for height, name, weight in zip((0.75, 0.25), ("A", "B"), heard, strict=True):
            alive = weight != "0"
            ax.plot([0.12, 0.8], [height, 0.5], color=BLUE if alive else "0.6", zorder=1,
                    linestyle="-" if alive else ":", linewidth=2)
            _circle(ax, (0.12, height), name, alive)
            ax.annotate(weight, (0.45, 0.5 + 0.51 * (height - 0.5)), ha="center", va="center",
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
        _circle(ax, (0.8, 0.5), f"+ {bias}", alive=True)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.axis("off")
    left.annotate("B = scale · A + shift", (0.12, 0.04), ha="left", va="center")
    return left


def _circle(ax: Axes, spot: tuple[float, float], name: str, alive: bool) -> None:
    ax.scatter(*spot, s=1100, color="white", edgecolor="black" if alive else "0.6", zorder=2,
               linestyle="-" if alive else ":")
    ax.annotate(name, spot, ha="center", va="center", color="black" if alive else "0.6", zorder=3)
