"""Heads, inner neurons and blocks: removed gives what zeroed gives, and is smaller."""

import copy

import pytest
import torch
from safetensors.torch import save

from course_lib.heads import remove_blocks, remove_heads, remove_neurons
from course_lib.language import char_gpt


@pytest.fixture
def model():
    model = char_gpt(2, blocks=3, width=48, heads=3, inner=40).eval()
    for name, values in model.named_parameters():  # biases that are not zero
        if name.endswith("bias"):
            torch.nn.init.normal_(values)
    return model


def outputs(model):
    codes = torch.randint(83, (2, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model(codes)


def smaller(small, model, parameters):
    assert sum(p.numel() for p in model.parameters()) - sum(
        p.numel() for p in small.parameters()) == parameters
    saved = len(save(model.state_dict())) - len(save(small.state_dict()))
    assert saved == pytest.approx(4 * parameters, abs=1500)  # the file's header differs as well


def test_removed_heads_are_heads_that_nobody_reads(model):
    before = copy.deepcopy(model.state_dict())
    small, zeroed = remove_heads(model, {1: torch.tensor([0, 2])}), copy.deepcopy(model)
    zeroed.blocks[1].out.weight.data[:, 32:64] = 0
    torch.testing.assert_close(outputs(small), outputs(zeroed))
    assert not torch.allclose(outputs(small), outputs(model))
    smaller(small, model, 4 * 32 * 48)
    assert small.blocks[1].q.out_features == small.blocks[1].out.in_features == 64
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())


def test_removed_neurons_are_neurons_that_nobody_reads(model):
    stay = torch.tensor([0, 3, 4, 17, 39])
    small, zeroed = remove_neurons(model, {0: stay, 2: stay}), copy.deepcopy(model)
    for number in (0, 2):
        goes = torch.ones(40, dtype=torch.bool)
        goes[stay] = False
        zeroed.blocks[number].down.weight.data[:, goes] = 0
    torch.testing.assert_close(outputs(small), outputs(zeroed))
    smaller(small, model, 2 * 35 * (2 * 48 + 1))


def test_a_removed_block_adds_nothing(model):
    small, zeroed = remove_blocks(model, torch.tensor([0, 2])), copy.deepcopy(model)
    for values in (zeroed.blocks[1].out.weight, zeroed.blocks[1].down.weight,
                   zeroed.blocks[1].down.bias):
        values.data.zero_()
    torch.testing.assert_close(outputs(small), outputs(zeroed))
    smaller(small, model, sum(p.numel() for p in model.blocks[1].parameters()))


@pytest.mark.parametrize(("call", "words"), [
    (lambda model: remove_heads(model, {0: torch.tensor([3])}), "keep\\[0\\] is .*from 0 to 2"),
    (lambda model: remove_heads(model, {3: torch.tensor([0])}), "block is 3; allowed is 0 to 2"),
    (lambda model: remove_neurons(model, {0: torch.tensor([1, 0])}), "keep\\[0\\]"),
    (lambda model: remove_neurons(model, {0: torch.tensor([0.5])}), "keep\\[0\\]"),
    (lambda model: remove_blocks(model, torch.tensor([], dtype=torch.int64)), "keep is "),
])
def test_what_is_not_there_is_refused(call, words, model):
    with pytest.raises(ValueError, match=words):
        call(model)
