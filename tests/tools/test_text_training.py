import pytest
import torch

from course_lib.language import char_gpt, load_plays
from course_lib.masks import random_masks
from course_lib.models import prunable_layers

from course_tools.experiments import text_training
from course_tools.experiments.text_training import train_on_text


@pytest.fixture(scope="module")
def text():
    return load_plays().train[:20_000]


def tiny():
    return char_gpt(1, blocks=1, width=32, heads=1, inner=32)


def test_training_learns_and_keeps_masked_weights_at_zero(text):
    model = tiny()
    masks = random_masks(model, 0.5)
    losses = train_on_text(model, text, steps=30, masks=masks)
    assert losses[-1] < losses[0] - 0.5
    for name, layer in prunable_layers(model).items():
        assert not layer.weight[~masks[name]].any()


def test_a_run_that_was_cut_off_comes_to_the_same_end(text, tmp_path, monkeypatch):
    monkeypatch.setattr(text_training, "SAVED_EVERY", 4)
    whole, broken, again, calls = tiny(), tiny(), tiny(), []

    def stop_at_the_seventh(*_):
        if len(calls) == 6:
            raise KeyboardInterrupt
        calls.append("step")

    losses = train_on_text(whole, text, steps=10)
    broken.register_forward_pre_hook(stop_at_the_seventh)
    with pytest.raises(KeyboardInterrupt):
        train_on_text(broken, text, steps=10, save=tmp_path / "state.pt")
    calls.clear()
    again.register_forward_pre_hook(lambda *_: calls.append("step"))
    assert train_on_text(again, text, steps=10, save=tmp_path / "state.pt") == losses
    assert len(calls) == 6  # from the fourth step on
    assert all(torch.equal(value, again.state_dict()[name])
               for name, value in whole.state_dict().items())


def test_a_text_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match=r"len\(text\) is 5; allowed is 130 or more"):
        train_on_text(tiny(), "short", steps=1)
