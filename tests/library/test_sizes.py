import copy
import gzip

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as load_arrays
from scipy.sparse import csr_matrix
from torch import nn

from course_lib import sizes
from course_lib.masks import apply_masks, magnitude_masks
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
    for layer in shell.modules():  # no format may take a value from the model
        for values in layer.parameters(recurse=False):
            values.data[values != 0] = 7
    for key, form in sizes.FORMATS.items():
        back = form.read(form.write(model), shell)
        assert set(back) == set(model.state_dict())
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


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_shared_values_are_few_near_and_leave_zeros_alone(bits):
    model = pruned("lenet_5", 0.9)
    shared = sizes.share_values(model, bits)
    for name, layer in prunable_layers(model).items():
        was, now = layer.weight.detach(), shared.get_submodule(name).weight.detach()
        assert len(now.unique()) <= 2 ** bits
        assert torch.equal(was == 0, now == 0)
        book = now[now != 0].unique()
        nearest = (was[was != 0][:, None] - book).abs().min(dim=1).values
        assert torch.allclose((was - now)[was != 0].abs(), nearest, atol=1e-6)
        even = torch.linspace(float(was.min()), float(was.max()), 2 ** bits - 1)
        naive = (was[was != 0][:, None] - even).abs().min(dim=1).values
        assert nearest.mean() < naive.mean()  # k-means has put them where weights are
        assert torch.equal(shared.get_submodule(name).bias, layer.bias)


def test_more_shared_values_move_weights_less():
    weight = pruned("lenet_300_100", 0.9).fc1.weight.detach()
    moved = [float((sizes.share_values(pruned("lenet_300_100", 0.9), bits).fc1.weight.detach()
                    - weight).square().sum()) for bits in (2, 4, 6, 8)]
    assert moved == sorted(moved, reverse=True)
    assert moved[-1] < moved[0] / 500


def test_bits_may_differ_from_layer_to_layer():
    shared = sizes.share_values(pruned("lenet_300_100", 0.9), {"fc1": 4, "fc2": 3, "fc3": 2})
    found = {name: len(layer.weight.unique()) for name, layer in prunable_layers(shared).items()}
    assert 8 < found["fc1"] <= 16  # a centre may end without weights
    assert (found["fc2"], found["fc3"]) == (8, 4)


@pytest.mark.parametrize("bits", [1, 17, 5.0, {"fc1": 5, "fc2": 0, "fc3": 5}])
def test_impossible_bits_are_refused(bits):
    with pytest.raises(ValueError, match="allowed is a whole number, 2 to 16"):
        sizes.share_values(load_trained("lenet_300_100"), bits)


@pytest.mark.parametrize("share", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shared_values_come_back_with_their_book(name, share):
    model = sizes.share_values(pruned(name, share), 5)
    content = sizes.SHARED.write(model)
    back = sizes.SHARED.read(content, ARCHITECTURES[name](seed=7))  # the book is in the content
    for key, value in model.state_dict().items():
        assert torch.equal(back[key], value), key
    kept = sum(int(layer.weight.count_nonzero()) for layer in prunable_layers(model).values())
    plain = len(sizes.FORMATS["relative index"].write(model))
    assert len(content) < plain - 2 * kept or not kept  # at least two of four bytes a value saved
    assert len(content) > kept * 1.5 / 8  # no value in less than a bit and a half


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


@given(st.lists(st.sampled_from([0.0, -1.5, 2.25, 3.0, 7.0]), min_size=1, max_size=200))
def test_listed_values_come_back(values):
    model = nn.Sequential(nn.Linear(len(values), 1, bias=False))
    model[0].weight.data = torch.tensor([values])
    content = sizes.SHARED.write(model)
    assert torch.equal(sizes.SHARED.read(content, model)["0.weight"], model[0].weight)
    stored = load_arrays(content)
    assert set(stored["0.weight.book"].tolist()) - {0.0} == set(values) - {0.0}
    assert 32 * len(stored["0.weight.numbers"]) <= 4 * len(values) + 31  # five need no fifth bit
