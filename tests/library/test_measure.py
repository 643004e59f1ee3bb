import itertools
import time

import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from course_lib.masks import apply_masks, magnitude_masks
from course_lib.measure import latency, measure, side_by_side
from course_lib.models import ARCHITECTURES, load_trained
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


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_macs_agree_with_torchs_counter(name):
    model = ARCHITECTURES[name]().eval()
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


def test_peak_memory_of_a_chain_worked_out_by_hand():
    # lenet_5: 20 maps of 24 x 24 from one image of 28 x 28 are fewer than those and their pooling
    assert measure(ARCHITECTURES["lenet_5"]()).peak_bytes == 4 * (20 * 24 * 24 + 20 * 12 * 12)


def test_measuring_changes_nothing():
    model = load_trained("vgg_mini").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    measure(model)
    latency(model, 2, seconds=0.01)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_what_is_no_chain_is_refused():
    with pytest.raises(ValueError, match="model is a Linear; allowed is an nn.Sequential"):
        measure(torch.nn.Linear(784, 10))


class Sleeper(torch.nn.Module):
    def forward(self, images):
        time.sleep(0.001 * len(images))
        return images


def test_latency_is_the_time_of_a_pass():
    found = latency(Sleeper(), 4, threads=1, seconds=0.1)
    assert 4 <= found.low <= found.median <= found.high
    assert (found.batch, found.threads) == (4, 1)


def test_latency_leaves_torchs_threads_as_they_were():
    before = torch.get_num_threads()
    assert latency(Sleeper(), threads=before + 1, seconds=0.01).threads == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("options", "message"), [
    ({"batch": 0}, "batch is 0; allowed is 1 or more"),
    ({"threads": 0}, "threads is 0; allowed is 1 or more"),
])
def test_a_latency_of_nothing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        latency(Sleeper(), **options)


def test_side_by_side_takes_turns_and_gives_each_its_time():
    said = []
    calls = {"slow": lambda: (said.append("slow"), time.sleep(0.003)),
             "quick": lambda: (said.append("quick"), time.sleep(0.001))}
    found = side_by_side(calls, seconds=0.02, rounds=3)
    assert found["slow"] >= 3
    assert 1 <= found["quick"] < found["slow"]
    assert [name for name, _ in itertools.groupby(said)] == ["slow", "quick"] * 3


def test_side_by_side_sets_torchs_threads_meanwhile():
    before, seen = torch.get_num_threads(), []
    side_by_side({"look": lambda: seen.append(torch.get_num_threads())}, threads=before + 1,
                 seconds=0.001, rounds=1)
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_side_by_side_is_the_median_of_medians(monkeypatch):
    given = iter([[1.0, 9.0, 2.0], [30.0], [4.0, 3.0, 5.0]])
    monkeypatch.setattr("course_lib.measure._times", lambda call, seconds, least: next(given))
    assert side_by_side({"one": print}, rounds=3) == {"one": 4.0}  # of 2, 30 and 4


@pytest.mark.parametrize(("options", "message"), [
    ({"rounds": 0}, "rounds is 0; allowed is 1 or more"),
    ({"threads": 0}, "threads is 0; allowed is 1 or more"),
])
def test_no_turns_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        side_by_side({"one": print}, **options)
