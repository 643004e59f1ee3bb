import functools
import itertools
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from course_lib.masks import apply_masks, magnitude_masks
from course_lib.measure import measure, side_by_side
from course_lib.models import NETWORKS, load_trained
from course_lib.training import evaluate


def test_counts_and_bytes(tmp_path, mnist):
    model = load_trained("vgg_mini")
    report = measure(model)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    assert report.dense_bytes == (tmp_path / "model.safetensors").stat().st_size
    assert report.parameters == sum(p.numel() for p in model.parameters())
    assert report.weights == report.nonzero == 123_464
    assert report.accuracy is None
    split = mnist.validation[:500]
    assert measure(model, split).accuracy == evaluate(model, split)


def test_zeros_are_counted_and_shrink_nothing():
    model = load_trained("lenet_5")
    dense = measure(model)
    apply_masks(model, magnitude_masks(model, 0.9))
    sparse = measure(model)
    assert sparse.nonzero == 430_500 - 387_450
    assert sparse.sparsity == pytest.approx(0.9)
    assert sparse.dense_bytes == dense.dense_bytes


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_agree_with_torchs_counter(name):
    model = NETWORKS[name]().eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    report = measure(model)
    assert 2 * report.macs == counter.get_total_flops()
    assert report.macs == report.macs_nonzero


def test_macs_with_zeros_left_out_are_counted_apart():
    model = load_trained("lenet_5")
    masks = magnitude_masks(model, {"conv1": 0.5, "fc1": 0.9})
    apply_masks(model, masks)
    full, report = measure(load_trained("lenet_5")), measure(model)
    assert report.macs == full.macs
    assert full.macs - report.macs_nonzero == 24 * 24 * 250 + 360_000


def test_measuring_changes_nothing():
    model = load_trained("vgg_mini").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    measure(model)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_no_hook_is_left_behind():
    model = load_trained("resnet_mini")
    measure(model)
    with pytest.raises(RuntimeError):
        measure(torch.nn.Linear(9, 10))  # which reads no images
    assert not any(part._forward_hooks for part in model.modules())


class Twice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(28, 28)

    def forward(self, images):
        return self.layer(self.layer(images))


def test_a_layer_is_counted_as_often_as_it_is_used():
    report = measure(Twice())
    assert report.weights == 28 * 28
    assert report.macs == 2 * 28 * 28 * 28  # twice for each of 28 rows


def test_side_by_side_takes_turns():
    called = []
    calls = {name: functools.partial(called.append, name) for name in ("one", "other")}
    assert list(side_by_side(calls, seconds=0.003, rounds=3)) == ["one", "other"]
    assert [name for name, _ in itertools.groupby(called)] == ["one", "other"] * 3


def test_side_by_side_sets_torchs_threads_meanwhile():
    before, seen = torch.get_num_threads(), []
    side_by_side({"look": lambda: seen.append(torch.get_num_threads())}, threads=before + 1,
                 seconds=0.001, rounds=1)
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_side_by_side_is_the_median_of_medians(monkeypatch):
    given = iter([[1.0, 9.0, 2.0], [30.0], [4.0, 3.0, 5.0]])
    monkeypatch.setattr("torch.utils.benchmark.Timer.blocked_autorange",
                        lambda timer, min_run_time: SimpleNamespace(times=next(given)))
    assert side_by_side({"one": print}, rounds=3) == {"one": 4_000.0}  # ms, of 2, 30 and 4 s


@pytest.mark.parametrize(("options", "message"), [
    ({"rounds": 0}, "rounds is 0; allowed is 1 or more"),
    ({"threads": 0}, "threads is 0; allowed is 1 or more"),
])
def test_no_turns_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        side_by_side({"one": print}, **options)
