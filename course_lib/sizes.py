"""Sizes of one network in real bytes: each is written, and read back to an equal model.

A file of zeros is as long as a file of other numbers. What a sparse network takes depends on how
its zeros are left out, and on what it costs to say where the others are.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import constriction
import numpy as np
import torch
import zstandard
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load, save
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from course_lib.models import prunable_layers

State = dict[str, Tensor]
Arrays = dict[str, np.ndarray]
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

def relative_index(weight: Tensor, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each non-zero how many zeros it stands behind, below 2**bits, and the values.

    Where more are passed a filler stands, a zero that is stored. Source: Han et al. 2016.
    """
    flat = weight.detach().flatten().numpy()
    places = np.flatnonzero(flat)
    passed = np.diff(places, prepend=-1) - 1
    fillers, rest = np.divmod(passed, 2 ** bits)
    entries = np.cumsum(fillers + 1) - 1  # where each non-zero stands among the fillers
    symbols = np.full(len(places) + int(fillers.sum()), 2 ** bits - 1)
    values = np.zeros(len(symbols), dtype=flat.dtype)
    symbols[entries], values[entries] = rest, flat[places]
    return symbols, values


def from_relative_index(symbols: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Return the flat weights that `relative_index` described."""
    flat = np.zeros(length, dtype=values.dtype)
    flat[np.cumsum(symbols + 1) - 1] = values
    return flat


def huffman(symbols: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return symbols as Huffman code, in words of 32 bits; `counts` say how often each occurs."""
    coder = constriction.symbol.QueueEncoder()
    tree = constriction.symbol.huffman.EncoderHuffmanTree(_shares(counts))
    for symbol in symbols.tolist():
        coder.encode_symbol(symbol, tree)
    return coder.get_compressed()[0]


def from_huffman(words: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the symbols that `huffman` coded."""
    coder = constriction.symbol.QueueDecoder(words)
    tree = constriction.symbol.huffman.DecoderHuffmanTree(_shares(counts))
    return np.array([coder.decode_symbol(tree) for _ in range(int(counts.sum()))], dtype=np.int64)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.float32) / max(1, int(counts.sum()))


def gap_bits(weight: Tensor) -> float:
    """Return the entropy in bits of where the non-zeros are: of all gaps, as if drawn alike."""
    places = np.flatnonzero(weight.detach().flatten().numpy())
    _, counts = np.unique(np.diff(places, prepend=-1), return_counts=True)
    return float(-(counts * np.log2(counts / max(1, counts.sum()))).sum())


def _write_relative(model: nn.Module) -> bytes:
    layers = iter(prunable_layers(model).values())

    def coded(weight: Tensor) -> Arrays:
        bits = BITS[type(next(layers))]
        symbols, values = relative_index(weight, bits)
        counts = np.bincount(symbols, minlength=2 ** bits).astype(np.uint32)
        return {"words": huffman(symbols, counts), "counts": counts, "values": values}

    return _write_arrays(model, coded)


def _read_relative(content: bytes, model: nn.Module) -> State:
    def weight(arrays: Arrays, shape: Tensor) -> np.ndarray:
        symbols = from_huffman(arrays["words"], arrays["counts"])
        return from_relative_index(symbols, arrays["values"], shape.numel())

    return _read_arrays(content, model, weight)


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
