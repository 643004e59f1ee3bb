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

from course_lib.data import Split
from course_lib.masks import Keep, Masks, apply_masks, magnitude_masks, sparsity, threshold_masks
from course_lib.measure import latency, measure
from course_lib.models import prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.search import Trial
from course_lib.training import evaluate

from course_tools import plots
from course_tools.sliders.live import Live, Step, at_rest, staged, trail, twin, with_slider


def threshold_slider(model: nn.Module, layer: str, split: Split, *, bands: bool = False) -> Live:
    """Drag a threshold over the weights of one layer; the smaller ones go, accuracy follows.

    With `bands` a third panel counts the weights that each input keeps, in the inputs' order.
    """
    weight = _weight(model, layer)
    top = float(weight.abs().max())
    slider = ipywidgets.FloatSlider(
        value=0.0, min=0.0, max=top, step=top / 100, readout_format=".3f",
        description="threshold", layout={"width": "30em"})

    def draw(axes: np.ndarray) -> Step:
        count = {"also": _bands(axes[2], layer, weight)} if bands else {}
        return _follow(model, split, axes, {layer: weight}, f"weights of {layer}",
                       lambda threshold: threshold_masks(model, {layer: threshold}),
                       xlabel="threshold", limits=(0, top), **count)

    third = " A third panel counts the weights that each input keeps." if bands else ""
    return with_slider(slider, draw, 2 + bands, (0.1 * top, 0.3 * top, 0.6 * top),
                 f"Histogram of the weights of {layer}, those below the threshold marked, beside "
                 f"accuracy against threshold.{third}")


def sparsity_slider(model: nn.Module, split: Split, *, scope: str = "global") -> Live:
    """Drag the sparsity of a whole network; see its weights, its first layer, its accuracy."""
    slider = ipywidgets.FloatSlider(
        value=0.0, min=0.0, max=1.0, step=0.01, readout_format=".0%",
        description="sparsity", layout={"width": "30em"})
    weights = {name: layer.weight for name, layer in prunable_layers(model).items()}
    inputs = next(iter(weights.values())).shape[1:].numel()
    if inputs != 784:
        raise ValueError(f"model reads {inputs} inputs in its first layer; allowed is 784, one a "
                         "pixel")

    def draw(axes: np.ndarray) -> Step:
        show_survivors = _survivors(axes[2], next(iter(weights)))
        return _follow(model, split, axes, weights, "all weights",
                       lambda share: magnitude_masks(model, share, scope=scope),
                       xlabel="sparsity", limits=(0, 1), also=show_survivors)

    return with_slider(slider, draw, 3, (0.5, 0.9, 0.98),
                 "Histogram of all weights, those that go marked; accuracy against sparsity; and "
                 "the share of weights that each input pixel keeps, as a picture of 28 by 28.")


def rank_slider(model: nn.Module, split: Split, layer: str = "fc1", *, unit: int = 0) -> Live:
    """Drag how many singular directions of a layer's matrix stay, the strongest first.

    Beside accuracy it shows what is left of the weights of one unit, which has to read 784 pixels.
    """
    weight = _weight(model, layer)
    if weight.dim() != 2 or weight.shape[1] != 784:
        raise ValueError(f"layer is {layer!r} with weights {tuple(weight.shape)}; allowed is a "
                         "Linear that reads 784 pixels")
    u, strengths, v = torch.linalg.svd(weight, full_matrices=False)
    slider = ipywidgets.IntSlider(value=len(strengths), min=1, max=len(strengths),
                                  description="directions", layout={"width": "30em"})

    def draw(axes: np.ndarray) -> Step:
        edges = np.arange(len(strengths) + 1)
        axes[0].stairs(strengths.numpy(), edges, fill=True, color="0.85")
        stay = axes[0].stairs(strengths.numpy(), edges, fill=True, color=plots.BLUE, animated=True)
        axes[0].set(xlabel="singular direction", ylabel="strength")
        seen, mark = trail(axes[1], "directions kept", (0, len(strengths)))
        plots.pixel_map(weight[unit], axes[2], label=f"weights of unit {unit}")
        image, squeezed = axes[2].images[0], copy.deepcopy(model)
        image.set_animated(True)

        def step(kept: float) -> str:
            k = max(1, int(kept))
            matrix = (u[:, :k] * strengths[:k]) @ v[:k]
            prunable_layers(squeezed)[layer].weight.data = matrix
            seen[k] = 100 * evaluate(squeezed, split)
            stay.set_data(np.where(edges[:-1] < k, strengths.numpy(), 0))
            mark(k)
            image.set_data(matrix[unit].reshape(28, 28).numpy())
            return f"{k} of {len(strengths)} directions: accuracy {seen[k]:.1f} %."

        return step

    return with_slider(slider, draw, 3, (5, 20, 60),
                 f"Strengths of the singular directions of {layer}, those kept marked; accuracy "
                 f"against how many are kept; and the weights of unit {unit} as a picture.")


def neuron_slider(model: nn.Sequential, split: Split, layer: str = "fc1") -> Live:
    """Drag how many neurons of a layer go, the smallest L1 norm first; a smaller network runs.

    At each step the neurons are really removed, and the network that is left is measured.
    """
    worst_first = unit_scores(_weight(model, layer), "neuron").argsort(stable=True)
    units = len(worst_first)
    slider = ipywidgets.IntSlider(value=0, min=0, max=units - 1, description="removed",
                                  layout={"width": "30em"})

    def draw(axes: np.ndarray) -> Step:
        return _shrink(model, split, axes, units - 1,
                       lambda gone: {layer: worst_first[int(gone):].sort().values})

    return with_slider(slider, draw, 2, (0.3 * units, 0.6 * units, 0.9 * units),
                 f"Bars for the widths of all layers, {layer} shrinking, beside accuracy against "
                 "the number of neurons removed.")


def filter_sliders(model: nn.Sequential, split: Split) -> Live:
    """Drag how many filters, or neurons, each hidden layer keeps, those of largest L1 norm.

    At each step a smaller network is built, drawn to scale, read and measured. Latency follows
    when the hand rests: timing needs a fraction of a second in which nothing else runs.
    """
    best_first = {name: unit_scores(part.weight, "filter" if part.weight.dim() == 4 else "neuron")
                  .argsort(stable=True, descending=True)
                  for name, part in list(prunable_layers(model).items())[:-1]}
    sliders = {name: ipywidgets.IntSlider(
        value=len(order), min=1, max=len(order), description=name, layout={"width": "24em"})
        for name, order in best_first.items()}

    def smaller(kept: dict[str, int]) -> nn.Sequential:
        return remove_units(model, {name: best_first[name][:units].sort().values
                                    for name, units in kept.items()})

    def draw(axes: np.ndarray) -> Callable[[dict[str, int]], str]:
        return _resize(model, split, axes, smaller)

    alt = "The network drawn to scale, beside its accuracy and costs as shares of the whole."
    step, render = staged(draw, 2, 4.5)
    line, timing, picture = (ipywidgets.HTML() for _ in range(3))

    def chosen() -> dict[str, int]:
        return {name: slider.value for name, slider in sliders.items()}

    def move(change: dict | None = None) -> None:
        line.value = step(chosen())
        picture.value = plots.Picture(render(), f"{alt} {line.value}", 900).html
        timing.value = "latency: measured when the sliders rest"

    def time_it() -> None:
        one, many = (latency(smaller(chosen()), batch, seconds=0.1) for batch in (1, 256))
        timing.value = f"latency: {one.median:.2f} ms for 1 image, {many.median:.1f} ms for 256."

    rest = at_rest(time_it)
    for slider in sliders.values():
        slider.observe(move, "value")
        slider.observe(rest, "value")
    move()
    time_it()
    settings = [{name: max(1, round(share * len(order))) for name, order in best_first.items()}
                for share in (1.0, 0.75, 0.5)]
    return Live(sliders, line, picture,
                twin(draw, 2, [[setting] for setting in settings], alt, 4.5), timing)


def bound_slider(model: nn.Module, trials: Sequence[Trial]) -> Live:
    """Drag the drop bound over the trials of a search; see the smallest network that stays within.

    Accuracy is validation's: whoever drags a bound while looking at the test split has begun to
    search on it. Latency follows when the hand rests.
    """
    if not trials:
        raise ValueError("trials is empty; allowed is one trial or more")
    slider = ipywidgets.FloatSlider(value=0.5, min=0.0, max=5.0, step=0.05, readout_format=".2f",
                                    description="bound (points)", layout={"width": "30em"},
                                    style={"description_width": "initial"})

    def draw(axes: np.ndarray) -> Step:
        return _choose(model, trials, axes)

    alt = ("The trials of the search, drop against weights left, with the bound as a line and the "
           "chosen network ringed, beside its layers as squares to scale.")
    step, render = staged(draw, 2, 4.5)
    line, timing, picture = (ipywidgets.HTML() for _ in range(3))

    def move(change: dict | None = None) -> None:
        line.value = step(slider.value)
        picture.value = plots.Picture(render(), f"{alt} {line.value}", 900).html
        timing.value = "latency: measured when the slider rests"

    def time_it() -> None:
        best = _smallest(trials, slider.value)
        whole, now = (latency(each, 256, seconds=0.1).median
                      for each in (model, model if best is None else best.model))
        timing.value = f"latency: {now:.1f} ms for 256 images, the original {whole:.1f} ms."

    slider.observe(move, "value")
    slider.observe(at_rest(time_it), "value")
    move()
    time_it()
    return Live({slider.description: slider}, line, picture,
                twin(draw, 2, [[0.1], [0.5], [2.0]], alt, 4.5), timing)


def _smallest(trials: Sequence[Trial], points: float) -> Trial | None:
    fitting = [trial for trial in trials if 100 * trial.drop.value <= points]
    return min(fitting, key=lambda trial: trial.weights, default=None)


def _choose(model: nn.Module, trials: Sequence[Trial], axes: np.ndarray) -> Step:
    """Set up the trials beside the layers to scale; return what moves the bound."""
    from course_lib.sizes import FORMATS

    plots.trials(trials, ax=axes[0])
    bound = axes[0].axhline(0, color=plots.RED, linestyle="--", animated=True)
    ring, = axes[0].plot([], [], "o", color="none", markeredgecolor=plots.RED, markersize=16,
                         markeredgewidth=2, animated=True)
    boxes = {box.get_label(): box for box in plots.squares(model, axes[1]).patches}
    for name in prunable_layers(model):
        boxes[name].set_animated(True)
    length = cache(lambda network: len(FORMATS["zstd"].write(network)) / 1000)

    def step(points: float) -> str:
        best = _smallest(trials, points)
        bound.set_ydata([points, points])
        ring.set_data(*([], []) if best is None else ([best.weights], [100 * best.drop.value]))
        for name, layer in prunable_layers(model if best is None else best.model).items():
            side = int(layer.weight.count_nonzero()) ** 0.5
            boxes[name].set_bounds(*boxes[name].get_xy(), side, side)
        if best is None:
            return f"bound {points:.2f} points: no trial fits, the original stays."
        found = best.drop
        return (f"bound {points:.2f} points: {best.weights:,} weights left, a file of "
                f"{length(best.model):.0f} kB instead of {length(model):.0f}, drop on validation "
                f"{100 * found.value:.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}] points.")

    return step


def _weight(model: nn.Module, layer: str) -> Tensor:
    layers = prunable_layers(model)
    if layer not in layers:
        raise ValueError(f"layer is {layer!r}; allowed is one of {', '.join(layers)}")
    return layers[layer].weight.detach()


def _shrink(model: nn.Sequential, split: Split, axes: np.ndarray, most: int,
            choose: Callable[[float], Keep]) -> Step:
    """Set up bars for the layers' widths and the trail of accuracies; return what moves them."""
    widths = {name: part.weight.shape[0] for name, part in prunable_layers(model).items()}
    axes[0].barh(list(widths), list(widths.values()), color="0.9")
    left = axes[0].barh(list(widths), list(widths.values()), color=plots.BLUE)
    for bar in left:
        bar.set_animated(True)
    axes[0].invert_yaxis()
    axes[0].set(xlabel="units left")
    seen, mark = trail(axes[1], "neurons removed", (0, most))

    def step(gone: float) -> str:
        smaller = remove_units(model, choose(gone))
        for bar, part in zip(left, prunable_layers(smaller).values(), strict=True):
            bar.set_width(part.weight.shape[0])
        report, timed = measure(smaller, split), latency(smaller, 256, seconds=0.01)
        seen[gone] = 100 * report.accuracy
        mark(gone)
        return (f"{int(gone)} removed: accuracy {seen[gone]:.1f} %, "
                f"{report.dense_bytes / 1000:.0f} kB, {timed.median:.2f} ms for 256 images.")

    return step


def _resize(model: nn.Sequential, split: Split, axes: np.ndarray,
            smaller: Callable[[dict[str, int]], nn.Sequential]) -> Callable[[dict[str, int]], str]:
    """Set up the network drawn to scale and bars for what it costs; return what resizes them."""
    boxes = {box.get_label(): box for box in plots.architecture(model, axes[0]).patches}
    whole = measure(model)
    names = ("accuracy", "multiplications", "weights", "bytes")
    axes[1].barh(names, [100] * 4, color="0.9")
    bars = axes[1].barh(names, [100] * 4, color=[plots.GREEN, *[plots.BLUE] * 3])
    axes[1].invert_yaxis()
    axes[1].set(xlim=(0, 103), xlabel="% of images, % of the whole")
    for artist in [*map(boxes.get, prunable_layers(model)), *bars]:
        artist.set_animated(True)

    def step(kept: dict[str, int]) -> str:
        network = smaller(kept)
        report = measure(network, split)
        for name, layer in prunable_layers(network).items():
            boxes[name].set_width(layer.weight.shape[0])
        shares = (report.accuracy, report.macs / whole.macs, report.weights / whole.weights,
                  report.dense_bytes / whole.dense_bytes)
        for bar, share in zip(bars, shares, strict=True):
            bar.set_width(100 * share)
        return (f"accuracy {100 * report.accuracy:.1f} %, {report.macs / 1e6:.2f} million "
                f"multiplications, {report.weights:,} weights, "
                f"{report.dense_bytes / 1000:.0f} kB.")

    return step


def _follow(model: nn.Module, split: Split, axes: np.ndarray, weights: dict[str, Tensor],
            title: str, choose: Callable[[float], Masks], *, xlabel: str,
            limits: tuple[float, float],
            also: Callable[[Masks], None] = lambda masks: None) -> Step:
    """Set up a histogram and the trail of accuracies seen so far; return what moves them."""
    pruned, original = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    values = torch.cat([weight.detach().flatten() for weight in weights.values()]).numpy()
    edges = plots.symmetric_bins(values)
    places = np.digitize(values, edges[1:-1])  # the bin of each weight
    plots.histogram(torch.from_numpy(values), axes[0])
    gone_bars = axes[0].stairs(np.zeros(80), edges, fill=True, color=plots.ORANGE, animated=True,
                               label="zero")
    axes[0].set(ylim=(0.5, None), xlabel=title)
    axes[1].axhline(100 * evaluate(model, split), color="0.4", linestyle="--", label="unpruned")
    axes[1].legend(loc="lower left", fontsize=9)
    axes[0].legend(loc="upper right", fontsize=9, handlelength=1)
    seen, mark = trail(axes[1], xlabel, limits)

    def step(value: float) -> str:
        masks = choose(value)
        pruned.load_state_dict(original)
        apply_masks(pruned, masks)
        seen[value] = 100 * evaluate(pruned, split)
        gone = ~torch.cat([masks[name].flatten() for name in weights]).numpy()
        gone_bars.set_data(np.bincount(places[gone], minlength=80))
        mark(value)
        also(masks)
        share = sparsity({name: masks[name] for name in weights})
        return (f"{xlabel} {value:.2g}: {100 * share:.1f} % of {title} are zero, "
                f"accuracy {seen[value]:.1f} %.")

    return step


def _bands(ax: Axes, layer: str, weight: Tensor) -> Callable[[Masks], None]:
    """Set up a line of how many weights each input keeps."""
    inputs = weight.flatten(1).shape[1]
    line, = ax.plot([], [], color=plots.BLUE, linewidth=1, animated=True)
    ax.set(xlim=(0, inputs), ylim=(0, weight.shape[0]), xlabel=f"input of {layer}",
           ylabel="weights kept")

    def show(masks: Masks) -> None:
        line.set_data(np.arange(inputs), masks[layer].flatten(1).sum(0).numpy())

    return show


def _survivors(ax: Axes, first: str) -> Callable[[Masks], None]:
    """Set up a picture of the share of weights that each input pixel keeps in the first layer."""
    plots.pixel_map(torch.zeros(784), ax, label="share of weights kept")
    image = ax.images[0]
    image.set(norm=PowerNorm(0.5, 0, 1), animated=True)  # few are left where it gets interesting

    def show(masks: Masks) -> None:
        image.set_data(masks[first].float().mean(0).reshape(28, 28).numpy())

    return show
