import json
import re

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib import language
from course_lib._files import RESULTS
from course_lib.models import prunable_layers
from course_lib.surgery import refit, sparsegpt


@pytest.fixture(scope="module")
def plays():
    return language.load_plays()


@pytest.fixture
def tiny():
    return language.char_gpt(1, blocks=1, width=32, heads=2, inner=32)


def test_no_play_stands_in_two_splits(plays):
    titles = [set(re.findall(r"^(.+)\n+by William Shakespeare", text, re.MULTILINE | re.IGNORECASE))
              for text in (plays.train, plays.validation, plays.test)]
    assert titles[1] == {"MACBETH", "TWELFTH NIGHT; OR, WHAT YOU WILL"}
    assert len(titles[2]) == 2
    assert len(titles[0]) > 25
    assert not (titles[0] & titles[1] | titles[0] & titles[2] | titles[1] & titles[2])
    assert set(plays.train) == set(language.CHARACTERS)


def test_what_can_be_pruned_is_24_layers_and_not_the_head():
    model = language.char_gpt()
    layers = prunable_layers(model)
    assert len(layers) == 24
    assert sum(layer.weight.numel() for layer in layers.values()) == 786_432
    assert all(name.startswith("blocks.") for name in layers)


def test_first_weights_follow_the_seed_and_leave_torchs_numbers_alone():
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = language.char_gpt(3), language.char_gpt(3), language.char_gpt(4)
    assert torch.equal(first.blocks[0].q.weight, again.blocks[0].q.weight)
    assert not torch.equal(first.blocks[0].q.weight, other.blocks[0].q.weight)
    assert torch.equal(torch.rand(1), wanted)


def test_the_trained_model_reads_as_its_record_says(plays):
    model = language.load_char_gpt()
    record = json.loads((RESULTS / "train_char_gpt.json").read_text())
    assert not model.training
    assert 1.5 < record["validation_loss"] < 1.6
    text = plays.validation[:60_001]
    with torch.no_grad():  # without piece_losses
        codes = language.encode(text[:59_904 + 1])
        outputs = model(codes[:-1].view(-1, 128)).flatten(0, 1)
    assert language.loss(model, text[:59_905]) == pytest.approx(
        float(cross_entropy(outputs, codes[1:])), abs=1e-4)
    assert language.loss(model, text) == pytest.approx(record["validation_loss"], abs=0.1)


def test_no_character_sees_those_behind_it(tiny):
    codes = language.encode("To be, or not to be")[None]
    changed = codes.clone()
    changed[0, 10] = (changed[0, 10] + 1) % 83
    with torch.no_grad():
        before, after = tiny(codes)[0], tiny(changed)[0]
    torch.testing.assert_close(before[:10], after[:10])
    assert not torch.allclose(before[10:], after[10:])


def test_attention_is_the_softmax_of_scaled_products(tiny):
    block, signal = tiny.blocks[0], torch.randn(1, 5, 32)
    with torch.no_grad():
        seen, heads = block.norm1(signal), []
        for head in range(2):
            rows = slice(32 * head, 32 * head + 32)
            q, k, v = (seen[0] @ part.weight[rows].T for part in (block.q, block.k, block.v))
            later = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
            heads.append((q @ k.T / 32 ** 0.5).masked_fill(later, -torch.inf).softmax(1) @ v)
        wanted = signal + torch.cat(heads, 1) @ block.out.weight.T
        wanted = wanted + block.down(nn.functional.gelu(block.up(block.norm2(wanted))))
        torch.testing.assert_close(block(signal), wanted)


def test_a_loss_is_the_mean_surprise_a_character(tiny):
    text = "Tomorrow, and tomorrow, and tomorrow, creeps in this petty pace. " * 5
    codes = language.encode(text)
    with torch.no_grad():
        wanted = [cross_entropy(tiny(codes[None, start:start + 128])[0],
                                codes[start + 1:start + 129]) for start in (0, 128)]
    losses = language.piece_losses(tiny, text)
    torch.testing.assert_close(losses, torch.stack(wanted))
    assert language.loss(tiny, text) == pytest.approx(float(sum(wanted) / 2))


def test_samples_follow_their_seed(tiny):
    first, again, other = (language.sample(tiny, "O, ", seed, length=20) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 23
    assert first.startswith("O, ")


def test_surgery_reads_it_too(tiny, plays):
    codes, _ = language.windows(plays.train[:4_000])
    pruned, masks = sparsegpt(tiny, 0.5, codes)
    assert set(masks) == set(prunable_layers(tiny))
    assert language.loss(refit(tiny, masks, codes), plays.validation[:2_000]) < 5
    assert not torch.equal(pruned.blocks[0].q.weight, tiny.blocks[0].q.weight)


@pytest.mark.parametrize(("call", "words"), [
    (lambda model: language.encode("Ümlaut"), "a character of text is \\['Ü'\\]"),
    (lambda model: language.encode(""), "len\\(text\\) is 0"),
    (lambda model: language.loss(model, "short"), "len\\(text\\) is 5; allowed is 129"),
    (lambda model: language.sample(model, ""), "prompt is ''"),
])
def test_bad_input_is_refused(call, words, tiny):
    with pytest.raises(ValueError, match=words):
        call(tiny)
