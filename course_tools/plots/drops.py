"""Pictures of drops: pairs of readings, networks beside a bound, what is saved for what is lost."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_lib.intervals import Drop, Interval

from course_tools.plots.base import (
    BLUE,
    COLOURS,
    GREEN,
    MARKS,
    ORANGE,
    RED,
    SKY,
    axes_for,
    panels,
)

VERDICTS = {"met": (GREEN, "o"), "open": (BLUE, "s"), "missed": (RED, "D")}


def pairs(drop: Drop, both_right: int, both_wrong: int, ax: Axes | None = None) -> Axes:
    """Draw how two networks read the same images: four tiles, those judged differently hatched."""
    ax = panels(width=6.4, height=3.4)[0, 0] if ax is None else ax
    tiles = ((0, 1, "both right", both_right, "0.92", None),
             (1, 1, "lost", drop.lost, ORANGE, "//"),
             (0, 0, "gained", drop.gained, SKY, "\\\\"),
             (1, 0, "both wrong", both_wrong, "0.92", None))
    for x, y, name, count, colour, hatch in tiles:
        ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, hatch=hatch, edgecolor="white",
                               linewidth=3))
        ax.annotate(f"{count:,}\n{name}", (x + 0.5, y + 0.5), ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 3})
    ax.set(xlim=(0, 2), ylim=(0, 2), xticks=[0.5, 1.5], yticks=[1.5, 0.5],
           xticklabels=["right", "wrong"], yticklabels=["right", "wrong"],
           xlabel="the pruned network reads", ylabel="the original reads")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def verdicts(found: Sequence[tuple[float, Drop]], bound: float, ax: Axes | None = None) -> Axes:
    """Draw networks that a search chose: (drop on validation, drop on test), with the bound.

    The mark and its colour say the verdict on test, a bar is the 95 % interval there.
    """
    ax = panels(width=7.2, height=4.6)[0, 0] if ax is None else ax
    for place, (name, (colour, mark)) in enumerate(VERDICTS.items()):
        those = [(100 * value, drop.points) for value, drop in found
                 if drop.verdict(bound) == name]
        for value, drop in those:
            ax.vlines(value, drop.low, drop.high, color="0.75", zorder=1)
        ax.plot([value for value, _ in those], [drop.mean for _, drop in those], mark,
                color=colour, markersize=8, markeredgecolor="white", zorder=2 + place,
                label=f"{name}: {len(those)}")
    ax.axhline(100 * bound, color="black", linestyle="--", linewidth=1.5)
    ax.axvline(100 * bound, color="black", linestyle="--", linewidth=1.5)
    ax.annotate("bound", (1, 100 * bound), xytext=(4, 0), textcoords="offset points", va="center",
                xycoords=("axes fraction", "data"))
    ax.set(xlabel="drop on validation (points)", ylabel="drop on test (points)")
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def spans(rows: Mapping[str, Interval], ax: Axes | None = None, *,
          dots: Mapping[str, Sequence[float]] | None = None, xlabel: str = "") -> Axes:
    """Draw a row for each name: a 95 % interval with its mean, and above it a dot a network."""
    names = list(rows) if dots is None else list(dots)
    ax = panels(width=8, height=1.1 + 0.6 * len(names))[0, 0] if ax is None else ax
    above = 0 if dots is None else 0.15
    for row, name in enumerate(names):
        colour, mark = COLOURS[row % len(COLOURS)], MARKS[row % len(MARKS)]
        if dots is not None:
            ax.plot(dots[name], [row - above] * len(dots[name]), mark, color=colour, alpha=0.6,
                    markersize=7)
        if name in rows:
            ax.hlines(row + above, rows[name].low, rows[name].high, color="black", linewidth=2.5)
            ax.plot(rows[name].mean, row + above, mark, color=colour, markersize=9,
                    markeredgecolor="black")
    ax.axvline(0, color=RED, linestyle="--", linewidth=1)
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6),
           xlabel=xlabel)
    ax.grid(axis="x", alpha=0.3)
    return ax


def bargains(points: Mapping[str, Sequence[tuple[float, float]]], ax: Axes | None = None) -> Axes:
    """Draw a mark for each pruned network: (drop, share of the file saved), by what was pruned.

    The axis of drops, in points, is even up to one point and logarithmic beyond.
    """
    ax = axes_for(ax)
    for place, (name, found) in enumerate(points.items()):
        ax.plot([100 * drop for drop, _ in found], [100 * share for _, share in found],
                MARKS[place % len(MARKS)], color=COLOURS[place % len(COLOURS)], alpha=0.6,
                markersize=6, markeredgecolor="white", markeredgewidth=0.5, label=name)
    ax.set_xscale("symlog", linthresh=1, linscale=1.5)
    ticks = (-0.5, 0, 0.5, 1, 2, 5, 10, 20, 50, 100)
    ax.set_xticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set(xlim=(-0.6, 100), ylim=(-3, 103), xlabel="drop on test, measured (points)",
           ylabel="saved of the file (%)")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return ax
