"""Sizes of one network in real bytes: each is written, and read back to an equal model.

A file of zeros is as long as a file of other numbers. What a sparse network takes depends on how
its zeros are left out, and on what it costs to say where the others are.
"""

import copy
import gzip
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import zstandard
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load, save
from scipy.cluster.vq import kmeans, vq
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from course_lib.models import prunable_layers
from course_lib.relative_index import (
    Arrays,
    decode_layer,
    decode_values,
    encode_layer,
    encode_values,
)

State = dict[str, Tensor]
BITS = {nn.Linear: 5, nn.Conv2d: 8}  # of a relative index, as in Deep Compression


@dataclass(frozen=True)
class Format:
    """Hold a way to write a model: `write(model)` gives bytes, `read(bytes, model)` a state_dict.

    `read` takes names and shapes from the model, never its values. "non-zeros × 4" is no format
    to be used: it does not say where its values belong, so there `read` takes that from the model.
    """

    write: Callable[[nn.Module], bytes]
    read: Callable[[bytes, nn.Module], State]


def sizes(model: nn.Module) -> dict[str, int]:
    """Return the length in bytes of the model in each of `FORMATS`, all of it, biases included.

    Each is read back first; a format that does not give an equal model raises RuntimeError.
    """
    found, state = {}, model.state_dict()
    for name, form in FORMATS.items():
        content = form.write(model)
        back = form.read(content, model)
        if list(back) != list(state) or not all(torch.equal(back[key], state[key])
                                                for key in state):
            raise RuntimeError(f"{name} does not give the model back")
        found[name] = len(content)
    return found


def _sparse_names(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers whose weights are worth storing sparsely, by the weight's full name."""
    return {f"{name}.weight": layer for name, layer in prunable_layers(model).items()}


# Every number, every number that is not zero

def _write_all(model: nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


def _read_all(content: bytes, model: nn.Module) -> State:
    state, at = {}, 0
    for name, shape in model.state_dict().items():
        state[name] = _values(content[at:at + shape.nbytes], shape).reshape(shape.shape)
        at += shape.nbytes
    return state


def _write_nonzeros(model: nn.Module) -> bytes:
    sparse = _sparse_names(model)
    return b"".join((value[value != 0] if name in sparse else value).numpy().tobytes()
                    for name, value in model.state_dict().items())


def _read_nonzeros(content: bytes, model: nn.Module) -> State:
    state, at, sparse = {}, 0, _sparse_names(model)
    for name, shape in model.state_dict().items():
        there = shape != 0 if name in sparse else torch.ones(shape.shape, dtype=torch.bool)
        length = int(there.sum()) * shape.element_size()
        state[name] = torch.zeros_like(shape)
        state[name][there] = _values(content[at:at + length], shape)
        at += length
    return state


def _values(content: bytes, like: Tensor) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=like.dtype) if content else (
        like.new_empty(0))


# Compressed sparse rows: a value, and the column it stands in

def _write_csr(model: nn.Module) -> bytes:
    def rows(weight: Tensor) -> Arrays:
        found = csr_matrix(weight.flatten(1).numpy())
        columns = found.indices.astype(np.min_scalar_type(found.shape[1] - 1))
        return {"data": found.data, "columns": columns,
                "starts": found.indptr.astype(np.min_scalar_type(found.nnz))}

    return _write_arrays(model, rows)


def _read_csr(content: bytes, model: nn.Module) -> State:
    def weight(arrays: Arrays, shape: Tensor) -> np.ndarray:
        parts = (arrays["data"], arrays["columns"].astype(np.int32),
                 arrays["starts"].astype(np.int32))
        return csr_matrix(parts, shape=shape.flatten(1).shape).toarray()

    return _read_arrays(content, model, weight)


# A relative index: a value, and how many zeros were passed, coded by Huffman

def _write_relative(model: nn.Module) -> bytes:
    layers = iter(prunable_layers(model).values())
    return _write_arrays(model, lambda weight: encode_layer(weight, BITS[type(next(layers))]))


def _read_relative(content: bytes, model: nn.Module) -> State:
    return _read_arrays(content, model, lambda arrays, shape: decode_layer(arrays, shape.shape))


# Shared values: a short list of them for each layer, and which of the list each weight takes

def share_values(model: nn.Module, bits: int | dict[str, int]) -> nn.Module:
    """Return a copy in which each layer's weights take 2**bits values at most, zero among them.

    `bits` is one number or {layer: number}, 2 to 16. Zeros stay zero; the others move to the
    nearest centre that k-means finds, begun evenly from the smallest weight to the largest.
    Nothing is retrained. Source: Han, Mao, Dally 2016, who retrain the centres.
    """
    shared = copy.deepcopy(model)
    for name, layer in prunable_layers(shared).items():
        wide = bits[name] if isinstance(bits, dict) else bits
        if not (isinstance(wide, int) and 2 <= wide <= 16):
            raise ValueError(f"bits is {wide!r} for {name!r}; allowed is a whole number, 2 to 16")
        there = layer.weight != 0
        if there.any():
            layer.weight.data[there] = _nearest_centres(layer.weight.data[there], 2 ** wide - 1)
    return shared


def _nearest_centres(values: Tensor, centres: int) -> Tensor:
    flat = values.double().numpy()
    book, _ = kmeans(flat, np.linspace(flat.min(), flat.max(), centres))
    return torch.from_numpy(book[vq(flat, book)[0]]).to(values.dtype)


def _write_shared(model: nn.Module) -> bytes:
    layers = iter(prunable_layers(model).values())

    def coded(weight: Tensor) -> Arrays:
        arrays = encode_layer(weight, BITS[type(next(layers))])
        return arrays | encode_values(arrays.pop("values"))

    return _write_arrays(model, coded)


def _read_shared(content: bytes, model: nn.Module) -> State:
    return _read_arrays(content, model, lambda arrays, shape: decode_layer(
        arrays | {"values": decode_values(arrays)}, shape.shape))


def _write_arrays(model: nn.Module, code: Callable[[Tensor], Arrays]) -> bytes:
    """Write a safetensors file in which the prunable weights are coded and the rest is as it is."""
    sparse, arrays = _sparse_names(model), {}
    for name, value in model.state_dict().items():
        arrays |= ({f"{name}.{part}": array for part, array in code(value).items()}
                   if name in sparse else {name: value.numpy()})
    return save_arrays(arrays)


def _read_arrays(content: bytes, model: nn.Module,
                 decode: Callable[[Arrays, Tensor], np.ndarray]) -> State:
    arrays, state = load_arrays(content), {}
    for name, shape in model.state_dict().items():
        if name in arrays:
            state[name] = torch.from_numpy(arrays[name])
        else:
            parts = {key.removeprefix(f"{name}."): value for key, value in arrays.items()
                     if key.startswith(f"{name}.")}
            state[name] = torch.from_numpy(decode(parts, shape)).reshape(shape.shape)
    return state


def _read_tensors(content: bytes, model: nn.Module) -> State:
    found = load(content)
    return {name: found[name] for name in model.state_dict()}


FORMATS = {
    "weights × 4": Format(_write_all, _read_all),
    "non-zeros × 4": Format(_write_nonzeros, _read_nonzeros),
    "safetensors": Format(lambda model: save(model.state_dict()), _read_tensors),
    "gzip": Format(
        lambda model: gzip.compress(save(model.state_dict()), mtime=0),
        lambda content, model: _read_tensors(gzip.decompress(content), model)),
    "zstd": Format(
        lambda model: zstandard.ZstdCompressor(level=12).compress(save(model.state_dict())),
        lambda content, model: _read_tensors(zstandard.decompress(content), model)),
    "CSR": Format(_write_csr, _read_csr),
    "relative index": Format(_write_relative, _read_relative),
}
SHARED = Format(_write_shared, _read_shared)  # short only where a layer has few distinct values
