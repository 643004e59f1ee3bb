"""The relative index of Deep Compression: where the non-zeros are, in few bits, and back again.

Each non-zero says how many zeros it stands behind; a Huffman code makes what is frequent short.
Source: Han, Mao, Dally 2016.
"""

import constriction
import numpy as np
from torch import Tensor

Arrays = dict[str, np.ndarray]


def without_empty(weight: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrix without its empty rows and columns, and which rows and columns stay.

    A convolution's matrix has a row for each filter. Which stay are two arrays of bool, (rows,) and
    (columns,), True where some weight is not zero.
    """
    matrix = weight.detach().flatten(1).numpy()
    rows, columns = (matrix != 0).any(1), (matrix != 0).any(0)
    return matrix[rows][:, columns], rows, columns


def relative_index(weights: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each non-zero how many zeros it stands behind, below 2**bits, and the values.

    Zeros are counted along the rows, from one row into the next. Where more are passed a filler
    stands, a zero that is stored. Both arrays have an entry for each non-zero and each filler.

    >>> gaps, values = relative_index(np.array([0, 0.5, *[0] * 8, 0.7, -0.3]), bits=2)
    >>> gaps.tolist(), values.tolist()
    ([1, 3, 3, 0, 0], [0.5, 0.0, 0.0, 0.7, -0.3])
    """
    flat = weights.ravel()
    places = np.flatnonzero(flat)
    fillers, rest = np.divmod(np.diff(places, prepend=-1) - 1, 2 ** bits)
    entries = np.cumsum(fillers + 1) - 1  # of the non-zeros: each stands behind its own fillers
    gaps = np.full(len(places) + int(fillers.sum()), 2 ** bits - 1)
    values = np.zeros(len(gaps), dtype=flat.dtype)
    gaps[entries], values[entries] = rest, flat[places]
    return gaps, values


def from_relative_index(gaps: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Return the flat weights, (length,), that `relative_index` described."""
    flat = np.zeros(length, dtype=values.dtype)
    flat[np.cumsum(gaps + 1) - 1] = values
    return flat


def huffman(symbols: np.ndarray, tables: np.ndarray | None = None
            ) -> tuple[np.ndarray, np.ndarray]:
    """Return symbols, (n,), as Huffman code in words of 32 bits, and its counts.

    Each symbol is coded by the table that `tables`, (n,), names for it; without, there is one for
    all. The counts, (tables, symbols), say how often each symbol occurs: a reader needs them too.

    >>> words, counts = huffman(np.array([0, 0, 2, 0, 1, 0]))
    >>> len(words), counts.tolist(), from_huffman(words, counts).tolist()
    (1, [[4, 1, 1]], [0, 0, 2, 0, 1, 0])
    """
    tables = np.zeros(len(symbols), dtype=np.int64) if tables is None else tables
    counts = np.zeros((tables.max(initial=0) + 1, symbols.max(initial=0) + 1), dtype=np.int64)
    np.add.at(counts, (tables, symbols), 1)
    trees = [constriction.symbol.huffman.EncoderHuffmanTree(_shares(row)) for row in counts]
    coder = constriction.symbol.QueueEncoder()
    for symbol, table in zip(symbols.tolist(), tables.tolist(), strict=True):
        coder.encode_symbol(symbol, trees[table])
    return coder.get_compressed()[0], counts.astype(np.min_scalar_type(counts.max()))


def from_huffman(words: np.ndarray, counts: np.ndarray, tables: np.ndarray | None = None
                 ) -> np.ndarray:
    """Return the symbols that `huffman` coded."""
    tables = np.zeros(int(counts.sum()), dtype=np.int64) if tables is None else tables
    trees = [constriction.symbol.huffman.DecoderHuffmanTree(_shares(row)) for row in counts]
    coder = constriction.symbol.QueueDecoder(words)
    return np.array([coder.decode_symbol(trees[table]) for table in tables.tolist()],
                    dtype=np.int64)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.float32) / max(1, int(counts.sum()))


def after_fillers(values: np.ndarray) -> np.ndarray:
    """Return 1 for each entry that follows a filler, else 0: what is left of a gap has a table."""
    return np.append(0, values[:-1] == 0)[:len(values)].astype(np.int64)


def encode_layer(weight: Tensor, bits: int) -> Arrays:
    """Return all that is stored of one layer's weights: `used`, `counts`, `words`, `values`.

    Empty rows and columns are left out first, a bit in `used` for each row and column. What is left
    is a relative index, Huffman-coded with one table for gaps and one for what follows a filler.
    """
    matrix, rows, columns = without_empty(weight)
    gaps, values = relative_index(matrix, bits)
    words, counts = huffman(gaps, after_fillers(values))
    return {"used": np.packbits(np.append(rows, columns)), "counts": counts, "words": words,
            "values": values}


def decode_layer(arrays: Arrays, shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights of this shape that `encode_layer` stored."""
    full = np.zeros((shape[0], int(np.prod(shape[1:]))), dtype=arrays["values"].dtype)
    used = np.unpackbits(arrays["used"], count=sum(full.shape)).astype(bool)
    rows, columns = used[:full.shape[0]], used[full.shape[0]:]
    gaps = from_huffman(arrays["words"], arrays["counts"], after_fillers(arrays["values"]))
    flat = from_relative_index(gaps, arrays["values"], int(rows.sum() * columns.sum()))
    full[np.ix_(rows, columns)] = flat.reshape(rows.sum(), columns.sum())
    return full.reshape(shape)
