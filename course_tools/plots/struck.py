"""A picture of a removed neuron: its row in one matrix and its column in the next, struck out."""

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from course_tools.plots.base import BLUE, ORANGE, RED, panels


def struck(first: Tensor, bias: Tensor, second: Tensor, neuron: int, *,
           names: tuple[str, str] = ("fc1", "fc2")) -> Axes:
    """Draw two layers of a chain as PyTorch stores them, with all that belongs to one neuron.

    Rows and columns are numbered from 0.
    `first` is (neurons, inputs), `bias` goes with it, `second` is (its neurons, neurons). The
    neuron's row and bias are orange, the column that reads it blue; a red line strikes out both.
    """
    axes = panels(1, 2, width=9.6, height=4.2)[0]
    down, across = first.shape
    _grid(axes[0], first, rows={neuron})
    _grid(axes[0], bias[:, None], rows={neuron}, left=across + 0.6)
    _line(axes[0], (-0.2, across + 1.85), (neuron + 0.5,) * 2)
    _grid(axes[1], second, columns={neuron})
    _line(axes[1], (neuron + 0.5,) * 2, (-0.2, len(second) + 0.25))
    _words(axes[0], "inputs", (across / 2, down + 0.3))
    _words(axes[0], "bias", (across + 1.1, down + 0.3))
    _words(axes[1], f"neurons of {names[0]}", (second.shape[1] / 2, len(second) + 0.3))
    for ax, name, (rows, columns) in zip(axes, names, (first.shape, second.shape), strict=True):
        _words(ax, f"neurons of {name}", (-0.75, rows / 2), rotation=90, ha="right", va="center")
        for row in range(rows):
            _words(ax, row, (-0.45, row + 0.5), va="center")
        for column in range(columns):
            _words(ax, column, (column + 0.5, -0.3), va="bottom")
        ax.set(xlim=(-1.3, max(across, down) + 1.2), ylim=(max(down, len(second)) + 0.9, -0.8),
               aspect="equal")
        ax.axis("off")
    return axes[0]


def _words(ax: Axes, words: object, spot: tuple[float, float], **look: object) -> None:
    ax.annotate(words, spot, **({"ha": "center", "va": "top", "fontsize": 12} | look))


def _grid(ax: Axes, values: Tensor, *, rows: set = frozenset(), columns: set = frozenset(),
          left: float = 0) -> None:
    """Draw a matrix with its numbers; rows stand out in orange, columns in blue."""
    for row, numbers in enumerate(values.tolist()):
        for column, number in enumerate(numbers):
            colour = ORANGE if row in rows else BLUE if column in columns else "none"
            ax.add_patch(Rectangle((left + column, row), 1, 1, facecolor="white", edgecolor="0.4"))
            ax.add_patch(Rectangle((left + column, row), 1, 1, facecolor=colour, alpha=0.35))
            ax.annotate(f"{number:.1f}".replace("-", "−"), (left + column + 0.5, row + 0.5),
                        ha="center", va="center", fontsize=11)


def _line(ax: Axes, xs: tuple[float, float], ys: tuple[float, float]) -> None:
    ax.plot(xs, ys, color=RED, linewidth=2.5, alpha=0.7, solid_capstyle="round")
