"""Sliders of lesson 12: what a removal costs and who can pay; four ways without retraining."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor, nn

from course_lib.data import Split
from course_lib.masks import magnitude_masks, masked
from course_lib.scores import wanda_scores
from course_lib.surgery import row_masks
from course_lib.training import evaluate

from course_tools import plots
from course_tools.sliders.live import Live, Show, dial, live

TRAINED = (0.6, 0.5)  # the two weights before anything is removed


def two_weights_slider() -> Live:
    """Set the first of two weights to zero, and drag the second; the error follows.

    The unit's two inputs have variance 1, and "likeness" is their correlation. The error is half
    the mean square of what the unit's output changes by.
    """
    likeness = dial("likeness", 0.8, 0.0, 0.99, 0.01)
    second = dial("w2", TRAINED[1], -0.5, 1.5, 0.01)
    return live([likeness, second], lambda *values: values, _bowl, columns=2, inches=4.2,
                title="The more alike two inputs are, the more one weight can pay for the other",
                at=[(0.8, 0.5), (0.8, 0.98), (0.0, 0.5)],
                alt="Lines of equal error around the trained weights, with the line on which w1 is "
                    "zero and the point that was chosen on it, beside the error along that line.")


def price(likeness: float, first: float, second: float) -> float:
    """Return the error with these two weights instead of the trained ones."""
    one, other = first - TRAINED[0], second - TRAINED[1]
    return (one ** 2 + 2 * likeness * one * other + other ** 2) / 2


def _bowl(axes: np.ndarray) -> Show:
    """Set up the lines of equal error and the error where w1 is zero; return what moves them."""
    left, right = axes
    circle = np.linspace(0, 2 * np.pi, 200)
    rings = [left.plot([], [], color="0.7", linewidth=1, animated=True)[0] for _ in range(3)]
    through, = left.plot([], [], color=plots.BLUE, linewidth=2, animated=True)
    left.plot(*TRAINED, "*", color="black", markersize=13)
    left.annotate("trained", TRAINED, xytext=(7, 4), textcoords="offset points", fontsize=10)
    left.axvline(0, color=plots.RED, linestyle="--")
    left.annotate("w1 = 0", (0.02, -0.47), fontsize=10, color=plots.RED)
    spot, = left.plot([], [], "D", color=plots.RED, markersize=9, animated=True)
    left.set(xlim=(-0.6, 1.8), ylim=(-0.6, 1.6), xlabel="w1", ylabel="w2")
    along, = right.plot([], [], color=plots.BLUE, animated=True)
    here, = right.plot([], [], "D", color=plots.RED, markersize=9, animated=True)
    right.axvline(TRAINED[1], color="0.6", linestyle=":")
    right.annotate("trained w2", (TRAINED[1] + 0.03, 0.72), fontsize=10)
    right.set(xlim=(-0.6, 1.6), ylim=(0, 0.8), xlabel="w2, where w1 = 0", ylabel="error")
    xs = np.linspace(-0.6, 1.6, 120)

    def ring(likeness: float, cost: float) -> tuple[np.ndarray, np.ndarray]:
        even = np.sqrt(2 * cost / (1 + likeness)) * np.cos(circle)
        odd = np.sqrt(2 * cost / (1 - likeness)) * np.sin(circle)
        return (TRAINED[0] + (even + odd) / 2 ** 0.5, TRAINED[1] + (even - odd) / 2 ** 0.5)

    def show(values: tuple[float, float]) -> str:
        likeness, second = values
        cost = price(likeness, 0, second)
        for line, level in zip(rings, (0.02, 0.08, 0.32), strict=True):
            line.set_data(*ring(likeness, level))
        through.set_data(*ring(likeness, cost))
        spot.set_data([0], [second])
        along.set_data(xs, [price(likeness, 0, x) for x in xs])
        here.set_data([second], [cost])
        return (f"likeness {likeness:.2f}, w1 = 0, w2 = {second:.2f}: error {cost:.3f} "
                f"(with w2 as it was {price(likeness, 0, TRAINED[1]):.3f}).")

    return show


def surgery_slider(model: nn.Module, split: Split, inputs: Tensor,
                   solved: Mapping[str, Mapping[float, nn.Module]]) -> Live:
    """Drag the sparsity: magnitude and Wanda are cut live, beside what was solved beforehand.

    All have the budgets of global magnitude. `solved` is {name: {sparsity: network}}; behind the
    semicolon the line of text tells those of the nearest sparsity. Wanda compares within a row.
    """
    scores = wanda_scores(model, inputs)

    def cut(share: float) -> dict[str, float]:
        by_size = magnitude_masks(model, share)
        within = {name: row_masks({name: score}, 1 - float(by_size[name].double().mean()))[name]
                  for name, score in scores.items()}
        return {"magnitude": evaluate(masked(model, by_size), split),
                "Wanda": evaluate(masked(model, within), split)}

    known = {name: {share: evaluate(network, split) for share, network in networks.items()}
             for name, networks in solved.items()}
    return live([dial("sparsity", 0.9, 0.0, 0.98, 0.01)], lambda share: (share, cut(share)),
                lambda axes: _four_lines(axes[0], known), columns=1, inches=8.4, at=[(0.9,)],
                title="New values keep what the cut alone loses",
                alt="Accuracy against sparsity: magnitude and Wanda as far as the slider went, and "
                    "what was solved beforehand at a few sparsities.")


def _four_lines(ax: Axes, known: Mapping[str, Mapping[float, float]]) -> Show:
    """Set up what was solved as marks, and lines that grow where the slider goes."""
    seen: dict[str, dict[float, float]] = {"magnitude": {}, "Wanda": {}}
    lines = {name: ax.plot([], [], plots.MARKS[place] + "-", color=plots.COLOURS[place],
                           label=name, animated=True, markersize=5)[0]
             for place, name in enumerate(seen)}
    for place, (name, points) in enumerate(known.items(), start=2):
        ax.plot(list(points), [100 * value for value in points.values()], plots.MARKS[place] + "--",
                color=plots.COLOURS[place], label=f"{name}, solved", markersize=8)
    at = ax.axvline(0, color=plots.RED, linewidth=1, animated=True)
    ax.set(xlim=(-0.02, 1.0), ylim=(0, 103), xlabel="sparsity", ylabel="accuracy (%)")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower left", fontsize=10)

    def show(read: tuple[float, Mapping[str, float]]) -> str:
        share, accuracies = read
        for name, value in accuracies.items():
            seen[name][share] = 100 * value
            lines[name].set_data(sorted(seen[name]), [seen[name][x] for x in sorted(seen[name])])
        at.set_xdata([share, share])
        near = min(next(iter(known.values())), key=lambda x: abs(x - share))
        now = ", ".join(f"{name} {seen[name][share]:.1f}" for name in seen)
        then = ", ".join(f"{name} {100 * points[near]:.1f}" for name, points in known.items())
        return f"sparsity {share:.0%}: {now}; at {near:.0%}: {then} %."

    return show
