"""Pictures of chance: single seeds and the interval of their mean; the parts of a data set."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from course_lib.intervals import seed_interval

from course_tools.plots.base import COLOURS, MARKS, panels


def seeds(series: Mapping[str, Mapping[str, Sequence[float]]], ax: Axes | None = None, *,
          xlabel: str = "") -> Axes:
    """Draw the values of each series, {row: one value per seed}, in rows that all series share.

    A mark is a seed. The black bar below the marks is the 95 % interval of their mean, which a
    stroke marks; five seeds or fewer have none.
    """
    names = list(next(iter(series.values())))
    ax = panels(width=8, height=1.2 + 0.75 * len(names))[0, 0] if ax is None else ax
    for place, (name, rows) in enumerate(series.items()):
        shift = 0.5 * (place - (len(series) - 1) / 2)
        for row, values in enumerate(rows[each] for each in names):
            ax.plot(values, [row + shift] * len(values), MARKS[place], color=COLOURS[place],
                    alpha=0.65, markersize=7, label=name if row == 0 else None)
            if len(values) > 5:
                found = seed_interval(values)
                ax.plot([found.low, found.mean, found.high], [row + shift + 0.2] * 3, "|-",
                        color="black", linewidth=2.5, markeredgewidth=2.5, markersize=8,
                        markevery=[1])
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.35, -0.65),
           xlabel=xlabel)
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color="0.85", linewidth=0.8)
    ax.grid(axis="x", alpha=0.3)
    if len(series) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series), borderpad=0)
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
