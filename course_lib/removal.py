"""Removal: really take units away, and get a smaller dense network.

A unit is an output of a layer: a neuron of a Linear, a filter of a Conv2d. When it goes, so does
all that reads it: a column of the next Linear, a channel of the next Conv2d, and the entry of the
batch norm between. `zero_units` and `remove_units` are two ways to the same outputs.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib._means import add_means
from course_lib.chains import ARGUMENTS, NORMS, WEIGHTED, check_chain
from course_lib.data import Split
from course_lib.masks import Keep


@dataclass(frozen=True)
class Flow:
    """Hold what runs between two layers: which units `stay`, and what each one that went emits."""

    stay: Tensor  # sorted indices
    constant: Tensor  # one value for every unit, those that stay included

    @property
    def lost(self) -> Tensor:
        """Return the indices of the units that went, sorted."""
        gone = torch.ones(len(self.constant), dtype=torch.bool)
        gone[self.stay] = False
        return gone.nonzero().flatten()

    def spread(self, width: int) -> "Flow":
        """Follow a Flatten: each of n units becomes a block of width / n neighbouring inputs."""
        block = width // len(self.constant)
        stay = (self.stay[:, None] * block + torch.arange(block)).flatten()
        return Flow(stay, self.constant.repeat_interleave(block))


def zero_units(model: nn.Module, keep: Keep) -> nn.Module:
    """Return a copy in which the units that `keep` leaves out are wholly zero.

    Their weights, their biases, and scale and shift of the batch norm behind them, so that what
    they pass on is 0. Takes the chains that `remove_units` takes.
    """
    _check(model, keep)
    zeroed, flow = copy.deepcopy(model), None
    for name, part in zeroed.named_children():
        if isinstance(part, WEIGHTED):
            flow = _outgoing(name, part, keep)
        if isinstance(part, NORMS) and flow is not None:
            flow = flow.spread(part.num_features)
        if isinstance(part, WEIGHTED + NORMS) and flow is not None:
            for values in part.parameters():
                values.data[flow.lost] = 0
    return zeroed


def remove_units(model: nn.Module, keep: Keep, *, constants: str = "zero",
                 split: Split | None = None) -> nn.Sequential:
    """Return a smaller model without the units that `keep` leaves out; `model` stays as it is.

    `keep` is {layer: sorted int64 indices of the outputs that stay}; layers it does not name stay
    whole, and the output layer must. With constants "zero" the result gives the same outputs as
    `zero_units(model, keep)`. With "fold" it gives the same outputs, in eval mode, as the model in
    which only the weights of those units are zero: what such a unit still emits, its bias after
    batch norm and ReLU, goes into the next layer's bias. Where zero padding makes that inexact,
    "fold" raises ValueError. With "mean" what each unit that goes passes on, on average over the
    images of `split`, goes into the next layer's bias: exact for a unit that always passes on the
    same, wherever "fold" is. `split` belongs to "mean" alone; without it, or with it elsewhere,
    ValueError.

    Takes an nn.Sequential of Linear, Conv2d (groups 1), BatchNorm1d/2d, ReLU, MaxPool2d,
    AvgPool2d, AdaptiveAvgPool2d, Dropout and Flatten. Anything else raises ValueError.
    """
    require(constants in ("zero", "fold", "mean"), "constants", constants,
            "'zero', 'fold' or 'mean'")
    images = None if split is None else len(split)
    require(bool(images) if constants == "mean" else images is None, "split",
            images and f"{images} images",
            "a split of one image or more with constants 'mean', and None otherwise")
    _check(model, keep)
    smaller: OrderedDict[str, nn.Module] = OrderedDict()
    flow: Flow | None = None
    for name, part in model.named_children():
        if isinstance(part, WEIGHTED):
            going = _outgoing(name, part, keep)
            smaller[name] = _fewer_weights(name, part, flow, going.stay)
            flow = going
            if constants == "fold" and part.bias is not None:
                flow = replace(flow, constant=part.bias.detach())
        else:
            smaller[name] = _fewer_entries(part, flow)
            flow = _through(name, part, flow, constants)
    made = nn.Sequential(smaller)
    made.training = model.training  # of the chain itself; each layer has that of its model
    if split is not None:
        add_means(model, made, _lost_inputs(model, keep), split)
    return made


def _lost_inputs(model: nn.Sequential, keep: Keep) -> dict[str, tuple[Tensor, Tensor]]:
    """Return for each layer that loses inputs which ones, and the outputs that it keeps."""
    flows = {name: (part, _outgoing(name, part, keep)) for name, part in model.named_children()
             if isinstance(part, WEIGHTED)}
    pairs = pairwise(flows.items())
    lost = {name: (coming.spread(part.weight.shape[1]).lost, going.stay)
            for (_, (_, coming)), (name, (part, going)) in pairs}
    return {name: both for name, both in lost.items() if len(both[0])}


def _outgoing(name: str, part: nn.Module, keep: Keep) -> Flow:
    """Return what leaves a layer: the units to keep, and zeros for those that go."""
    units = part.weight.shape[0]
    return Flow(keep.get(name, torch.arange(units)), part.weight.new_zeros(units))


def _fewer_weights(name: str, part: nn.Module, coming: Flow | None, rows: Tensor) -> nn.Module:
    """Return a Linear or Conv2d with these rows, and the columns or channels that still come."""
    weight, bias = part.weight.detach()[rows], part.bias
    bias = None if bias is None else bias.detach()[rows]
    if coming is not None:
        coming = coming.spread(weight.shape[1])
        constant = coming.constant[coming.lost]
        if constant.any():
            if isinstance(part, nn.Conv2d) and part.padding != (0, 0):
                raise ValueError(f"constants is 'fold'; allowed is only 'zero' before {name!r}: at "
                                 "the border its zero padding stands where the constant would")
            reading = weight[:, coming.lost].flatten(2).sum(2) if weight.dim() == 4 else (
                weight[:, coming.lost])
            bias = reading @ constant + (0 if bias is None else bias)
        weight = weight[:, coming.stay]
    sizes = dict(zip(ARGUMENTS[type(part)], (weight.shape[1], weight.shape[0]), strict=False))
    return _filled(part, {"weight": weight, "bias": bias}, **sizes)


def _fewer_entries(part: nn.Module, flow: Flow | None) -> nn.Module:
    """Return a layer without weights of its own, or a batch norm with the entries that stay."""
    if not isinstance(part, NORMS):
        return _like(part)
    if flow is None:
        return copy.deepcopy(part)
    stay = flow.spread(part.num_features).stay
    state = {key: value[stay] if value.dim() else value.clone()
             for key, value in part.state_dict().items()}
    return _filled(part, state, num_features=len(stay))


def _filled(part: nn.Module, state: dict[str, Tensor], **changes: object) -> nn.Module:
    """Build a layer like `part`, with other sizes and this state."""
    made = _like(part, **changes)
    for key, value in state.items():
        if key in ("weight", "bias"):
            made.register_parameter(key, None if value is None else nn.Parameter(value))
        else:
            made.register_buffer(key, value)
    return made


def _like(part: nn.Module, **changes: object) -> nn.Module:
    """Return a layer with the options of `part`, some of them changed, and nothing else of it.

    Its tables of weights, buffers and hooks are new and empty. Calling the layer's class would draw
    first weights only to throw them away, and take most of the time that a removal needs.
    """
    made = type(part).__new__(type(part))
    nn.Module.__init__(made)
    options = {key: value for key, value in vars(part).items()
               if key not in vars(made) and not isinstance(value, Tensor)}
    vars(made).update(options | changes, training=part.training)
    return made


def _through(name: str, part: nn.Module, flow: Flow | None, constants: str) -> Flow | None:
    """Follow what the lost units emit through a layer that has no weights."""
    if flow is None or constants != "fold":
        return flow
    if isinstance(part, NORMS):
        flow = flow.spread(part.num_features)
        scale = part.weight.detach() / torch.sqrt(part.running_var + part.eps)
        return replace(flow, constant=(flow.constant - part.running_mean) * scale
                       + part.bias.detach())
    if isinstance(part, nn.ReLU):
        return replace(flow, constant=flow.constant.clamp(min=0))
    if isinstance(part, nn.AvgPool2d) and part.padding not in (0, (0, 0)) and (
            flow.constant[flow.lost].any()):
        raise ValueError(f"constants is 'fold'; allowed is only 'zero' before {name!r}: its zero "
                         "padding is averaged in at the border")
    return flow


# What is refused

def _check(model: nn.Module, keep: Keep) -> None:
    check_chain(model)
    layers = {name: part for name, part in model.named_children() if isinstance(part, WEIGHTED)}
    for name, stay in keep.items():
        if name not in layers:
            raise ValueError(f"keep names the layer {name!r}; allowed is one of "
                             f"{', '.join(layers)}")
        units = layers[name].weight.shape[0]
        _check_indices(f"keep[{name!r}]", stay, units)
        if name == list(layers)[-1] and len(stay) < units:
            raise ValueError(f"keep[{name!r}] leaves out outputs of the last layer; allowed is all "
                             f"{units}: they are the network's answers")


def _check_indices(argument: str, stay: Tensor, units: int) -> None:
    if stay.dtype != torch.int64 or stay.dim() != 1:
        raise ValueError(f"{argument} is {stay.dtype} of shape {tuple(stay.shape)}; allowed is "
                         "torch.int64 of one dimension")
    if len(stay) == 0:
        raise ValueError(f"{argument} is empty; allowed is one unit or more: a layer without units "
                         "passes nothing on")
    if stay.min() < 0 or stay.max() >= units:
        raise ValueError(f"{argument} runs from {stay.min()} to {stay.max()}; allowed is 0 to "
                         f"{units - 1}")
    if (stay.diff() <= 0).any():
        raise ValueError(f"{argument} is {stay.tolist()}; allowed is sorted, each index once: "
                         "use stay.unique()")
