import copy
import gzip

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from torch import nn

from course_lib import sizes
from course_lib.masks import apply_masks, magnitude_masks, random_masks
from course_lib.models import ARCHITECTURES, load_trained, prunable_layers


def pruned(name, share, choose=magnitude_masks):
    model = load_trained(name)
    apply_masks(model, choose(model, share))
    return model


@pytest.mark.parametrize("share", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_format_gives_an_equal_model_back(name, share):
    model = pruned(name, share)
    shell = copy.deepcopy(model)
    for layer in shell.modules():  # no format but the second may take a value from the model
        for values in layer.parameters(recurse=False):
            values.data[values != 0] = 7
    for key, form in sizes.FORMATS.items():
        back = form.read(form.write(model), shell)
        assert list(back) == list(model.state_dict())
        for name_, value in model.state_dict().items():
            assert back[name_].dtype == value.dtype
            assert torch.equal(back[name_], value), (key, name_)


def test_the_sizes_are_those_that_one_can_count():
    model = pruned("lenet_300_100", 11 / 12)
    found = sizes.sizes(model)
    weights, biases, left = 266_200, 410, sum(
        int(layer.weight.count_nonzero()) for layer in prunable_layers(model).values())
    assert found["weights × 4"] == 4 * (weights + biases)
    assert found["non-zeros × 4"] == 4 * (left + biases)
    starts = 2 * (301 + 101 + 11)  # 16 bits each, since none points further than 65,535
    columns = 2 * prunable_layers(model)["fc1"].weight.count_nonzero() + sum(
        {"fc2": 2, "fc3": 1}[name] * prunable_layers(model)[name].weight.count_nonzero()
        for name in ("fc2", "fc3"))
    assert 0 < found["CSR"] - (4 * (left + biases) + int(columns) + starts) < 1_500  # the header
    assert found["non-zeros × 4"] < found["zstd"] < found["gzip"] < found["safetensors"]
    assert found["relative index"] < found["CSR"]


def test_a_format_that_loses_something_is_noticed(monkeypatch):
    broken = sizes.Format(sizes.FORMATS["CSR"].write, lambda content, model: {
        name: value + 1 for name, value in model.state_dict().items()})
    monkeypatch.setitem(sizes.FORMATS, "CSR", broken)
    with pytest.raises(RuntimeError, match="CSR does not give the model back"):
        sizes.sizes(pruned("lenet_300_100", 0.9))


weights = st.lists(st.sampled_from([0.0] * 12 + [1.5, -2.0]), min_size=1, max_size=400)


@given(weights, st.integers(1, 8))
def test_a_relative_index_describes_any_weights(values, bits):
    weight = torch.tensor(values)
    symbols, stored = sizes.relative_index(weight, bits)
    assert symbols.max(initial=0) < 2 ** bits
    assert sizes.from_relative_index(symbols, stored, len(values)).tolist() == values
    if len(stored):
        assert stored[-1] != 0  # fillers only where something follows


@given(st.lists(st.integers(0, 31), max_size=300))
def test_huffman_codes_come_back_and_are_close_to_entropy(symbols):
    symbols = np.array(symbols, dtype=np.int64)
    counts = np.bincount(symbols, minlength=32)
    words = sizes.huffman(symbols, counts)
    assert np.array_equal(sizes.from_huffman(words, counts), symbols)
    shares = counts[counts > 0] / max(1, len(symbols))
    entropy = -(shares * np.log2(shares)).sum()
    assert entropy * len(symbols) - 1e-6 <= 32 * len(words) <= (entropy + 1) * len(symbols) + 64


@pytest.mark.parametrize("share", [0.8, 0.9, 11 / 12])
def test_random_places_cost_what_their_entropy_says(share):
    """Where non-zeros fall at random the index costs hardly more than a coin's entropy allows."""
    model = pruned("lenet_300_100", share, random_masks)
    weight = model.fc1.weight
    symbols, _ = sizes.relative_index(weight, 5)
    spent = 32 * len(sizes.huffman(symbols, np.bincount(symbols, minlength=32)))
    bound = sizes.gap_bits(weight)
    density = float((weight != 0).double().mean())
    coin = -density * np.log2(density) - (1 - density) * np.log2(1 - density)
    assert bound == pytest.approx(coin * weight.numel(), rel=0.01)
    assert bound - 32 <= spent < 1.03 * bound  # a last word of nothing but zeros is not written


def test_csr_is_scipys_with_narrower_indices():
    model = pruned("lenet_300_100", 0.9)
    matrix = csr_matrix(model.fc1.weight.detach().numpy())
    scipys = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
    ours = matrix.data.nbytes + matrix.indices.nbytes // 2 + matrix.indptr.nbytes // 2
    arrays = sizes.load_arrays(sizes.FORMATS["CSR"].write(model))
    assert sum(arrays[f"fc1.weight.{part}"].nbytes
               for part in ("data", "columns", "starts")) == ours < scipys


def test_gzip_is_the_same_every_time():
    model = nn.Sequential(nn.Linear(3, 2))
    write = sizes.FORMATS["gzip"].write
    assert write(model) == write(model)
    assert gzip.decompress(write(model)) == sizes.FORMATS["safetensors"].write(model)
