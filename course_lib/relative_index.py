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

    A convolution's matrix has a row for each filter. The two last are bool, True where some weight
    is not zero.
    """
    matrix = weight.detach().flatten(1).numpy()
    rows, columns = (matrix != 0).any(1), (matrix != 0).any(0)
    return matrix[rows][:, columns], rows, columns


def relative_index(weights: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each non-zero how many zeros it stands behind, below 2**bits, and the values.

    Zeros are counted along the rows, from one row into the next. Where more are passed a filler
    stands, a zero that is stored.
    """
    flat = weights.ravel()
    places = np.flatnonzero(flat)
    passed = np.diff(places, prepend=-1) - 1
    fillers, rest = np.divmod(passed, 2 ** bits)
    entries = np.cumsum(fillers + 1) - 1  # where each non-zero stands among the fillers
    gaps = np.full(len(places) + int(fillers.sum()), 2 ** bits - 1)
    values = np.zeros(len(gaps), dtype=flat.dtype)
    gaps[entries], values[entries] = rest, flat[places]
    return gaps, values


def from_relative_index(gaps: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Return the flat weights that `relative_index` described."""
    flat = np.zeros(length, dtype=values.dtype)
    flat[np.cumsum(gaps + 1) - 1] = values
    return flat


def gap_bits(weights: np.ndarray) -> float:
    """Return the entropy in bits of where the non-zeros are, counted along the rows.

    It is that of the gaps, the zeros before each non-zero, as if each were drawn on its own from
    the shares in which they occur: −Σ p·log2(p) over the gaps' lengths, times the number of gaps.
    A code for one gap after another needs at least so much, and its tables beside it.
    """
    places = np.flatnonzero(weights)
    _, counts = np.unique(np.diff(places, prepend=-1), return_counts=True)
    return float(-(counts * np.log2(counts / max(1, counts.sum()))).sum())


def huffman(symbols: np.ndarray, tables: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return symbols as Huffman code, in words of 32 bits.

    Each is coded by the table that `tables` names for it, a row of `counts`, which says how often
    each symbol occurs there.
    """
    coder = constriction.symbol.QueueEncoder()
    trees = [constriction.symbol.huffman.EncoderHuffmanTree(_shares(row)) for row in counts]
    for symbol, table in zip(symbols.tolist(), tables.tolist(), strict=True):
        coder.encode_symbol(symbol, trees[table])
    return coder.get_compressed()[0]


def from_huffman(words: np.ndarray, tables: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the symbols that `huffman` coded."""
    coder = constriction.symbol.QueueDecoder(words)
    trees = [constriction.symbol.huffman.DecoderHuffmanTree(_shares(row)) for row in counts]
    return np.array([coder.decode_symbol(trees[table]) for table in tables.tolist()],
                    dtype=np.int64)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.float32) / max(1, int(counts.sum()))


def count_symbols(symbols: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Return how often each symbol occurs, a row for each table, in integers that just hold it."""
    shape = (tables.max(initial=0) + 1, symbols.max(initial=0) + 1)
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, (tables, symbols), 1)
    return counts.astype(np.min_scalar_type(counts.max()))


def after_fillers(values: np.ndarray) -> np.ndarray:
    """Return 1 for each entry that follows a filler, else 0: the gap's rest has its own table."""
    return np.append(0, values[:-1] == 0)[:len(values)].astype(np.int64)


def encode_layer(weight: Tensor, bits: int) -> Arrays:
    """Return all that is stored of one layer's weights: `used`, `counts`, `words`, `values`.

    Empty rows and columns are left out first, a bit in `used` for each row and column. What is left
    is a relative index, Huffman-coded with one table for gaps and one for what follows a filler.
    """
    matrix, rows, columns = without_empty(weight)
    gaps, values = relative_index(matrix, bits)
    tables = after_fillers(values)
    counts = count_symbols(gaps, tables)
    return {"used": np.packbits(np.append(rows, columns)), "counts": counts,
            "words": huffman(gaps, tables, counts), "values": values}


def decode_layer(arrays: Arrays, shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights of this shape that `encode_layer` stored."""
    full = np.zeros((shape[0], int(np.prod(shape[1:]))), dtype=arrays["values"].dtype)
    used = np.unpackbits(arrays["used"], count=sum(full.shape)).astype(bool)
    rows, columns = used[:full.shape[0]], used[full.shape[0]:]
    gaps = from_huffman(arrays["words"], after_fillers(arrays["values"]), arrays["counts"])
    flat = from_relative_index(gaps, arrays["values"], int(rows.sum() * columns.sum()))
    full[np.ix_(rows, columns)] = flat.reshape(rows.sum(), columns.sum())
    return full.reshape(shape)


def index_bits(arrays: Arrays) -> int:
    """Return how many bits `encode_layer` stored beside the values."""
    return 8 * sum(array.nbytes for name, array in arrays.items() if name != "values")


def encode_values(values: np.ndarray) -> Arrays:
    """Return values as numbers in a list of those that occur, the numbers as Huffman code."""
    book, numbers = np.unique(values, return_inverse=True)
    one_table = np.zeros(len(numbers), dtype=np.int64)
    counts = count_symbols(numbers, one_table)
    return {"book": book, "book_counts": counts, "numbers": huffman(numbers, one_table, counts)}


def decode_values(arrays: Arrays) -> np.ndarray:
    """Return the values that `encode_values` stored."""
    counts = arrays["book_counts"]
    one_table = np.zeros(int(counts.sum()), dtype=np.int64)
    return arrays["book"][from_huffman(arrays["numbers"], one_table, counts)]
