"""Pictures of chance: single seeds and the interval of their mean; the parts of a data set."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from course_lib.intervals import seed_interval

from course_tools.plots.base import COLOURS, MARKS, RED, panels


def dots(rows: Mapping[str, Sequence[float]], ax: Axes | None = None, *, xlabel: str = "") -> Axes:
    """Draw a row for each name: a mark a seed, and below it the mean with its 95 % interval."""
    ax = panels(width=8, height=1.2 + 1.1 * len(rows))[0, 0] if ax is None else ax
    for row, (name, values) in enumerate(rows.items()):
        ax.plot(values, [row] * len(values), MARKS[row % len(MARKS)], alpha=0.7, markersize=8,
                color=COLOURS[row % len(COLOURS)], label=name)
        if len(values) > 1:
            found = seed_interval(values)
            ax.plot([found.low, found.high], [row + 0.28] * 2, color="black", linewidth=2.5)
            ax.plot(found.mean, row + 0.28, "|", color="black", markersize=14, markeredgewidth=2.5)
    ax.axvline(0, color=RED, linestyle="--", linewidth=1)
    ax.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.4, -0.5), xlabel=xlabel)
    ax.grid(axis="x", alpha=0.3)
    return ax


def parts(sizes: Mapping[str, int], ax: Axes | None = None) -> Axes:
    """Draw how many images each part of a data set has: one bar to scale, cut where parts meet."""
    ax = panels(width=9, height=1.9)[0, 0] if ax is None else ax
    total, left = sum(sizes.values()), 0
    for place, (name, size) in enumerate(sizes.items()):
        ax.barh(0, size, left=left, height=0.5, color=COLOURS[place % len(COLOURS)], alpha=0.55,
                hatch=("", "//", "..")[place % 3], edgecolor="white", label=name)
        narrow = size < 0.1 * total
        ax.annotate(f"{size:,}", (left + size / 2, 0), ha="center", va="center",
                    fontsize=10 if narrow else 12)
        ax.annotate(name, (left + size / 2, 0.32 if place % 2 else -0.32), ha="center",
                    va="bottom" if place % 2 else "top")
        left += size
    ax.set(xlim=(0, total), ylim=(-0.75, 0.8))
    ax.axis("off")
    return ax
