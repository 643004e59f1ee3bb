"""Where two layers meet: their maps added, or laid one behind the other; and what goes along."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_tools.plots.base import BLUE, ORANGE, RED, panels


def joins(gone: int, added: tuple[int, int], joined: tuple[int, int]) -> np.ndarray:
    """Draw maps as boxes, two layers' and what comes of them: added, and concatenated.

    `added` and `joined` are the numbers of maps of both layers. Map `gone` of the second layer goes
    (and where they are added that of the first): such a box is crossed out.
    """
    axes = panels(1, 2, width=10, height=3.9)[0]
    for ax, sizes, symbol in zip(axes, (added, joined), ("+", "then"), strict=True):
        adds = symbol == "+"
        total = sizes[0] if adds else sum(sizes)
        colours = ["0.85"] * total if adds else [BLUE] * sizes[0] + [ORANGE] * sizes[1]
        _column(ax, 0, [BLUE] * sizes[0], [gone] if adds else [], "first")
        _column(ax, 2, [ORANGE] * sizes[1], [gone], "second")
        _column(ax, 4.4, colours, [gone if adds else sizes[0] + gone], "what is read")
        for x, sign in ((1.4, symbol), (3.55, "=" if adds else "→")):
            ax.annotate(sign, (x, -1.4), ha="center", va="center", fontsize=13)
        ax.set(xlim=(-0.5, 6.1), ylim=(-max(*added, sum(joined)) - 0.2, 1.4))
        ax.axis("off")
    return axes


def _column(ax: Axes, x: float, colours: Sequence[str], gone: Sequence[int], name: str) -> None:
    """Draw a layer's maps from the top down, each with its number."""
    ax.annotate(name, (x + 0.4, 0.35), ha="center", fontsize=11)
    for number, colour in enumerate(colours):
        top = -number
        ax.add_patch(Rectangle((x, top - 0.85), 0.8, 0.85, facecolor=colour, alpha=0.6,
                               edgecolor="0.2", label=f"{name} {number}"))
        ax.annotate(str(number), (x + 0.4, top - 0.43), ha="center", va="center", fontsize=10)
        if number in gone:
            for ends in ([top, top - 0.85], [top - 0.85, top]):
                ax.plot([x, x + 0.8], ends, color=RED, linewidth=2)
