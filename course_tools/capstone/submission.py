"""A network as a file that can be handed in: written, and read back from known layers only.

The file is safetensors, which holds numbers and text and nothing that could run. The text says
which layers to build, and only those of `chains.ARGUMENTS` are built.
"""

import json

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from course_lib.chains import ARGUMENTS, WEIGHTED, build_chain, chain_config

FILE_BYTES = 4_000_000  # the most that is read
LAYERS = 200  # the most that are built
VALUES = 1_000_000  # the most that a layer may pass on for one image
FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError)


def submission(model: nn.Sequential) -> bytes:
    """Return the file of a network: its weights, and its layers as JSON in the header.

    A network that `read_submission` would refuse raises ValueError.
    """
    layers = json.dumps(chain_config(model), separators=(",", ":"))
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    try:
        content = save(state, {"layers": layers})
    except RuntimeError as error:  # two layers hold the same numbers
        raise ValueError(f"model cannot be written: {error}") from None
    read_submission(content)
    return content


def read_submission(content: bytes) -> nn.Sequential:
    """Build the network that a file holds, in eval mode; nothing of the file is run.

    Allowed are the layers of `remove_units`, weights of float32 that are numbers, and ten outputs
    for an image. Anything else raises ValueError.
    """
    if len(content) > FILE_BYTES:
        raise ValueError(f"the file has {len(content):,} bytes; allowed is {FILE_BYTES:,}")
    try:
        state = load(content)
        header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
        layers = json.loads(header["__metadata__"]["layers"])
    except (SafetensorError, *FAILURES):
        raise ValueError("the file is no submission; allowed is what submission(model) gives"
                         ) from None
    chain = _built(layers)
    _check_shapes(chain)
    _check_state(chain, state)
    chain.load_state_dict(state, assign=True)
    with torch.inference_mode():
        fine = bool(chain(torch.ones(1, 1, 28, 28)).isfinite().all())
    if not fine:
        raise ValueError("the outputs for a white image are NaN or infinite; allowed is numbers")
    return chain


# What is refused

def _built(layers: object) -> nn.Sequential:
    """Build the layers without room for their numbers, so that no size that is claimed counts."""
    if not isinstance(layers, list) or not 1 <= len(layers) <= LAYERS:
        raise ValueError(f"the file is no list of layers; allowed is 1 to {LAYERS} of them")
    for entry in layers:
        _check_entry(entry)
    try:
        with torch.device("meta"):
            chain = build_chain(layers)
        chain_config(chain)  # the checks of a chain
    except FAILURES as error:
        raise ValueError(f"the layers cannot be built: {error}") from None
    return chain.eval()


def _check_entry(entry: object) -> None:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    known = {part.__name__: set(options) | ({"bias"} if part in WEIGHTED else set())
             for part, options in ARGUMENTS.items()}
    if kind not in known:
        raise ValueError(f"a layer is {str(kind)[:40]!r}; allowed is one of {', '.join(known)}")
    if set(entry) != known[kind] | {"name", "kind"} or not isinstance(entry["name"], str):
        raise ValueError(f"a {kind} has the options {sorted(entry)}; allowed is name, kind and "
                         f"{sorted(known[kind])}")
    for option in known[kind]:
        values = entry[option] if isinstance(entry[option], list) else [entry[option]]
        if not all(value is None or isinstance(value, int | float) for value in values):
            raise ValueError(f"a {kind} has {option} {str(entry[option])[:40]!r}; allowed is "
                             "numbers")


def _check_shapes(chain: nn.Sequential) -> None:
    """Send the shape of an image through, without its pixels.

    What keeps it is passed over, and Linear's is known: for these torch would load its compiler,
    which takes a second, to compute without pixels.
    """
    signal = torch.empty(1, 1, 28, 28, device="meta")
    for name, part in chain.named_children():
        if _keeps_shape(part, signal):
            continue
        try:
            fits = isinstance(part, nn.Linear) and signal.shape == (1, part.in_features)
            signal = signal.new_empty(1, part.out_features) if fits else part(signal)
        except FAILURES as error:
            raise ValueError(f"layer {name!r} cannot read what the one before gives: {error}"
                             ) from None
        if signal.numel() > VALUES:
            raise ValueError(f"layer {name!r} gives {signal.numel():,} values for an image; "
                             f"allowed is {VALUES:,}")
    if signal.shape != (1, 10):
        raise ValueError(f"model gives an output of shape {tuple(signal.shape)} for one image; "
                         "allowed is (1, 10), a number for each digit")


def _keeps_shape(part: nn.Module, signal: Tensor) -> bool:
    """Tell whether this works value by value, or is a batch norm for what it is given."""
    if isinstance(part, nn.ReLU | nn.Dropout):
        return True
    dimensions = {nn.BatchNorm1d: 2, nn.BatchNorm2d: 4}.get(type(part))
    return dimensions == signal.dim() and part.num_features == signal.shape[1]


def _check_state(chain: nn.Sequential, state: dict[str, Tensor]) -> None:
    wanted = chain.state_dict()
    if set(wanted) != set(state):
        raise ValueError(f"the file holds {_few(set(state) - set(wanted))} beyond its layers and "
                         f"lacks {_few(set(wanted) - set(state))}; allowed is what they need")
    for name, value in wanted.items():
        found = state[name]
        if found.dtype != value.dtype:
            raise ValueError(f"{name} is {found.dtype}; allowed is {value.dtype}")
        if found.shape != value.shape:
            raise ValueError(f"{name} has the shape {tuple(found.shape)}; allowed is what its "
                             f"layer says, {tuple(value.shape)}")
        if not bool(found.isfinite().all()):
            raise ValueError(f"{name} holds NaN or infinite numbers; allowed is finite ones")


def _few(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) or "nothing"
