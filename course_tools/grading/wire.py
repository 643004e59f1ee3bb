"""What an answer returned, as data: numbers, text, tensors and known networks; no pickle.

A message is a safetensors file with JSON in its header. Reading one builds plain values, tensors
and networks of the layers in `chains.ARGUMENTS`, and calls nothing that the message could name.
"""

import json
from collections.abc import Iterator

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib.chains import ARGUMENTS, WEIGHTED, build_chain, chain_config
from course_lib.intervals import Drop
from course_lib.models import ResNet

from course_tools.capstone.control import Beside

LAYERS = {kind.__name__: {*options, "name", "kind"} | ({"bias"} if kind in WEIGHTED else set())
          for kind, options in ARGUMENTS.items()}
RECORDS = {kind.__name__: kind for kind in (Beside, Drop)}
LENGTH = 8  # bytes that say how long a message is
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError,
              MemoryError, SafetensorError, TypeError, ValueError)


class Function:
    """Stand for a function, which is no data."""


def frame(content: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(content).to_bytes(LENGTH, "big") + content


def frames(content: bytes) -> Iterator[bytes]:
    """Yield the messages that follow one another, up to the first that is cut off."""
    begin = LENGTH
    while (end := begin + int.from_bytes(content[begin - LENGTH:begin], "big")) <= len(content):
        yield content[begin:end]
        begin = end + LENGTH


def write(value: object) -> bytes:
    """Return a value as a message; of what is no data only the name of its type is kept."""
    tensors: dict[str, Tensor] = {}
    return save(tensors, {"value": json.dumps(_plain(value, tensors))})


def read(message: bytes) -> object:
    """Return the value of a message; what is none raises one of UNREADABLE."""
    header = json.loads(message[8:8 + int.from_bytes(message[:8], "little")])
    return _value(json.loads(header["__metadata__"]["value"]), load(message))


# To data

def _plain(value: object, tensors: dict[str, Tensor]) -> object:
    """Return a value as JSON can hold it; tensors go into `tensors`, by number."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {"kind": kind, "parts": [_plain(part, tensors) for part in value]}
    if isinstance(value, set | frozenset):
        parts = sorted((_plain(part, tensors) for part in value), key=json.dumps)
        return {"kind": type(value).__name__, "parts": parts}
    if isinstance(value, dict):
        parts = [[_plain(key, tensors), _plain(part, tensors)] for key, part in value.items()]
        return {"kind": "dict", "parts": parts}
    if isinstance(value, Tensor | np.ndarray | np.generic):
        kind = "tensor" if isinstance(value, Tensor) else "array"
        numbers = torch.as_tensor(value).detach().cpu().contiguous().clone()
        return {"kind": kind, "place": _place(numbers, tensors)}
    if isinstance(value, nn.Module):
        return _network(value, tensors)
    if type(value) in RECORDS.values():
        return {"kind": "record", "name": type(value).__name__,
                "fields": _plain(vars(value), tensors)}
    if callable(value) or value is ...:
        return {"kind": "function" if callable(value) else "..."}
    return {"kind": "else", "name": type(value).__name__}


def _place(numbers: Tensor, tensors: dict[str, Tensor]) -> str:
    place = str(len(tensors))
    tensors[place] = numbers
    return place


def _network(model: nn.Module, tensors: dict[str, Tensor]) -> dict:
    """Describe a chain, a layer of one, or a residual network; of others only the name is kept."""
    if isinstance(model, ResNet):
        plan = [model.stem.conv.out_channels, [
            [block.conv1.out_channels, block.conv2.out_channels, block.conv1.stride[0]]
            for block in model.blocks]]
        found = {"kind": "residual", "plan": plan}
    else:
        alone = type(model) in ARGUMENTS
        try:
            layers = chain_config(nn.Sequential(model) if alone else model)
        except ValueError:
            return {"kind": "else", "name": type(model).__name__}
        found = {"kind": "layer" if alone else "chain", "layers": layers}
    state = {name: _plain(numbers, tensors) for name, numbers in model.state_dict().items()}
    return found | {"training": model.training, "state": state}


# And back

def _value(plain: object, tensors: dict[str, Tensor]) -> object:
    if not isinstance(plain, dict):
        return plain
    kind = plain["kind"]
    if kind in ("list", "tuple"):
        parts = [_value(part, tensors) for part in plain["parts"]]
        return parts if kind == "list" else tuple(parts)
    if kind in ("set", "frozenset"):
        parts = [_value(part, tensors) for part in plain["parts"]]
        return set(parts) if kind == "set" else frozenset(parts)
    if kind == "dict":
        return {_value(key, tensors): _value(part, tensors) for key, part in plain["parts"]}
    if kind == "tensor":
        return tensors[plain["place"]]
    if kind == "array":
        return tensors[plain["place"]].numpy()[()]
    if kind in ("chain", "layer", "residual"):
        return _built(plain, tensors)
    if kind == "record":
        return RECORDS[plain["name"]](**_value(plain["fields"], tensors))
    if kind == "function":
        return Function()
    name = str(plain.get("name", ""))[:40]
    return ... if kind == "..." else type(name if name.isidentifier() else "object", (), {})()


def _built(plain: dict, tensors: dict[str, Tensor]) -> nn.Module:
    """Build a network without room for its numbers, so that no size that is claimed counts."""
    with torch.device("meta"):
        if plain["kind"] == "residual":
            model = ResNet(*plain["plan"])
        else:
            for layer in plain["layers"]:
                require(set(layer) == LAYERS[layer["kind"]], "layer", sorted(layer),
                        "what chain_config returns")
            model = build_chain(plain["layers"])
            model = model[0] if plain["kind"] == "layer" else model
    state = {name: _value(numbers, tensors) for name, numbers in plain["state"].items()}
    model.load_state_dict(state, assign=True)
    return model.train(bool(plain["training"])).requires_grad_(False)
