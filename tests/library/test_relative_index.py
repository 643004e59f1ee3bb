import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from course_lib import relative_index as coding
from course_lib.masks import apply_masks, magnitude_masks, random_masks
from course_lib.models import load_trained, prunable_layers

matrices = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 40)),
                  elements=st.sampled_from([0.0] * 12 + [1.5, -2.0]))


@given(matrices, st.integers(1, 8))
def test_a_relative_index_describes_any_weights(weights, bits):
    gaps, values = coding.relative_index(weights, bits)
    assert gaps.max(initial=0) < 2 ** bits
    back = coding.from_relative_index(gaps, values, weights.size)
    assert np.array_equal(back, weights.ravel())
    if len(values):
        assert values[-1] != 0  # fillers only where something follows


def test_a_filler_stands_where_a_gap_is_too_long():
    weights = np.zeros(12)
    weights[[1, 10, 11]] = 5, 6, 7
    gaps, values = coding.relative_index(weights, 2)
    assert gaps.tolist() == [1, 3, 3, 0, 0]  # four zeros, four more, and the 6
    assert values.tolist() == [5, 0, 0, 6, 7]


@given(matrices, st.integers(1, 8))
def test_a_layer_comes_back(weights, bits):
    stored = coding.encode_layer(torch.from_numpy(weights), bits)
    assert np.array_equal(coding.decode_layer(stored, weights.shape), weights)


def test_a_convolution_comes_back_in_its_shape():
    weight = load_trained("lenet_5").conv2.weight.detach() * (torch.arange(50) % 3 > 0)[
        :, None, None, None]
    stored = coding.encode_layer(weight, 8)
    assert np.array_equal(coding.decode_layer(stored, weight.shape), weight.numpy())


def test_empty_rows_and_columns_are_left_out():
    weights = torch.zeros(4, 5)
    weights[1, 0], weights[3, 2], weights[3, 0] = 1, 2, 3
    matrix, rows, columns = coding.without_empty(weights)
    assert matrix.tolist() == [[1, 0], [3, 2]]
    assert rows.tolist() == [False, True, False, True]
    assert columns.tolist() == [True, False, True, False, False]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 1)), max_size=300))
def test_huffman_codes_come_back_and_are_close_to_entropy(pairs):
    symbols = np.array([symbol for symbol, _ in pairs], dtype=np.int64)
    tables = np.array([table for _, table in pairs], dtype=np.int64)
    words, counts = coding.huffman(symbols, tables)
    assert np.array_equal(coding.from_huffman(words, counts, tables), symbols)
    least = sum(len(group) * entropy(np.unique(group, return_counts=True)[1], base=2)
                for group in (symbols[tables == table] for table in (0, 1)) if len(group))
    assert least - 1e-6 <= 32 * len(words) <= least + len(symbols) + 64


@given(st.lists(st.integers(0, 300), max_size=300))
def test_counts_are_those_of_a_counter(numbers):
    symbols = np.array(numbers, dtype=np.int64)
    _, counts = coding.huffman(symbols)
    assert {symbol: count for symbol, count in enumerate(counts[0]) if count} == {
        symbol: numbers.count(symbol) for symbol in numbers}
    assert counts.dtype == (np.uint8 if counts.max() < 256 else np.uint16)


def gap_bits(weights):
    """Return the entropy in bits of where non-zeros are: of the gaps from one to the next."""
    gaps, since = [], 0
    for value in weights.ravel().tolist():  # as one would count by hand
        since += 1
        if value:
            gaps.append(since)
            since = 0
    return len(gaps) * entropy(np.unique(gaps, return_counts=True)[1], base=2)


@pytest.mark.parametrize("share", [0.8, 0.9, 11 / 12])
def test_random_places_cost_what_their_entropy_says(share):
    """Where non-zeros fall at random the index costs hardly more than a coin's entropy allows."""
    model = load_trained("lenet_300_100")
    apply_masks(model, random_masks(model, share))
    weight = model.fc1.weight
    bound = gap_bits(weight.detach().numpy())
    density = float((weight != 0).double().mean())
    assert bound == pytest.approx(entropy([density, 1 - density], base=2) * weight.numel(),
                                  rel=0.01)
    spent = 8 * coding.encode_layer(weight, 5)["words"].nbytes
    assert 0.99 * bound < spent < 1.03 * bound  # a filler's gap is said again by its stored zero


def test_what_follows_a_filler_has_a_table_of_its_own():
    """Gaps are 0 or 39, as one bit can say; a filler and its 7 fit into three bits."""
    gaps = np.random.default_rng(0).choice([0, 39], 1_000)
    weights = np.zeros((1, 1_000 + gaps.sum()), dtype=np.float32)
    weights[0, np.cumsum(gaps + 1) - 1] = 1
    gaps, values = coding.relative_index(weights, 5)
    assert set(gaps[values == 0]) == {31}
    tables = coding.after_fillers(values)
    assert set(gaps[tables == 1]) == {7}
    words, _ = coding.huffman(gaps, tables)
    assert 32 * len(words) <= 1_000 + 2 * (values == 0).sum() + 31
    assert gap_bits(weights) == pytest.approx(1_000, rel=0.01)


@pytest.fixture
def twelvefold():
    """Return the layers of LeNet-300-100 with a twelfth of its weights, the largest."""
    model = load_trained("lenet_300_100")
    apply_masks(model, magnitude_masks(model, 1 - 1 / 12))
    return [layer.weight for layer in prunable_layers(model).values()]


def test_the_stream_is_within_3_percent_of_its_gaps_entropy(twelvefold):
    bound = sum(gap_bits(coding.without_empty(weight)[0]) for weight in twelvefold)
    stored = [coding.encode_layer(weight, 5) for weight in twelvefold]
    assert any((layer["values"] == 0).any() for layer in stored)  # fillers are among them
    assert bound < sum(8 * layer["words"].nbytes for layer in stored) < 1.03 * bound


def test_what_is_left_out_pays_for_all_that_stands_beside_the_stream(twelvefold):
    bound = sum(gap_bits(weight.detach().numpy()) for weight in twelvefold)
    stored = [coding.encode_layer(weight, 5) for weight in twelvefold]
    assert sum(8 * layer[part].nbytes for layer in stored
               for part in ("used", "counts", "words")) < 1.03 * bound
