"""Pictures of pruning. Each function draws on `ax`, or on new axes, and returns them.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; marks differ as well.
Importing this module sets matplotlib's style for the course.
"""

import base64
import html
import io
import struct
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import PIL.Image
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator
from torch import Tensor, nn

from course_lib.data import Split
from course_lib.measure import seed_interval
from course_lib.models import ResNet, evaluating, prunable_layers

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
COLOURS, MARKS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY), "osD^vP"
matplotlib.rcParams.update({
    "font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "figure.constrained_layout.use": True, "legend.frameon": False, "figure.dpi": 100,
})


@dataclass(frozen=True)
class Picture:
    """Hold a figure as PNG with the words that stand for it where it cannot be seen."""

    png: bytes
    alt: str
    width: int

    @property
    def html(self) -> str:
        """Return an <img> that needs no other file and does not flicker where it is replaced."""
        across, down = struct.unpack(">II", self.png[16:24])  # from the PNG's header
        return (f'<img alt="{html.escape(self.alt)}" width="{self.width}" '
                f'height="{round(self.width * down / across)}" decoding="sync" '
                'style="max-width: 100%; height: auto" '
                f'src="data:image/png;base64,{_base64(self.png)}">')

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "image/png": _base64(self.png),
                "text/plain": textwrap.fill(self.alt, 100)}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def picture(ax: Axes, alt: str, *, dpi: int = 130) -> Picture:
    """Turn the whole figure that `ax` is part of into a picture with a text alternative."""
    if not alt.strip():
        raise ValueError(f"alt is {alt!r}; allowed is a sentence that says what the figure shows")
    drawn, small = io.BytesIO(), io.BytesIO()
    ax.figure.savefig(drawn, format="png", dpi=dpi)
    # 256 colours are enough for a figure, and a third of the bytes in a stored lesson
    PIL.Image.open(drawn).convert("RGB").quantize(256).save(small, "png", optimize=True)
    return Picture(small.getvalue(), alt, round(ax.figure.get_figwidth() * 100))


def panels(rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 3.8,
           sharey: bool = False) -> np.ndarray:
    """Return new axes in the course's style, an array (rows, columns); sizes in inches.

    They stand in no window and no notebook shows them by itself: `picture` does.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure.subplots(rows, columns, squeeze=False, sharey=sharey)


def _axes(ax: Axes | None) -> Axes:
    return panels()[0, 0] if ax is None else ax


def digits(split: Split, ax: Axes | None = None) -> Axes:
    """Show the images of a split in one row, with their labels."""
    ax = panels(width=min(9, 0.9 * len(split)), height=1.5)[0, 0] if ax is None else ax
    ax.imshow(np.hstack([image[0].numpy() for image in split.images]), cmap="gray_r",
              vmin=0, vmax=1)
    ax.set_xticks([28 * place + 14 for place in range(len(split))], split.labels.tolist())
    ax.set(yticks=[])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def histogram(values: Tensor, ax: Axes | None = None, *, threshold: float | None = None) -> Axes:
    """Draw how often each weight occurs; the weights inside ±threshold stand out."""
    ax = _axes(ax)
    values = values.detach().flatten().numpy()
    edges = symmetric_bins(values)
    ax.stairs(np.histogram(values, edges)[0], edges, fill=True, color=BLUE, label="kept")
    if threshold is not None:
        inside = values[np.abs(values) < threshold]
        ax.stairs(np.histogram(inside, edges)[0], edges, fill=True, color=ORANGE, hatch="//",
                  edgecolor="white", label="below the threshold")
        ax.legend(loc="upper right")
    ax.set(yscale="log", xlabel="weight", ylabel="number of weights")
    return ax


def symmetric_bins(values: np.ndarray, bins: int = 80) -> np.ndarray:
    """Return the edges of `bins` equal bins, symmetric about zero, that hold all values."""
    reach = max(float(np.abs(values).max()), 1e-12)
    return np.linspace(-reach, reach, bins + 1)


def pixel_map(values: Tensor, ax: Axes | None = None, *, label: str = "") -> Axes:
    """Draw one value for each of the 784 input pixels, in the pixel's place.

    Where some are negative, 0 is white, orange is below it and purple above.
    """
    ax = panels(width=4.4, height=3.8)[0, 0] if ax is None else ax
    pixels = values.detach().reshape(28, 28).numpy()
    reach = float(np.abs(pixels).max())
    colours = {"cmap": "PuOr", "vmin": -reach, "vmax": reach} if pixels.min() < 0 else {
        "cmap": "cividis"}
    image = ax.imshow(pixels, **colours)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046)
    return ax


def curves(series: Mapping[str, Mapping[float, Sequence[float]]], ax: Axes | None = None, *,
           xlabel: str = "", ylabel: str = "test accuracy (%)", scale: float = 100) -> Axes:
    """Draw a line for each series: the mean over seeds, and its 95 % interval as a band.

    A series is {x: one value a seed}; a single value a point is drawn without a band.
    """
    ax = _axes(ax)
    for place, (name, points) in enumerate(series.items()):
        colour, mark = COLOURS[place % len(COLOURS)], MARKS[place % len(MARKS)]
        places = sorted(points)
        means = [scale * sum(points[x]) / len(points[x]) for x in places]
        ax.plot(places, means, color=colour, marker=mark, markersize=6, label=name)
        if all(len(points[x]) > 1 for x in places):
            spans = [seed_interval([scale * value for value in points[x]]) for x in places]
            ax.fill_between(places, [span.low for span in spans], [span.high for span in spans],
                            color=colour, alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    if len(series) > 1:
        ax.legend()
    return ax


def network(model: nn.Module, ax: Axes | None = None) -> Axes:
    """Draw a small network of Linear layers, inputs on the left, a line for each weight.

    Thicker is larger; blue and solid is positive, orange and dashed negative; a weight of zero is
    a faint dotted line.
    """
    ax = panels(height=3.2)[0, 0] if ax is None else ax
    matrices = [layer.weight.detach() for layer in prunable_layers(model).values()]
    sizes = [matrices[0].shape[1], *(matrix.shape[0] for matrix in matrices)]
    spots = [[(column, (size - 1) / 2 - row) for row in range(size)]
             for column, size in enumerate(sizes)]
    for column, matrix in enumerate(matrices):
        for (out, into), weight in np.ndenumerate(matrix.numpy()):
            _connection(ax, spots[column][into], spots[column + 1][out], float(weight))
    for column in spots:
        ax.scatter(*zip(*column, strict=True), s=700, color="white", edgecolor="black", zorder=3)
        for row, spot in enumerate(column, start=1):
            ax.annotate(row, spot, ha="center", va="center", zorder=4)
    ax.margins(0.08, 0.15)
    ax.axis("off")
    return ax


def _connection(ax: Axes, start: tuple, end: tuple, weight: float) -> None:
    look = {"color": BLUE if weight > 0 else ORANGE, "linestyle": "-" if weight > 0 else "--",
            "linewidth": 0.5 + 4 * abs(weight)}
    if weight == 0:
        look = {"color": "0.6", "linestyle": ":", "linewidth": 1.5}
    ax.plot(*zip(start, end, strict=True), **look)
    place = [a + 0.3 * (b - a) for a, b in zip(start, end, strict=True)]
    ax.annotate(f"{weight:g}".replace("-", "−"), place, ha="center", va="center", zorder=2,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def matrix(mask: Tensor, ax: Axes | None = None, *, rows: str = "", columns: str = "") -> Axes:
    """Draw a small matrix as a grid; the places where `mask` is True stand out."""
    ax = panels(width=4.4, height=3.6)[0, 0] if ax is None else ax
    down, across = mask.shape
    for (row, column), marked in np.ndenumerate(mask.numpy()):
        ax.add_patch(Rectangle((column, row), 1, 1, facecolor=ORANGE if marked else "white",
                               hatch="//" if marked else None, edgecolor="0.4"))
    ax.set(xlim=(0, across), ylim=(down, 0), aspect="equal", xlabel=columns, ylabel=rows,
           xticks=[], yticks=[])
    return ax


def architecture(model: nn.Sequential, ax: Axes | None = None) -> Axes:
    """Draw each layer of a chain to scale: as wide as its units, as high as the maps they give.

    A neuron gives a map of one pixel. Each box carries its layer's name as its label, and lies over
    a pale one of the same size.
    """
    if not isinstance(model, nn.Sequential):
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential")
    ax = panels()[0, 0] if ax is None else ax
    signal, left = torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype), 0.0
    layers = prunable_layers(model)
    gap = 0.02 * sum(layer.weight.shape[0] for layer in layers.values())
    with evaluating(model), torch.inference_mode():
        for name, part in model.named_children():
            signal = part(signal)
            if name in layers:
                units, height = signal.shape[1], signal.shape[2] if signal.dim() == 4 else 1
                place = (left, -height / 2)
                ax.add_patch(Rectangle(place, units, height, color="0.9"))
                ax.add_patch(Rectangle(place, units, height, color=BLUE, label=name))
                ax.annotate(name, (left + units / 2, 15), rotation=90, fontsize=9, ha="center",
                            va="bottom")
                left += units + gap
    ax.set(xlim=(0, left - gap), ylim=(-15, 27), xlabel="filters or neurons", yticks=[])
    ax.spines["left"].set_visible(False)
    return ax


def residual(model: ResNet, marks: Mapping[str, str], ax: Axes | None = None) -> Axes:
    """Draw the layers of a residual network in a row, its shortcuts above them, its additions as +.

    A box holds a layer's name and how many outputs it has. `marks`, {layer: a word or two}, stand
    below the boxes; layers with the same words have the same colour, those without are white.
    """
    layers = prunable_layers(model)
    for name in marks:
        if name not in layers:
            raise ValueError(f"marks names the layer {name!r}; allowed is one of "
                             f"{', '.join(layers)}")
    ax = panels(width=11, height=2.9)[0, 0] if ax is None else ax
    spots, end = {"stem.conv": (0.0, 0.0)}, 0.0
    for place in range(len(model.blocks)):
        name, fork, end = f"blocks.{place}", end + 0.65, end + 3.0
        spots |= {f"{name}.conv1": (fork + 0.65, 0.0), f"{name}.conv2": (fork + 1.65, 0.0)}
        if f"{name}.shortcut.conv" in layers:
            spots[f"{name}.shortcut.conv"] = (fork + 1.15, 1.1)
        ax.plot([fork, fork, end, end], [0, 1.1, 1.1, 0], color="0.4", zorder=1)
        ax.annotate("+", (end, -0.02), ha="center", va="center", zorder=3, fontsize=13,
                    bbox={"boxstyle": "circle", "facecolor": "white", "edgecolor": "0.4"})
        ax.annotate(name, (fork + 1.15, -1.0), ha="center", color="0.4", fontsize=10)
    spots["fc"] = (end + 0.9, 0.0)
    ax.plot([0, end + 0.9], [0, 0], color="0.4", zorder=1)
    looks = dict(zip(dict.fromkeys(marks.values()), COLOURS, strict=False))
    for name, spot in spots.items():
        _layer_box(ax, spot, name, layers[name].weight.shape[0], marks.get(name, ""), looks)
    ax.set(xlim=(-0.5, end + 1.4), ylim=(-1.1, 1.6))
    ax.axis("off")
    return ax


def _layer_box(ax: Axes, spot: tuple, name: str, units: int, mark: str, looks: dict) -> None:
    colour = to_rgba(looks[mark], 0.5) if mark in looks else "white"
    ax.add_patch(Rectangle((spot[0] - 0.42, spot[1] - 0.32), 0.84, 0.64, facecolor="white",
                           edgecolor="none", zorder=2))
    ax.add_patch(Rectangle((spot[0] - 0.42, spot[1] - 0.32), 0.84, 0.64, facecolor=colour,
                           edgecolor="0.2", zorder=2, label=name))
    ax.annotate(f"{name.removesuffix('.conv').split('.')[-1]}\n{units}", spot, ha="center",
                va="center", fontsize=10, zorder=3)
    ax.annotate(mark, (spot[0], spot[1] - 0.4), ha="center", va="top", fontsize=10, zorder=3)


def trials(found: Sequence, drop_bound: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the trials of a search: what each costs in accuracy, and how many weights it leaves.

    Numbers say in which order they were made, bars are 95 % intervals. With a drop bound those that
    stay within it are filled, and the smallest of them is ringed.
    """
    ax = _axes(ax)
    ax.set(xlabel="weights left", ylabel="drop on validation (points)")
    if found:
        left = [trial.weights for trial in found]
        ax.set(xscale="log", xlim=(min(left) / 1.3, 1.3 * max(left)))  # one trial has no width
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.xaxis.set_minor_formatter("")
    ax.grid(alpha=0.3)
    fitting = [trial for trial in found if drop_bound is None or trial.drop.value <= drop_bound]
    for number, trial in enumerate(found, start=1):
        place = (trial.weights, 100 * trial.drop.value)
        ax.vlines(trial.weights, 100 * trial.drop.low, 100 * trial.drop.high, color="0.6")
        ax.plot(*place, "o", color=BLUE if trial in fitting else "white", markeredgecolor=BLUE)
        near = sum(1 < other.weights / trial.weights < 1.15 for other in found)
        ax.annotate(number, place, xytext=(5, 5 + 12 * near), textcoords="offset points",
                    fontsize=10)  # above those of its neighbours on the right
    if drop_bound is not None:
        ax.axhline(100 * drop_bound, color=RED, linestyle="--", label="bound")
        ax.legend(loc="upper right")
        if fitting:
            best = min(fitting, key=lambda trial: trial.weights)
            ax.plot(best.weights, 100 * best.drop.value, "o", color="none", markeredgecolor=RED,
                    markersize=16, markeredgewidth=2)
    return ax


def budgets(found: Mapping[str, tuple], boxes: Mapping[str, tuple[int, float]],
            ax: Axes | None = None) -> Axes:
    """Draw networks, {name: (bytes of the file, Drop)}, with the 95 % interval of the drop.

    Each box, {name: (bytes, drop bound)}, holds what stays within both. What drops more than the
    axis reaches is drawn at its upper end.
    """
    ax = panels(height=4.4)[0, 0] if ax is None else ax
    left = 0.5 * min(size for size, _ in (*found.values(), *boxes.values())) / 1000
    most = 1.6 * 100 * max(bound for _, bound in boxes.values())
    for place, (name, (size, bound)) in enumerate(boxes.items()):
        ax.add_patch(Rectangle((left, -most), size / 1000 - left, most + 100 * bound, alpha=0.25,
                               color=COLOURS[place % len(COLOURS)], label=name))
        ax.annotate(name, (size / 1000, 100 * bound), xytext=(-4, -4), textcoords="offset points",
                    ha="right", va="top", fontsize=10)
    for place, (name, (size, lost)) in enumerate(found.items()):
        low, value, high = (min(100 * x, 0.96 * most) for x in (lost.low, lost.value, lost.high))
        ax.vlines(size / 1000, low, high, color="0.4")
        ax.plot(size / 1000, value, MARKS[place % len(MARKS)], color="black", label=name)
    ax.set(xscale="log", xlim=(left, None), ylim=(-0.3 * most, most),
           xlabel="kilobytes of the file", ylabel="drop (points)")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.set_minor_formatter("")
    handles, names = ax.get_legend_handles_labels()
    points = [(handle, name) for handle, name in zip(handles, names, strict=True)
              if name in found]
    ax.legend(*zip(*points, strict=True), loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def squares(model: nn.Module, ax: Axes | None = None) -> Axes:
    """Draw each layer as a square whose area is its number of weights; non-zero ones are filled.

    Each filled square carries its layer's name as its label.
    """
    ax = panels(height=3.0)[0, 0] if ax is None else ax
    left, tallest = 0.0, 0.0
    for name, layer in prunable_layers(model).items():
        whole, kept = layer.weight.numel() ** 0.5, int(layer.weight.count_nonzero()) ** 0.5
        ax.add_patch(Rectangle((left, 0), whole, whole, color="0.9"))
        ax.add_patch(Rectangle((left, 0), kept, kept, color=BLUE, label=name))
        ax.annotate(name, (left, 0), xytext=(0, -14), textcoords="offset points", fontsize=10)
        tallest = max(tallest, whole)
        left += whole + 40
    ax.set(xlim=(0, left), ylim=(0, 1.02 * tallest), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def bars(values: Mapping[str, float], ax: Axes | None = None, *, xlabel: str = "",
         form: str = "{:,.0f}") -> Axes:
    """Draw one horizontal bar for each name, with its value written at its end."""
    ax = panels(height=0.7 + 0.55 * len(values))[0, 0] if ax is None else ax
    drawn = ax.barh(list(values), list(values.values()), color=BLUE, height=0.6)
    ax.bar_label(drawn, labels=[form.format(value) for value in values.values()], padding=4)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set(xlabel=xlabel)
    return ax
