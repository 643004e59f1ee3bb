"""Pictures of how weights are stored: a number's bits, gaps and fillers, what a file is made of."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_tools.plots.base import BLUE, COLOURS, GREEN, MARKS, ORANGE, SKY, panels

PARTS = (("sign", 1, ORANGE), ("exponent", 8, GREEN), ("digits of the number", 23, SKY))


def float_bits(number: float, entropies: Sequence[float]) -> Axes:
    """Draw the 32 bits of a float, in four bytes from the highest, with an entropy below each.

    `entropies` are bits a byte, highest byte first.
    """
    ax = panels(width=11, height=2.9)[0, 0]
    bits, place = f"{np.float32(number).view(np.uint32):032b}", 0
    for name, width, colour in PARTS:
        for bit in range(place, place + width):
            ax.add_patch(Rectangle((bit, 0), 1, 1, facecolor=colour, alpha=0.55, edgecolor="white"))
            ax.text(bit + 0.5, 0.5, bits[bit], ha="center", va="center", fontsize=11)
        ax.text(place + width / 2, 1.15, name, ha="center", va="bottom", fontsize=12)
        place += width
    for byte, entropy in enumerate(entropies):
        ax.plot([8 * byte + 0.1, 8 * byte + 7.9], [-0.25, -0.25], color="black", linewidth=2)
        ax.text(8 * byte + 4, -0.45, f"{entropy:.2f} of 8 bits", ha="center", va="top",
                fontsize=13, fontweight="bold")
    ax.set(xlim=(-0.2, 32.2), ylim=(-1.3, 2))
    ax.axis("off")
    return ax


def gap_strip(row: Sequence[float], gaps: Sequence[int], values: Sequence[float]) -> Axes:
    """Draw a row of weights, and below it what a relative index stores of it.

    Under each weight that is stored stand its gap and its value; fillers are in another colour.
    """
    ax = panels(width=11, height=2.7)[0, 0]
    for place, weight in enumerate(row):
        _cell(ax, place, 1.1, f"{weight:g}", BLUE if weight else "white")
    place = -1
    for gap, value in zip(gaps, values, strict=True):
        place += int(gap) + 1
        colour = BLUE if value else ORANGE
        _cell(ax, place, -0.3, str(int(gap)), colour)
        _cell(ax, place, -1.3, f"{value:g}", colour)
        ax.annotate("", (place + 0.5, 0.72), (place + 0.5, 1.08), arrowprops={"arrowstyle": "->"})
        if not value:
            ax.text(place + 0.5, -1.38, "filler", ha="center", va="top", fontsize=10)
    for height, words in ((1.6, "the row"), (0.2, "zeros passed"), (-0.8, "value stored")):
        ax.text(-0.2, height, words, ha="right", va="center", fontsize=12)
    ax.set(xlim=(-2.6, len(row) + 0.1), ylim=(-1.9, 2.2))
    ax.axis("off")
    return ax


def _cell(ax: Axes, place: int, bottom: float, text: str, colour: str) -> None:
    ax.add_patch(Rectangle((place, bottom), 1, 1, facecolor=colour, alpha=0.45, edgecolor="black"))
    ax.text(place + 0.5, bottom + 0.5, text, ha="center", va="center", fontsize=11)


def stacked(files: Mapping[str, Mapping[str, float]], ax: Axes | None = None, *,
            xlabel: str = "") -> Axes:
    """Draw a bar for each file, {name: {part: length}}, cut into its parts; the sum at its end."""
    ax = panels(width=9, height=0.9 + 0.55 * len(files))[0, 0] if ax is None else ax
    left = np.zeros(len(files))
    for place, part in enumerate(next(iter(files.values()))):
        cut = np.array([parts[part] for parts in files.values()])
        ax.barh(list(files), cut, left=left, color=COLOURS[place], edgecolor="white", label=part,
                hatch=("", "//", "..")[place % 3], height=0.65)
        left += cut
    for name, end in zip(files, left, strict=True):
        ax.text(end, list(files).index(name), f" {end:,.1f}", va="center", fontsize=11)
    ax.invert_yaxis()
    ax.set(xlabel=xlabel, xlim=(0, 1.15 * left.max()))
    return ax


def crossing(times: Mapping[str, Mapping[float, float]], ax: Axes | None = None, *,
             ringed: Sequence[str] = (), bytes_even: float | None = None) -> Axes:
    """Draw milliseconds against sparsity, {name: {sparsity: ms}}, the dense product first.

    The lines in `ringed` have a ring at the lowest sparsity from which on they stay below it. A
    dotted line stands at `bytes_even`, the sparsity from which on the sparse file is the shorter.
    """
    ax = panels(height=4)[0, 0] if ax is None else ax
    dense = next(iter(times.values()))
    shares = list(dense)
    for (name, line), colour, mark in zip(times.items(), COLOURS, MARKS, strict=False):
        ax.plot(range(len(shares)), list(line.values()), color=colour, marker=mark, label=name)
        faster = [all(line[share] < dense[share] for share in shares[place:])
                  for place in range(len(shares))]
        if name in ringed and any(faster):
            first = faster.index(True)
            ax.plot(first, line[shares[first]], "o", color="none", markeredgecolor=colour,
                    markersize=17, markeredgewidth=2)
    if bytes_even is not None:
        ax.axvline(np.interp(bytes_even, shares, range(len(shares))), color="black", linestyle=":")
    ax.set(yscale="log", xlabel="% of the weights that are zero", ylabel="milliseconds")
    ax.set_xticks(range(len(shares)), [f"{100 * share:g}" for share in shares])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(alpha=0.3)
    return ax
