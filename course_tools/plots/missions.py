"""The capstone's three budgets in one figure: bytes and drop on the left, time on the right."""

from collections.abc import Mapping

import numpy as np

from course_tools.plots.base import COLOURS, MARKS, panels
from course_tools.plots.results import budgets


def missions(found: Mapping[str, tuple], levels: Mapping[str, tuple[int, float, float]]
             ) -> np.ndarray:
    """Draw networks, {name: (bytes of the file, Drop, share of the reference's time)}, and levels.

    A level is (bytes, drop bound, share of the time): on the left a box in which the whole interval
    of a drop has to lie, on the right a line that a network's time must not pass.
    """
    axes = panels(1, 2, width=11, height=4.4)[0]
    boxes = {name: (size, bound) for name, (size, bound, _) in levels.items()}
    budgets({name: each[:2] for name, each in found.items()}, boxes, axes[0]).get_legend().remove()
    for place, (name, (_, _, ratio)) in enumerate(found.items()):
        axes[1].plot(ratio, place, MARKS[place % len(MARKS)], color="black", markersize=8,
                     zorder=3, label=name)
    for place, (name, (_, _, ratio)) in enumerate(levels.items()):
        axes[1].axvline(ratio, color=COLOURS[place % len(COLOURS)], linestyle="--", linewidth=2)
        axes[1].annotate(name.split()[-1], (ratio, -0.75), xytext=(-3, 0), va="center", ha="right",
                         textcoords="offset points", fontsize=11)
    axes[1].set(yticks=range(len(found)), yticklabels=list(found), xlim=(0, None),
                ylim=(len(found) - 0.5, -1), xlabel="time, as a share of the reference's")
    return axes
