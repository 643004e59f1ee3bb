"""Chains: the networks that can be made smaller, layer after layer, as data and back again."""

from collections import OrderedDict

from torch import nn

WEIGHTED, NORMS = (nn.Linear, nn.Conv2d), (nn.BatchNorm1d, nn.BatchNorm2d)
ARGUMENTS = {  # the layers that a chain may hold, and what each is built from
    nn.Linear: ("in_features", "out_features"),
    nn.Conv2d: ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    nn.BatchNorm1d: ("num_features", "eps", "momentum"),
    nn.BatchNorm2d: ("num_features", "eps", "momentum"),
    nn.ReLU: (),
    nn.MaxPool2d: ("kernel_size", "stride", "padding", "ceil_mode"),
    nn.AvgPool2d: ("kernel_size", "stride", "padding", "ceil_mode"),
    nn.AdaptiveAvgPool2d: ("output_size",),
    nn.Dropout: ("p",),
    nn.Flatten: (),
}
FIXED = {  # options that must stand as they are by default
    nn.Conv2d: {"groups": 1, "dilation": (1, 1), "padding_mode": "zeros"},
    nn.BatchNorm1d: {"affine": True, "track_running_stats": True},
    nn.BatchNorm2d: {"affine": True, "track_running_stats": True},
    nn.MaxPool2d: {"dilation": 1, "return_indices": False},
    nn.AvgPool2d: {"count_include_pad": True, "divisor_override": None},
    nn.Flatten: {"start_dim": 1, "end_dim": -1},
}


def chain_config(model: nn.Sequential) -> list[dict]:
    """Return what a chain is built from, as lists and dicts that JSON can hold."""
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
    if type(model) is not nn.Sequential:
        raise ValueError(f"model is a {type(model).__name__}; allowed is an nn.Sequential. For "
                         "networks with branches, such as residual ones, see lesson 09")
    spatial = False
    if len(list(model.named_children())) < len(model):
        raise ValueError("model holds one layer in two places; allowed is each layer once, also a "
                         "ReLU: nn.ReLU() again makes another")
    for name, part in model.named_children():
        if type(part) not in ARGUMENTS:
            known = ", ".join(kind.__name__ for kind in ARGUMENTS)
            raise ValueError(f"layer {name!r} is a {type(part).__name__}; allowed is one of "
                             f"{known}. For networks with branches see lesson 09")
        for option, fixed in FIXED.get(type(part), {}).items():
            if getattr(part, option) != fixed:
                raise ValueError(f"layer {name!r} has {option} {getattr(part, option)!r}; "
                                 f"allowed is {fixed!r}")
        if isinstance(part, nn.Conv2d) and isinstance(part.padding, str):
            raise ValueError(f"layer {name!r} has padding {part.padding!r}; allowed is numbers")
        if isinstance(part, nn.Linear) and spatial:
            raise ValueError(f"layer {name!r} reads images; allowed is a Flatten before a Linear")
        spatial = isinstance(part, nn.Conv2d) or (spatial and not isinstance(part, nn.Flatten))
