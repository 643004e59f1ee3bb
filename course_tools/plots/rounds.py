"""Pictures of Han's loop: accuracy through its rounds, and which inputs a layer still reads."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from course_lib.iterative import Round

from course_tools.plots.base import BLUE, ORANGE, RED, panels


def sawtooth(start: float, rounds: Sequence[Round], ax: Axes | None = None) -> Axes:
    """Draw the validation accuracy of a network before and after each retraining of the loop.

    It begins at `start`, the whole network's. A cut goes to the right, as weights get fewer, and
    down; retraining goes straight up. The title tells where the last round has come to.
    """
    ax = panels(width=9, height=4.2)[0, 0] if ax is None else ax
    at, value = 1.0, 100 * start
    ax.plot(at, value, "D", color="black", markersize=8, label="whole network")
    for place, each in enumerate(rounds):
        left, cut, again = 1 / each.compression, 100 * each.before, 100 * each.after
        ax.plot([at, left], [value, cut], "--", color=ORANGE, linewidth=1.5)
        ax.annotate("", (left, again), (left, cut), arrowprops={"arrowstyle": "->", "color": BLUE,
                                                               "linewidth": 2})
        ax.plot(left, cut, "s", color=ORANGE, label="" if place else "after the cut")
        ax.plot(left, again, "o", color=BLUE, label="" if place else "retrained")
        at, value = left, again
    ax.set(xscale="log", xlim=(1.2, min(0.09, at / 1.2)), xlabel="weights left",
           ylabel="validation accuracy (%)")
    ax.set_xticks([1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01][:7 if at < 0.02 else 6])
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_xlim(1.2, min(0.09, at / 1.2))
    ax.set_title(f"Round {len(rounds)}: {value:.1f} % with 1 weight in {1 / at:.0f}" if rounds
                 else "Before the first round")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower left")
    return ax


def read_pixels(mask: Tensor, ax: Axes | None = None, *, rows: int = 28) -> Axes:
    """Draw the kept weights of a layer that reads an image, with the rows of the image marked.

    `mask`, (units, pixels), has the pixels row after row; each kept weight is a black dot.
    """
    ax = panels(width=12, height=4.2)[0, 0] if ax is None else ax
    width = mask.shape[1] // rows
    ax.imshow(mask, aspect="auto", cmap="gray_r", interpolation="nearest")
    for edge in range(1, rows):
        ax.axvline(edge * width - 0.5, color=RED, linewidth=0.6, alpha=0.7)
    ax.set_xticks([(row + 0.5) * width for row in range(0, rows, 3)], range(1, rows + 1, 3))
    ax.set(xlabel="row of the image that the input is in, each 28 inputs wide", ylabel="unit")
    ax.spines[:].set_visible(True)
    return ax
