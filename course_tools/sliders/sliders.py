"""Sliders that move a real network."""

import copy
from collections.abc import Callable, Sequence
from functools import cache

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib.data import Split
from course_lib.masks import (
    Masks,
    apply_masks,
    magnitude_masks,
    sparsity,
    threshold_masks,
    units_to_keep,
)
from course_lib.measure import measure
from course_lib.models import prunable_layers
from course_lib.removal import remove_units
from course_lib.search import Trial, smallest_within
from course_lib.training import evaluate

from course_tools import plots
from course_tools.sliders.latency import latency
from course_tools.sliders.live import Live, Read, Show, live, trail

SMALLEST = "The smallest weights can go, up to a point"


def threshold_slider(model: nn.Module, layer: str, split: Split, *, bands: bool = False) -> Live:
    """Drag a threshold over the weights of one layer; the smaller ones go, accuracy follows.

    With `bands` a third panel counts the weights that each input keeps, in the inputs' order.
    """
    weight = _weight(model, layer)
    top = float(weight.abs().max())
    slider = _share("threshold", top, top / 100, ".3f")

    def draw(axes: np.ndarray) -> Show:
        return _follow(model, split, axes, [layer], slider,
                       [_bands(axes[2], layer, weight)] if bands else [])

    third = " A third panel counts the weights that each input keeps." if bands else ""
    read = _prune(model, split, lambda threshold: threshold_masks(model, {layer: threshold}))
    return live([slider], read, draw, columns=2 + bands, title=SMALLEST,
                at=[(0.1 * top,), (0.3 * top,), (0.6 * top,)],
                alt=f"Histogram of the weights of {layer}, those below the threshold marked, "
                    f"beside accuracy against threshold.{third}")


def sparsity_slider(model: nn.Module, split: Split, *, scope: str = "global") -> Live:
    """Drag the sparsity of a whole network; see its weights, its first layer, its accuracy."""
    layers = prunable_layers(model)
    inputs = next(iter(layers.values())).weight.shape[1:].numel()
    if inputs != 784:
        raise ValueError(f"model reads {inputs} inputs in its first layer; allowed is 784, one a "
                         "pixel")
    slider = _share("sparsity", 1.0, 0.01, ".0%")

    def draw(axes: np.ndarray) -> Show:
        return _follow(model, split, axes, list(layers), slider,
                       [_survivors(axes[2], next(iter(layers)))])

    read = _prune(model, split, lambda share: magnitude_masks(model, share, scope=scope))
    return live([slider], read, draw, columns=3, at=[(0.5,), (0.9,), (0.98,)],
                title="Pixels without ink go first, those that rarely have it keep most",
                alt="Histogram of all weights, those that go marked; accuracy against sparsity; "
                    "and the share of weights that each input pixel keeps, as a picture of 28 by "
                    "28.")


def rank_slider(model: nn.Module, split: Split, layer: str = "fc1", *, unit: int = 0,
                seen: Split | None = None) -> Live:
    """Drag how many directions of a layer's sums stay, the longest first; accuracy follows.

    The directions are the principal components of what the layer says, before its ReLU, to the
    images of `seen`; without it, to those that are read. The layer has to read the 784 pixels.
    """
    weight = _weight(model, layer)
    if weight.dim() != 2 or weight.shape[1] != 784:
        raise ValueError(f"layer is {layer!r} with weights {tuple(weight.shape)}; allowed is a "
                         "Linear that reads 784 pixels")
    sums = prunable_layers(model)[layer](
        (split if seen is None else seen).images.flatten(1)).detach()
    rank, (read, shares) = len(weight), _squeezed(model, split, layer, sums)
    return live([_count("directions", rank, least=1, value=rank)], read,
                lambda axes: _squeeze(model, axes, layer, unit, shares),
                columns=3, at=[(5,), (20,), (60,)],
                title=f"Few directions of {layer} do most of the reading",
                alt=f"Shares of the variance that the directions of {layer} hold, those kept "
                    f"marked; accuracy against how many are kept; and the weights of unit {unit} "
                    "as a picture.")


def neuron_slider(model: nn.Sequential, split: Split, layer: str = "fc1", *,
                  scores: Tensor | None = None) -> Live:
    """Drag how many neurons of a layer go; a smaller network runs.

    Those of lowest `scores` go first; without scores, those of smallest L1 norm. At each step the
    neurons are really removed, and the network that is left is measured. Latency follows when the
    hand rests.
    """
    _weight(model, layer)
    smaller, units = _smaller(model, [layer], None if scores is None else {layer: scores})
    most = units[layer] - 1

    def read(removed: float) -> tuple:
        network = smaller(units[layer] - int(removed))
        return int(removed), network, measure(network, split)

    def time_it(removed: int) -> str:
        timed = latency(smaller(units[layer] - removed), 256, seconds=0.1)
        return f"latency: {timed.median:.2f} ms for 256 images."

    return live([_count("removed", most)], read, lambda axes: _shrink(model, axes, most),
                columns=2, title="The file shrinks with each neuron, accuracy falls late",
                at=[(share * units[layer],) for share in (0.3, 0.6, 0.9)],
                alt=f"Bars for the widths of all layers, {layer} shrinking, beside accuracy "
                    "against the number of neurons removed.", time_it=time_it)


def filter_sliders(model: nn.Sequential, split: Split) -> Live:
    """Drag how many filters, or neurons, each hidden layer keeps, those of largest L1 norm.

    Nothing is retrained, and batch norms keep their statistics. At each step a smaller network is
    built, drawn to scale, read and measured. Latency follows when the hand rests.
    """
    smaller, units = _smaller(model, list(prunable_layers(model))[:-1])
    whole = sum(units.values())

    def read(*kept: int) -> tuple:
        network = smaller(*kept)
        return sum(kept) / whole, network, measure(network, split)

    def time_it(*kept: int) -> str:
        one, many = (latency(smaller(*kept), batch, seconds=0.1) for batch in (1, 256))
        return f"latency: {one.median:.2f} ms for 1 image, {many.median:.1f} ms for 256."

    return live([_count(name, count, least=1, value=count, width="24em")
                 for name, count in units.items()], read,
                lambda axes: _resize(model, axes), columns=2, inches=4.5,
                title="Fewer filters cost less, and read less while nothing is adapted",
                at=[tuple(max(1, round(share * count)) for count in units.values())
                    for share in (1.0, 0.75, 0.5)],
                alt="The network drawn to scale, beside its accuracy and costs as shares of the "
                    "whole.", time_it=time_it)


def bound_slider(model: nn.Module, trials: Sequence[Trial]) -> Live:
    """Drag the drop bound over the trials of a search; see the smallest network that stays within.

    Accuracy is validation's: whoever drags a bound while looking at the test split has begun to
    search on it. Latency follows when the hand rests.
    """
    if not trials:
        raise ValueError("trials is empty; allowed is one trial or more")

    def time_it(points: float) -> str:
        best = smallest_within(trials, points / 100)
        whole, now = (latency(network, 256, seconds=0.1).median
                      for network in (model, model if best is None else best.model))
        return f"latency: {now:.1f} ms for 256 images, the original {whole:.1f} ms."

    return live([_share("bound (points)", 5.0, 0.05, ".2f", value=0.5)],
                lambda points: (points, smallest_within(trials, points / 100)),
                lambda axes: _choose(model, trials, axes), columns=2, inches=4.5,
                at=[(0.1,), (0.5,), (2.0,)], title="A looser bound allows a smaller network",
                alt="The trials of the search, drop against weights left, with the bound as a line "
                    "and the chosen network ringed, beside its layers as squares to scale.",
                time_it=time_it)


# What they share

def _share(description: str, most: float, step: float, readout: str, *, value: float = 0.0
           ) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        value=value, min=0.0, max=most, step=step, readout_format=readout, description=description,
        layout={"width": "30em"}, style={"description_width": "initial"})


def _count(description: str, most: int, *, least: int = 0, value: int = 0, width: str = "30em"
           ) -> ipywidgets.IntSlider:
    return ipywidgets.IntSlider(value=value, min=least, max=most, description=description,
                                layout={"width": width})


def _weight(model: nn.Module, layer: str) -> Tensor:
    layers = prunable_layers(model)
    require(layer in layers, "layer", layer, f"one of {', '.join(layers)}")
    return layers[layer].weight.detach()


def _smaller(model: nn.Sequential, layers: Sequence[str],
             scores: dict[str, Tensor] | None = None
             ) -> tuple[Callable[..., nn.Sequential], dict[str, int]]:
    """Return what builds a smaller network, and how many units each of the layers has.

    It is called with how many units each of them keeps: those of highest score, or L1 norm.
    """
    units = {name: len(prunable_layers(model)[name].weight) for name in layers}

    def smaller(*kept: int) -> nn.Sequential:
        return remove_units(model, units_to_keep(model, {
            name: 1 - count / units[name] for name, count in zip(layers, kept, strict=True)},
            scores=scores))

    return smaller, units


# What moves

def _prune(model: nn.Module, split: Split, choose: Callable[[float], Masks]) -> Read:
    """Return what prunes a copy by the masks of a value: the value, masks, accuracy in per cent."""
    pruned, original = copy.deepcopy(model), copy.deepcopy(model.state_dict())

    def read(value: float) -> tuple[float, Masks, float]:
        masks = choose(value)
        pruned.load_state_dict(original)
        apply_masks(pruned, masks)
        return value, masks, 100 * evaluate(pruned, split)

    return read


def _follow(model: nn.Module, split: Split, axes: np.ndarray, layers: Sequence[str],
            slider: ipywidgets.FloatSlider, also: Sequence[Callable[[Masks], None]]) -> Show:
    """Set up a histogram and the trail of accuracies seen so far; return what moves them."""
    title = "all weights" if len(layers) > 1 else f"weights of {layers[0]}"
    values = torch.cat([_weight(model, name).flatten() for name in layers])
    edges = plots.symmetric_bins(values.numpy())
    bins = np.digitize(values.numpy(), edges[1:-1])  # of each weight
    plots.histogram(values, axes[0])
    zeros = axes[0].stairs(np.zeros(80), edges, fill=True, color=plots.ORANGE, animated=True,
                           label="zero")
    axes[0].set(ylim=(0.5, None), xlabel=title)
    axes[0].minorticks_off()  # of a logarithmic axis: a third of the drawing's time
    axes[0].legend(loc="upper right", fontsize=10, handlelength=1)
    axes[1].axhline(100 * evaluate(model, split), color="0.4", linestyle="--", label="unpruned")
    axes[1].legend(loc="lower left", fontsize=10)
    mark = trail(axes[1], slider.description, slider.max)

    def step(found: tuple[float, Masks, float]) -> str:
        value, masks, accuracy = found
        removed = ~torch.cat([masks[name].flatten() for name in layers]).numpy()
        zeros.set_data(np.bincount(bins[removed], minlength=80))
        mark(value, accuracy)
        for show in also:
            show(masks)
        share = sparsity({name: masks[name] for name in layers})
        return (f"{slider.description} {value:.2g}: {100 * share:.1f} % of {title} are zero, "
                f"accuracy {accuracy:.1f} %.")

    return step


def _bands(ax: Axes, layer: str, weight: Tensor) -> Callable[[Masks], None]:
    """Set up a line of how many weights each input keeps."""
    inputs = weight.flatten(1).shape[1]
    line, = ax.plot([], [], color=plots.BLUE, linewidth=1, animated=True)
    ax.set(xlim=(0, inputs), ylim=(0, weight.shape[0]), xlabel=f"input of {layer}",
           ylabel="weights kept")
    return lambda masks: line.set_data(np.arange(inputs), masks[layer].flatten(1).sum(0).numpy())


def _survivors(ax: Axes, layer: str) -> Callable[[Masks], None]:
    """Set up a picture of the share of weights that each input pixel keeps in the first layer."""
    plots.pixel_map(torch.zeros(784), ax, label="share of weights kept")
    image = ax.images[0]
    image.set(norm=PowerNorm(1 / 3, 0, 1), animated=True)  # few are left where it gets interesting
    image.colorbar.set_ticks([0, 0.02, 0.1, 0.3, 1], labels=["0", "2 %", "10 %", "30 %", "100 %"])
    return lambda masks: image.set_data(masks[layer].float().mean(0).reshape(28, 28).numpy())


def _squeezed(model: nn.Module, split: Split, layer: str, sums: Tensor) -> tuple[Read, np.ndarray]:
    """Return what keeps the longest k axes of a cloud of sums, and the share of variance of each.

    What it gives is k, the layer's weights then, and the accuracy in per cent.
    """
    squeezed, original = copy.deepcopy(model), prunable_layers(model)[layer]
    part, middle = prunable_layers(squeezed)[layer], sums.mean(dim=0)
    _, lengths, directions = torch.linalg.svd(sums - middle, full_matrices=False)

    @torch.no_grad()
    def read(count: float) -> tuple[int, Tensor, float]:
        k = max(1, int(count))
        kept = directions[:k].T @ directions[:k]
        part.weight.copy_(kept @ original.weight)
        part.bias.copy_(middle + kept @ (original.bias - middle))
        return k, part.weight.clone(), 100 * evaluate(squeezed, split)

    return read, (100 * lengths.square() / lengths.square().sum()).numpy()


def _squeeze(model: nn.Module, axes: np.ndarray, layer: str, unit: int, shares: np.ndarray) -> Show:
    """Set up the directions, the trail of accuracies, and one unit; return what moves them."""
    edges, least = np.arange(len(shares) + 1), shares[len(shares) // 2] / 10
    axes[0].stairs(shares, edges, fill=True, color="0.8", baseline=least)
    kept = axes[0].stairs(shares, edges, fill=True, color=plots.BLUE, baseline=least, animated=True)
    axes[0].set(xlabel="direction, the longest first", ylabel="% of the variance", yscale="log",
                ylim=(least, 100))
    axes[0].minorticks_off()
    mark = trail(axes[1], "directions kept", len(shares))
    plots.pixel_map(_weight(model, layer)[unit], axes[2], label=f"weights of unit {unit}")
    image = axes[2].images[0]
    image.set_animated(True)

    def step(found: tuple[int, Tensor, float]) -> str:
        k, matrix, accuracy = found
        kept.set_data(np.where(edges[:-1] < k, shares, least))
        mark(k, accuracy)
        image.set_data(matrix[unit].reshape(28, 28).numpy())
        return (f"{k} of {len(shares)} directions, {shares[:k].sum():.1f} % of the variance: "
                f"accuracy {accuracy:.1f} %.")

    return step


def _shrink(model: nn.Sequential, axes: np.ndarray, most: int) -> Show:
    """Set up bars for the layers' widths and the trail of accuracies; return what moves them."""
    widths = {name: part.weight.shape[0] for name, part in prunable_layers(model).items()}
    axes[0].barh(list(widths), list(widths.values()), color="0.9")
    bars = axes[0].barh(list(widths), list(widths.values()), color=plots.BLUE, animated=True)
    axes[0].invert_yaxis()
    axes[0].set(xlabel="units left")
    mark = trail(axes[1], "neurons removed", most)

    def step(found: tuple) -> str:
        removed, network, report = found
        for bar, part in zip(bars, prunable_layers(network).values(), strict=True):
            bar.set_width(part.weight.shape[0])
        mark(removed, 100 * report.accuracy)
        return (f"{removed} removed: accuracy {100 * report.accuracy:.1f} %, "
                f"{report.dense_bytes / 1000:.0f} kB.")

    return step


def _resize(model: nn.Sequential, axes: np.ndarray) -> Show:
    """Set up the network drawn to scale and bars for what it costs; return what resizes them."""
    boxes = {box.get_label(): box for box in plots.architecture(model, axes[0]).patches}
    for name in prunable_layers(model):
        boxes[name].set_animated(True)
    whole = measure(model)
    names = ("digits read", "multiplications", "weights", "bytes")
    axes[1].barh(names, [100] * 4, color="0.9")
    bars = axes[1].barh(names, [100] * 4, color=[plots.GREEN, *[plots.BLUE] * 3], animated=True)
    axes[1].invert_yaxis()
    axes[1].set(xlim=(0, 103), xlabel="% of all")

    def step(found: tuple) -> str:
        kept, network, report = found
        for name, layer in prunable_layers(network).items():
            boxes[name].set_width(layer.weight.shape[0])
        shares = (report.accuracy, report.macs / whole.macs, report.weights / whole.weights,
                  report.dense_bytes / whole.dense_bytes)
        for bar, share in zip(bars, shares, strict=True):
            bar.set_width(100 * share)
        return (f"{100 * kept:.0f} % of the units kept: accuracy {100 * report.accuracy:.1f} %, "
                f"{report.macs / 1e6:.2f} million multiplications, {report.weights:,} weights, "
                f"{report.dense_bytes / 1000:.0f} kB.")

    return step


def _choose(model: nn.Module, trials: Sequence[Trial], axes: np.ndarray) -> Show:
    """Set up the trials beside the layers to scale; return what moves the bound."""
    from course_lib.sizes import FORMATS

    plots.trials(trials, ax=axes[0])
    bound = axes[0].axhline(0, color=plots.RED, linestyle="--", animated=True)
    ring, = axes[0].plot([], [], "o", color="none", markeredgecolor=plots.RED, markersize=16,
                         markeredgewidth=2, animated=True)
    boxes = {box.get_label(): box for box in plots.squares(model, axes[1]).patches}
    for name in prunable_layers(model):
        boxes[name].set_animated(True)
    kilobytes = cache(lambda network: len(FORMATS["zstd"].write(network)) / 1000)

    def step(found: tuple[float, Trial | None]) -> str:
        points, best = found
        bound.set_ydata([points, points])
        ring.set_data(*([], []) if best is None else ([best.nonzero], [best.drop.points.mean]))
        for name, layer in prunable_layers(model if best is None else best.model).items():
            side = int(layer.weight.count_nonzero()) ** 0.5
            boxes[name].set_bounds(*boxes[name].get_xy(), side, side)
        if best is None:
            return f"bound {points:.2f} points: no trial fits, the original stays."
        return (f"bound {points:.2f} points: {best.nonzero:,} weights left, a file of "
                f"{kilobytes(best.model):.0f} kB instead of {kilobytes(model):.0f}, drop on "
                f"validation {best.drop.points:.2f} points.")

    return step
