"""The slider of lesson 13: a language model writes on while its weights go."""

from collections.abc import Mapping

import ipywidgets
from matplotlib.axes import Axes
from torch import nn

from course_lib import language
from course_lib.masks import magnitude_masks, masked

from course_tools import plots
from course_tools.sliders.live import Live, Show, dial, live

LENGTH = 70  # characters that are written at each move


def sentence_slider(model: nn.Module, text: str, prompt: str,
                    solved: Mapping[float, nn.Module]) -> Live:
    """Drag the sparsity and the seed: the sentence is written anew, beside a refitted model's.

    The first model is cut by magnitude, by layer, as the slider goes. `solved` is {sparsity:
    network}; the nearest one writes the second sentence. The picture is the loss on `text`.
    """
    share = dial("sparsity", 0.6, 0.0, 0.9, 0.05)
    seed = ipywidgets.IntSlider(value=1, min=0, max=20, description="seed",
                                layout={"width": "24em"})
    known = {at: language.loss(network, text) for at, network in solved.items()}

    def read(sparsity: float, number: int) -> tuple:
        cut = masked(model, magnitude_masks(model, sparsity, scope="layer"))
        near = min(solved, key=lambda at: abs(at - sparsity))
        return (sparsity, language.loss(cut, text), said(cut, prompt, number), near,
                said(solved[near], prompt, number))

    return live([share, seed], read, lambda axes: _losses(axes[0], known), columns=1, inches=8.4,
                at=[(0.0, 1), (0.6, 1), (0.8, 1)],
                title="Cut alone the sentence falls apart; refitted it stays English for longer",
                alt="Loss against sparsity: magnitude where the slider is, and the refitted models "
                    "that were solved beforehand.")


def said(model: nn.Module, prompt: str, seed: int) -> str:
    """Return what the model adds to the prompt, on one line."""
    added = language.sample(model, prompt, seed, length=LENGTH)[len(prompt):]
    return " / ".join(part for part in added.splitlines() if part).replace("&", "+")


def _losses(ax: Axes, known: Mapping[float, float]) -> Show:
    """Set up what was solved as marks, and what moves with the slider."""
    ax.plot(list(known), list(known.values()), plots.MARKS[1] + "--", color=plots.COLOURS[1],
            label="refitted, solved", markersize=8)
    trail, = ax.plot([], [], "o-", color=plots.BLUE, label="magnitude by layer", animated=True)
    here, = ax.plot([], [], "D", color=plots.RED, markersize=9, animated=True)
    seen: dict[float, float] = {}
    ax.set(xlim=(-0.02, 0.92), ylim=(1, 4.6), xlabel="sparsity", ylabel="loss (nats a character)")
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left", fontsize=10)

    def show(read: tuple) -> str:
        share, loss, cut, near, fitted = read
        seen[share] = loss
        trail.set_data(sorted(seen), [seen[x] for x in sorted(seen)])
        here.set_data([share], [loss])
        return (f"sparsity {share:.0%}, magnitude, loss {loss:.2f}: “{cut}” "
                f"refitted at {near:.0%}, loss {known[near]:.2f}: “{fitted}”")

    return show
