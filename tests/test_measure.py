import numpy as np
import pytest
import scipy.stats
import torch
from safetensors.torch import save_file

from course_lib.masks import apply_masks, magnitude_masks
from course_lib.measure import claim, directions, measure, seed_interval, twins
from course_lib.models import load_trained
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


def test_the_interval_agrees_with_scipy():
    values = [0.91, 0.95, 0.93, 0.99]
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = seed_interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))


def test_the_interval_covers_the_mean_in_95_of_100_samples():
    chance = np.random.default_rng(0)
    spans = [seed_interval(chance.normal(3.0, 2.0, 5).tolist()) for _ in range(4000)]
    assert np.mean([span.low <= 3.0 <= span.high for span in spans]) == pytest.approx(0.95,
                                                                                      abs=0.012)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="values has 1 entries; allowed is 2 or more"):
        seed_interval([0.5])


def test_twins_are_found_whatever_their_scale():
    torch.manual_seed(0)
    units = torch.randn(500, 4)
    copies = torch.stack([3 * units[:, 1] + 1, -units[:, 2], torch.zeros(500)], dim=1)
    assert twins(torch.cat([units, copies], dim=1)) == 2  # unit 1 and its copy; -1 is no twin


def test_directions_of_outputs_of_a_known_rank():
    torch.manual_seed(0)
    mixed = torch.randn(2000, 7) @ torch.linalg.qr(torch.randn(30, 7)).Q.T
    assert directions(mixed, 0.999) == 7
    assert directions(torch.randn(20000, 100)) == pytest.approx(95, abs=2)


def test_a_claim_says_whether_it_holds(capsys):
    claim("two is even", 2 % 2 == 0)
    claim("three is even", 3 % 2 == 0)
    assert capsys.readouterr().out == "holds: two is even\nDOES NOT HOLD HERE: three is even\n"
