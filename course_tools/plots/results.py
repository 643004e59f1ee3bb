"""Pictures of results: digits, weights, curves, trials of a search, budgets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator
from torch import Tensor

from course_lib.data import Split
from course_lib.intervals import seed_interval
from course_lib.search import smallest_within

from course_tools.plots.base import BLUE, COLOURS, MARKS, ORANGE, RED, axes_for, panels


def digits(split: Split, ax: Axes | None = None) -> Axes:
    """Show the images of a split in one row, with their labels."""
    ax = panels(width=min(9, 0.9 * len(split)), height=1.5)[0, 0] if ax is None else ax
    ax.imshow(np.hstack([image[0].numpy() for image in split.images]), cmap="gray_r",
              vmin=0, vmax=1)
    ax.set_xticks([28 * place + 14 for place in range(len(split))], split.labels.tolist())
    ax.set(yticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def histogram(values: Tensor, ax: Axes | None = None, *, threshold: float | None = None) -> Axes:
    """Draw how often each weight occurs; the weights inside ±threshold stand out."""
    ax = axes_for(ax)
    values = values.detach().flatten().numpy()
    edges = _bins_to(threshold, values) if threshold else symmetric_bins(values)
    ax.stairs(np.histogram(values, edges)[0], edges, fill=True, color=BLUE, label="kept")
    if threshold is not None:
        inside = values[np.abs(values) < threshold]
        ax.stairs(np.histogram(inside, edges)[0], edges, fill=True, color=ORANGE, hatch="//",
                  edgecolor="white", label="below the threshold")
        ax.legend(loc="upper right")
    ax.set(yscale="log", xlabel="weight", ylabel="number of weights")
    return ax


def _bins_to(threshold: float, values: np.ndarray) -> np.ndarray:
    """Return the edges of about 80 equal bins, two of them at ±threshold, that hold all values."""
    reach = max(float(np.abs(values).max()), 1e-12)
    width = threshold / max(1, round(40 * threshold / reach))
    most = int(np.ceil(reach / width))
    return width * np.arange(-most, most + 1)


def symmetric_bins(values: np.ndarray, bins: int = 80) -> np.ndarray:
    """Return the edges of `bins` equal bins, symmetric about zero, that hold all values."""
    reach = max(float(np.abs(values).max()), 1e-12)
    return np.linspace(-reach, reach, bins + 1)


def pixel_map(values: Tensor, ax: Axes | None = None, *, label: str = "") -> Axes:
    """Draw one value for each of the 784 input pixels, in the pixel's place.

    Where some are negative, 0 is white, orange is below it and purple above.
    """
    ax = panels(width=4.4, height=3.8)[0, 0] if ax is None else ax
    pixels = values.detach().reshape(28, 28).numpy()
    reach = float(np.abs(pixels).max())
    colours = {"cmap": "PuOr", "vmin": -reach, "vmax": reach} if pixels.min() < 0 else {
        "cmap": "cividis"}
    image = ax.imshow(pixels, **colours)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046)
    return ax


def curves(series: Mapping[str, Mapping[float, Sequence[float]]], ax: Axes | None = None, *,
           xlabel: str = "", ylabel: str = "", percent: bool = False) -> Axes:
    """Draw a line for each series: the mean over seeds, and its 95 % interval as a band.

    A series is {x: one value per seed}; a single value per x is drawn without a band. With
    `percent` the values are shares, and the axis counts in per cent.
    """
    ax, scale = axes_for(ax), 100 if percent else 1
    for place, (name, points) in enumerate(series.items()):
        colour, mark = COLOURS[place % len(COLOURS)], MARKS[place % len(MARKS)]
        xs = sorted(points)
        means = [scale * sum(points[x]) / len(points[x]) for x in xs]
        ax.plot(xs, means, color=colour, marker=mark, markersize=6, label=name)
        if all(len(points[x]) > 1 for x in xs):
            spans = [seed_interval([scale * value for value in points[x]]) for x in xs]
            ax.fill_between(xs, [span.low for span in spans], [span.high for span in spans],
                            color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    if len(series) > 1:
        ax.legend()
    return ax


def trials(found: Sequence, drop_bound: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the trials of a search: what each costs in accuracy, and how many weights it leaves.

    Numbers say in which order they were made, bars are 95 % intervals. With a drop bound those that
    stay within it are filled, and the smallest of them is ringed.
    """
    ax = axes_for(ax)
    ax.set(xlabel="weights left", ylabel="drop on validation (points)")
    if found:
        left = [trial.nonzero for trial in found]
        ax.set(xscale="log", xlim=(min(left) / 1.3, 1.3 * max(left)))  # one trial has no width
        _whole_numbers(ax)
    ax.grid(alpha=0.3)
    for number, trial in enumerate(found, start=1):
        fits, points = drop_bound is None or trial.drop.value <= drop_bound, trial.drop.points
        ax.vlines(trial.nonzero, points.low, points.high, color="0.6")
        ax.plot(trial.nonzero, points.mean, "o", color=BLUE if fits else "white",
                markeredgecolor=BLUE)
        near = sum(1 < other.nonzero / trial.nonzero < 1.15 for other in found)
        ax.annotate(number, (trial.nonzero, points.mean), xytext=(5, 5 + 12 * near), fontsize=10,
                    textcoords="offset points")  # above those of its neighbours on the right
    if drop_bound is not None:
        ax.axhline(100 * drop_bound, color=RED, linestyle="--", label="bound")
        ax.legend(loc="upper right")
        best = smallest_within(found, drop_bound)
        if best is not None:
            ax.plot(best.nonzero, best.drop.points.mean, "o", color="none", markeredgecolor=RED,
                    markersize=16, markeredgewidth=2)
    return ax


def _whole_numbers(ax: Axes) -> None:
    """Write 1, 2, 5, 10, … in full below a logarithmic axis."""
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.set_minor_formatter("")


def budgets(found: Mapping[str, tuple], boxes: Mapping[str, tuple[int, float]],
            ax: Axes | None = None) -> Axes:
    """Draw networks, {name: (bytes of the file, Drop)}, with the 95 % interval of the drop.

    Each box, {name: (bytes, drop bound)}, holds what stays within both. What drops more than the
    axis reaches is drawn at its upper end.
    """
    ax = panels(height=4.4)[0, 0] if ax is None else ax
    left = 0.5 * min(size for size, _ in (*found.values(), *boxes.values())) / 1000
    most = 1.6 * 100 * max(bound for _, bound in boxes.values())
    for place, (name, (size, bound)) in enumerate(boxes.items()):
        ax.add_patch(Rectangle((left, -most), size / 1000 - left, most + 100 * bound, alpha=0.25,
                               color=COLOURS[place % len(COLOURS)], label=name))
        ax.annotate(name, (size / 1000, 100 * bound), xytext=(-4, -4), textcoords="offset points",
                    ha="right", va="top", fontsize=10)
    for place, (name, (size, lost)) in enumerate(found.items()):
        points = lost.points
        low, value, high = (min(x, 0.96 * most) for x in (points.low, points.mean, points.high))
        ax.vlines(size / 1000, low, high, color="0.4")
        ax.plot(size / 1000, value, MARKS[place % len(MARKS)], color="black", label=name)
    ax.set(xscale="log", xlim=(left, None), ylim=(-0.3 * most, most),
           xlabel="kilobytes of the file", ylabel="drop (points)")
    _whole_numbers(ax)
    handles, names = ax.get_legend_handles_labels()
    points = [(handle, name) for handle, name in zip(handles, names, strict=True)
              if name in found]
    ax.legend(*zip(*points, strict=True), loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def bars(values: Mapping[str, float], ax: Axes | None = None, *, xlabel: str = "",
         form: str = "{:,.0f}") -> Axes:
    """Draw one horizontal bar for each name, with its value written at its end."""
    ax = panels(height=0.7 + 0.55 * len(values))[0, 0] if ax is None else ax
    drawn = ax.barh(list(values), list(values.values()), color=BLUE, height=0.6)
    ax.bar_label(drawn, labels=[form.format(value) for value in values.values()], padding=4)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set(xlabel=xlabel)
    return ax
