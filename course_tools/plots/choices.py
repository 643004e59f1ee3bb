"""Pictures of a choice among weights: their scores in order with the cut, and the mask as tiles."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from course_tools.plots.base import BLUE, ORANGE, panels


def ordered(scores: Tensor, zeros: int, ax: Axes | None = None) -> Axes:
    """Draw a few scores as bars, the lowest first; the first `zeros` of them go and are hatched."""
    ax = panels(width=5, height=3.2)[0, 0] if ax is None else ax
    values = np.sort(scores.detach().flatten().numpy())
    for place, value in enumerate(values):
        goes = place < zeros
        ax.bar(place, value, color=ORANGE if goes else BLUE, hatch="//" if goes else None,
               edgecolor="white")
        ax.annotate(f"{value:.1f}", (place, value), ha="center", va="bottom")
    ax.axvline(zeros - 0.5, color="black", linestyle="--", linewidth=1.5)
    ax.set(xticks=[], xlabel="weights, the lowest score first", ylabel="score")
    ax.margins(y=0.15)
    return ax


def tiles(weight: Tensor, mask: Tensor, ax: Axes | None = None) -> Axes:
    """Draw a small matrix with its mask laid over it: what goes is hatched, in a paler tile.

    Rows are units and columns inputs, as in the weight of a Linear layer.
    """
    ax = panels(width=5, height=3.2)[0, 0] if ax is None else ax
    down, across = weight.shape
    for (row, column), stays in np.ndenumerate(mask.numpy()):
        ax.add_patch(Rectangle((column, row), 1, 1, edgecolor="0.3", linewidth=1.5,
                               facecolor="white" if stays else ORANGE, alpha=1 if stays else 0.55,
                               hatch=None if stays else "//", label=str(bool(stays))))
        value = f"{float(weight[row, column]):.1f}".replace("-", "−")
        ax.annotate(f"{value}\n{bool(stays)}", (column + 0.5, row + 0.5), ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
    ax.set(xlim=(0, across), ylim=(down, 0), aspect="equal",
           xticks=[place + 0.5 for place in range(across)], xticklabels=range(1, across + 1),
           yticks=[place + 0.5 for place in range(down)], yticklabels=range(1, down + 1),
           xlabel="input", ylabel="unit")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
