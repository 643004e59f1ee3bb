"""Sizes of one network in real bytes: each is written, and read back to an equal model."""

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

from course_lib import relative_index as index
from course_lib._allowed import require
from course_lib.models import prunable_layers
from course_lib.relative_index import Arrays

State = dict[str, Tensor]
BITS = {2: 5, 4: 8}  # of a relative index, as in Deep Compression: of a matrix, of a convolution


@dataclass(frozen=True)
class Format:
    """Hold a way to write a model: `write(model)` gives bytes, `read(bytes, model)` its state."""

    write: Callable[[nn.Module], bytes]
    read: Callable[[bytes, nn.Module], State]  # of the model: names and shapes, never its values


def sizes(model: nn.Module) -> dict[str, int]:
    """Return the length in bytes of the model in each of `FORMATS`, all of it, biases included.

    Each is read back first; a format that does not give an equal model raises RuntimeError. Before
    them stand two counts, of no format: all numbers, and those without the weights that are zero.
    """
    state = model.state_dict()
    zeros = sum(int((state[name] == 0).sum()) for name in _weight_names(model))
    all_bytes = sum(value.nbytes for value in state.values())
    lengths = {"weights × 4": all_bytes, "non-zeros × 4": all_bytes - 4 * zeros}
    for name, form in FORMATS.items():
        content = form.write(model)
        back = form.read(content, model)
        if set(back) != set(state) or not all(torch.equal(back[key], state[key]) for key in state):
            raise RuntimeError(f"{name} does not give the model back")
        lengths[name] = len(content)
    return lengths


def share_values(model: nn.Module, bits: int | dict[str, int]) -> nn.Module:
    """Return a copy in which each layer's weights take 2**bits values at most, zero among them.

    `bits` is one number or {layer: number}, 2 to 16. Zeros stay zero; the others move to the
    nearest centre that k-means finds, begun evenly from the smallest weight to the largest.
    Nothing is retrained. Source: Han, Mao, Dally 2016, who retrain the centres.
    """
    shared = copy.deepcopy(model)
    for name, layer in prunable_layers(shared).items():
        wide = bits[name] if isinstance(bits, dict) else bits
        require(isinstance(wide, int) and 2 <= wide <= 16, f"bits for {name!r}", wide,
                "a whole number, 2 to 16")
        nonzero = layer.weight != 0
        if nonzero.any():
            layer.weight.data[nonzero] = _nearest_centres(layer.weight.data[nonzero], 2 ** wide - 1)
    return shared


def _nearest_centres(values: Tensor, centres: int) -> Tensor:
    flat = values.double().numpy()
    book, _ = kmeans(flat, np.linspace(flat.min(), flat.max(), centres))
    return torch.from_numpy(book[vq(flat, book)[0]]).to(values.dtype)


def _packed(pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]) -> Format:
    """Return the safetensors file, packed, as a format."""
    return Format(lambda model: pack(save(model.state_dict())),
                  lambda content, model: load(unpack(content)))


def _coded(code: Callable[[Tensor], Arrays],
           decode: Callable[[Arrays, torch.Size], np.ndarray]) -> Format:
    """Return a safetensors file as a format in which weights are coded, the rest is as it is."""
    def write(model: nn.Module) -> bytes:
        weights, arrays = _weight_names(model), {}
        for name, value in model.state_dict().items():
            arrays |= ({f"{name}.{part}": array for part, array in code(value).items()}
                       if name in weights else {name: value.numpy()})
        return save_arrays(arrays)

    def read(content: bytes, model: nn.Module) -> State:
        arrays, state = load_arrays(content), {}
        for name, value in model.state_dict().items():
            parts = {key.removeprefix(f"{name}."): array for key, array in arrays.items()
                     if key.startswith(f"{name}.")}
            state[name] = torch.from_numpy(decode(parts, value.shape) if parts else arrays[name])
        return state

    return Format(write, read)


def _weight_names(model: nn.Module) -> set[str]:
    return {f"{name}.weight" for name in prunable_layers(model)}


def _code_csr(weight: Tensor) -> Arrays:
    """Return the values, the column of each, and where in them each row starts."""
    matrix = csr_matrix(weight.flatten(1).numpy())
    columns = matrix.indices.astype(np.min_scalar_type(matrix.shape[1] - 1))
    return {"data": matrix.data, "columns": columns,
            "starts": matrix.indptr.astype(np.min_scalar_type(matrix.nnz))}


def _decode_csr(arrays: Arrays, shape: torch.Size) -> np.ndarray:
    parts = (arrays["data"], arrays["columns"].astype(np.int32), arrays["starts"].astype(np.int32))
    return csr_matrix(parts, shape=(shape[0], shape[1:].numel())).toarray().reshape(shape)


def _code_relative(weight: Tensor) -> Arrays:
    return index.encode_layer(weight, BITS[weight.dim()])


def _code_shared(weight: Tensor) -> Arrays:
    """Return the distinct values as a `book`, and where in it each value stands, Huffman-coded."""
    arrays = _code_relative(weight)
    book, numbers = np.unique(arrays.pop("values"), return_inverse=True)
    words, counts = index.huffman(numbers)
    return arrays | {"book": book, "book_counts": counts, "numbers": words}


def _decode_shared(arrays: Arrays, shape: torch.Size) -> np.ndarray:
    values = arrays["book"][index.from_huffman(arrays["numbers"], arrays["book_counts"])]
    return index.decode_layer(arrays | {"values": values}, shape)


FORMATS = {
    "safetensors": _packed(bytes, bytes),
    "gzip": _packed(lambda content: gzip.compress(content, mtime=0), gzip.decompress),
    "zstd": _packed(lambda content: zstandard.ZstdCompressor(level=12).compress(content),
                    zstandard.decompress),
    "CSR": _coded(_code_csr, _decode_csr),
    "relative index": _coded(_code_relative, index.decode_layer),
}
SHARED = _coded(_code_shared, _decode_shared)  # short only where a layer has few distinct values
