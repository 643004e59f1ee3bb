"""Chains: the networks that can be made smaller, layer after layer, as data and back again."""

from collections import OrderedDict

from torch import nn

from course_lib._allowed import require

WEIGHTED, NORMS = (nn.Linear, nn.Conv2d), (nn.BatchNorm1d, nn.BatchNorm2d)
ARGUMENTS = {  # the layers that a chain may hold, and what each is built from
    nn.Linear: ("in_features", "out_features"),
    nn.Conv2d: ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    **dict.fromkeys(NORMS, ("num_features", "eps", "momentum")),
    nn.ReLU: (),
    nn.MaxPool2d: ("kernel_size", "stride", "padding", "ceil_mode"),
    nn.AvgPool2d: ("kernel_size", "stride", "padding", "ceil_mode"),
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.Dropout: ("p",),
    nn.Flatten: (),
}
FIXED = {  # options that must stand as they are by default
    nn.Conv2d: {"groups": 1, "dilation": (1, 1), "padding_mode": "zeros"},
    **{norm: {"affine": True, "track_running_stats": True} for norm in NORMS},
    nn.MaxPool2d: {"dilation": 1, "return_indices": False},
    nn.AvgPool2d: {"count_include_pad": True, "divisor_override": None},
    nn.Flatten: {"start_dim": 1, "end_dim": -1},
}


def chain_config(model: nn.Sequential) -> list[dict]:
    """Return what a chain is built from, as lists and dicts that JSON can hold.

    >>> chain_config(nn.Sequential(nn.Linear(2, 1)))
    [{'name': '0', 'kind': 'Linear', 'in_features': 2, 'out_features': 1, 'bias': True}]
    """
    check_chain(model)
    return [{"name": name, "kind": type(part).__name__}
            | {key: getattr(part, key) for key in ARGUMENTS[type(part)]}
            | ({"bias": part.bias is not None} if isinstance(part, WEIGHTED) else {})
            for name, part in model.named_children()]


def build_chain(config: list[dict]) -> nn.Sequential:
    """Build the chain that `chain_config` described; its weights come from a state_dict."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for entry in config:
        arguments = {key: tuple(value) if isinstance(value, list) else value
                     for key, value in entry.items() if key not in ("name", "kind")}
        layers[entry["name"]] = getattr(nn, entry["kind"])(**arguments)
    return nn.Sequential(layers)


def check_chain(model: nn.Module) -> None:
    """Raise ValueError unless the model is a chain of layers that can be made smaller."""
    elsewhere = "For networks with branches, such as residual ones, see lesson 09"
    require(type(model) is nn.Sequential, "model", type(model), f"an nn.Sequential. {elsewhere}")
    different, known = len(list(model.named_children())), ", ".join(k.__name__ for k in ARGUMENTS)
    require(different == len(model), "number of different layers in model", different,
            f"{len(model)}, each layer once: nn.ReLU() again makes another")
    images = False  # whether images reach the layer, in rows and columns
    for name, part in model.named_children():
        require(type(part) in ARGUMENTS, f"layer {name!r}", type(part),
                f"one of {known}. For networks with branches see lesson 09")
        for option, fixed in FIXED.get(type(part), {}).items():
            value = getattr(part, option)
            require(value == fixed, f"layer {name!r}: {option}", value, repr(fixed))
        padding = getattr(part, "padding", 0)
        require(not isinstance(padding, str), f"layer {name!r}: padding", padding, "numbers")
        require(not (images and isinstance(part, nn.Linear)), f"input of layer {name!r}", "images",
                "what a Flatten before it gives")
        images = isinstance(part, nn.Conv2d) or (images and not isinstance(part, nn.Flatten))
