"""Removal: really take units away, neurons or filters, and get a smaller dense network.

With a unit goes all that reads it: the next Linear's column, or Conv2d's channel, and the entry of
the batch norm between. `zero_units` and `remove_units` give the same outputs.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from course_lib._allowed import check_indices, check_keys, require
from course_lib._state import evaluating
from course_lib.chains import ARGUMENTS, NORMS, WEIGHTED, check_chain
from course_lib.data import Split
from course_lib.masks import Keep


@dataclass(frozen=True)
class Flow:
    """Hold, for each unit between two layers, whether it stays and what it emits if it does not."""

    stay: Tensor  # bool, (units,)
    constant: Tensor  # (units,), all 0 unless constants are folded

    def into(self, inputs: int) -> "Flow":
        """Follow a Flatten: each of n units becomes a block of inputs / n neighbouring inputs."""
        block = inputs // len(self.stay)
        return self if block == 1 else Flow(self.stay.repeat_interleave(block),
                                            self.constant.repeat_interleave(block))


IMAGES = Flow(torch.tensor([True]), torch.tensor([0.0]))  # what the first layer reads


def zero_units(model: nn.Module, keep: Keep) -> nn.Module:
    """Return a copy in which all parameters of the units that `keep` leaves out are zero.

    Also scale and shift of the batch norm behind them, so that what they pass on is 0.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> zero_units(model, {"0": torch.tensor([0, 2])})[0].bias != 0
    tensor([ True, False,  True])
    """
    _check(model, keep)
    zeroed, flow = copy.deepcopy(model), IMAGES
    for name, part in zeroed.named_children():
        flow = _through(name, part, flow, keep)
        for values in part.parameters():
            values.data[~flow.stay] = 0
    return zeroed


def remove_units(model: nn.Module, keep: Keep, *, constants: str = "zero",
                 split: Split | None = None) -> nn.Sequential:
    """Return a smaller model without the units that `keep` leaves out; `model` stays as it is.

    `keep` is {layer: sorted int64 indices of the outputs that stay}; layers it does not name stay
    whole, and the output layer must. With constants "zero" the outputs are those of
    `zero_units(model, keep)`. "fold": those, in eval mode, of the model in which only the weights
    of these units are zero; what such a unit still emits, its bias after batch norm and ReLU, goes
    into the next layer's bias. "mean": into that bias goes what each unit passes on, on average
    over the images of `split`; exact for one that always passes on the same, wherever "fold" is.
    Raises ValueError where zero padding makes "fold" inexact, and for anything but an nn.Sequential
    of the layers in `chains.ARGUMENTS`.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> remove_units(model, {"0": torch.tensor([0, 2])})[2]
    Linear(in_features=2, out_features=1, bias=True)
    """
    require(constants in ("zero", "fold", "mean"), "constants", constants,
            "'zero', 'fold' or 'mean'")
    images = None if split is None else f"{len(split)} images"
    require(bool(split and len(split)) if constants == "mean" else split is None, "split", images,
            "one image or more with constants 'mean', and None otherwise")
    _check(model, keep)
    smaller, lost, flow = OrderedDict(), {}, IMAGES
    for name, part in model.named_children():
        outgoing = _through(name, part, flow, keep, fold=constants == "fold")
        smaller[name] = _smaller(name, part, flow, outgoing.stay)
        if isinstance(part, WEIGHTED) and not flow.stay.all():
            lost[name] = ~flow.into(part.weight.shape[1]).stay, outgoing.stay
        flow = outgoing
    result = nn.Sequential(smaller)
    result.training = model.training  # of the chain itself; each layer has that of its model
    if split is not None:
        _add_means(model, result, lost, split)
    return result


def _through(name: str, part: nn.Module, flow: Flow, keep: Keep, *, fold: bool = False) -> Flow:
    """Return what leaves a layer, given what enters it."""
    if isinstance(part, WEIGHTED):
        zeros = part.weight.new_zeros(part.weight.shape[0])
        stay = torch.zeros(len(zeros), dtype=torch.bool)
        stay[keep.get(name, slice(None))] = True
        return Flow(stay, part.bias.detach() if fold and part.bias is not None else zeros)
    if isinstance(part, NORMS):
        flow = flow.into(part.num_features)
    return replace(flow, constant=_emitted(name, part, flow)) if fold else flow


def _emitted(name: str, part: nn.Module, flow: Flow) -> Tensor:
    """Return what becomes of the constants in a layer without weights."""
    if isinstance(part, NORMS):
        scale = part.weight.detach() / torch.sqrt(part.running_var + part.eps)
        return (flow.constant - part.running_mean) * scale + part.bias.detach()
    padded = isinstance(part, nn.AvgPool2d) and part.padding not in (0, (0, 0))
    require(not (padded and flow.constant[~flow.stay].any()), "constants", "fold", "only 'zero' "
            f"before {name!r}: its zero padding is averaged in at the border")
    return flow.constant.clamp(min=0) if isinstance(part, nn.ReLU) else flow.constant


def _smaller(name: str, part: nn.Module, flow: Flow, stay: Tensor) -> nn.Module:
    """Return a layer with the units that stay, reading those that flow in."""
    outputs = stay.nonzero().flatten()  # index_select is quicker than state[stay]
    state = {key: value.index_select(0, outputs) if value.dim() else value.clone()
             for key, value in part.state_dict().items()}
    if isinstance(part, NORMS):
        return _like(part, state, num_features=len(state["bias"]))
    if not isinstance(part, WEIGHTED):
        return _like(part, state)
    flow, bias = flow.into(part.weight.shape[1]), state.get("bias")
    if flow.constant.any() and (constant := flow.constant[~flow.stay]).any():
        require(isinstance(part, nn.Linear) or part.padding == (0, 0), "constants", "fold", "only "
                f"'zero' before {name!r}: its zero padding stands where the constant would")
        readers = state["weight"][:, ~flow.stay].reshape(len(state["weight"]), len(constant), -1)
        bias = readers.sum(2) @ constant + (0 if bias is None else bias)
    inputs = flow.stay.nonzero().flatten()
    weight = state["weight"] if flow.stay.all() else state["weight"].index_select(1, inputs)
    sizes = dict(zip(ARGUMENTS[type(part)], (len(inputs), len(outputs)), strict=False))
    return _like(part, {"weight": weight, "bias": bias}, **sizes)


def _like(part: nn.Module, state: dict[str, Tensor | None], **sizes: int) -> nn.Module:
    """Return a layer with the options of `part`, other sizes and this state."""
    layer = copy.copy(part)  # calling its class draws first weights, and takes longer than all else
    nn.Module.__init__(layer)  # the copy keeps its options; not its weights, buffers and hooks
    for key, value in state.items():
        if key in ("weight", "bias"):
            layer.register_parameter(key, None if value is None else nn.Parameter(value))
        else:
            layer.register_buffer(key, value)
    vars(layer).update(sizes, training=part.training)
    return layer


def _add_means(model: nn.Sequential, smaller: nn.Sequential, lost: dict[str, Tensor],
               split: Split) -> None:
    """Add to the biases of `smaller` what the lost inputs of its layers brought them on average.

    `lost` is {layer: (inputs that went, outputs that stay)}. Each input counts by its mean over the
    images, place by place, and what a convolution makes of it by its mean over the map.
    """
    layers, reduced = dict(model.named_children()), dict(smaller.named_children())
    with torch.no_grad():
        for name, signal in _mean_inputs(model, split, lost).items():
            inputs, outputs = lost[name]
            alone = torch.zeros_like(signal)
            alone[:, inputs] = signal[:, inputs]
            brought = layers[name](alone) - layers[name](torch.zeros_like(signal))
            bias = brought.flatten(2).mean(2) if brought.dim() > 2 else brought
            own = 0 if reduced[name].bias is None else reduced[name].bias
            reduced[name].bias = nn.Parameter(bias[0, outputs] + own)


def _mean_inputs(model: nn.Sequential, split: Split, layers: dict) -> dict[str, Tensor]:
    """Return what comes into these layers, averaged over the images: one "image" for each."""
    sums: dict[str, Tensor] = {}
    with evaluating(model), torch.no_grad():
        for signal in split.images.split(1_000):
            for name, part in model.named_children():
                if name in layers:
                    sums[name] = sums.get(name, 0) + signal.sum(0, keepdim=True)
                signal = part(signal)
    return {name: total / len(split) for name, total in sums.items()}


def _check(model: nn.Module, keep: Keep) -> None:
    check_chain(model)
    layers = {name: part for name, part in model.named_children() if isinstance(part, WEIGHTED)}
    check_keys("keep", keep, layers)
    for name, stay in keep.items():
        units = layers[name].weight.shape[0]
        check_indices(f"keep[{name!r}]", stay, units)
        require(len(stay) == units or name != list(layers)[-1], f"len(keep[{name!r}])", len(stay),
                f"{units}: the outputs of the last layer are the network's answers")
