import copy

import numpy as np
import pytest
import torch

from course_lib.masks import apply_masks, magnitude_masks
from course_lib.models import load_trained, prunable_layers
from course_lib.scores import unit_scores
from course_lib.search import drop, paired_drop, sensitivity_scan
from course_lib.training import evaluate

SHARES = (0.0, 0.5, 0.9)


def test_a_scan_by_weight_prunes_each_layer_alone(mnist):
    model, split = load_trained("lenet_300_100"), mnist.validation[:500]
    scan = sensitivity_scan(model, split, SHARES)
    assert list(scan) == ["fc1", "fc2", "fc3"]
    assert [values[0] for values in scan.values()] == [evaluate(model, split)] * 3
    pruned = copy.deepcopy(model)
    apply_masks(pruned, magnitude_masks(model, {"fc2": 0.9}))
    assert scan["fc2"][2] == evaluate(pruned, split)


def test_a_scan_by_filter_takes_bias_and_norm_along(mnist):
    model, split = load_trained("vgg_mini"), mnist.validation[:300]
    scan = sensitivity_scan(model, split, SHARES, granularity="filter")
    assert list(scan) == [name for name in prunable_layers(model) if name.startswith("conv")]
    zeroed = copy.deepcopy(model)
    worst = unit_scores(model.conv2_1.weight, "filter").argsort()[:8]
    for part in (zeroed.conv2_1, zeroed.norm2_1):
        for values in part.parameters():
            values.data[worst] = 0
    assert scan["conv2_1"][1] == evaluate(zeroed, split)


@pytest.mark.parametrize(("granularity", "layers"), [
    ("neuron", ["fc1"]), ("column", ["conv1", "conv2", "fc1", "fc2"]),
    ("channel", ["conv1", "conv2"])])
def test_a_scan_covers_the_layers_that_have_such_units(granularity, layers, mnist):
    model = load_trained("lenet_5")
    before = copy.deepcopy(model.state_dict())
    scan = sensitivity_scan(model, mnist.validation[:50], (0.5,), granularity=granularity)
    assert list(scan) == layers
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_an_unknown_granularity_is_refused(mnist):
    with pytest.raises(ValueError, match="granularity is 'row'; allowed is one of neuron"):
        sensitivity_scan(load_trained("lenet_5"), mnist.validation[:50], (0.5,), granularity="row")


def covers(true_drop, discordance, images, trials, generator):
    """Simulate pairs of networks; return the share of intervals that hold the true drop."""
    chances = ((discordance + true_drop) / 2, (discordance - true_drop) / 2)
    counts = generator.multinomial(images, (*chances, 1 - discordance), size=trials)
    found = {tuple(pair): paired_drop(*pair, images) for pair in set(map(tuple, counts[:, :2]))}
    return np.mean([found[tuple(pair)].low <= true_drop <= found[tuple(pair)].high
                    for pair in counts[:, :2]])


@pytest.mark.parametrize("images", [500, 2_000, 10_000])
@pytest.mark.parametrize(("true_drop", "discordance"), [
    (0.0, 0.002), (0.0, 0.01), (0.0, 0.05), (0.002, 0.005), (0.005, 0.01), (0.01, 0.02),
    (0.02, 0.03), (0.02, 0.05)])
def test_the_interval_of_a_drop_covers_it_as_often_as_it_says(images, true_drop, discordance):
    coverage = covers(true_drop, discordance, images, 20_000, np.random.default_rng(0))
    assert coverage >= 0.94


def test_the_interval_is_not_wider_than_it_need_be():
    coverage = covers(0.3, 0.4, 500, 20_000, np.random.default_rng(0))
    assert 0.94 <= coverage <= 0.96


def test_a_drop_is_positive_for_a_loss_and_counts_pairs(mnist):
    original = load_trained("lenet_300_100")
    pruned, masks = copy.deepcopy(original), magnitude_masks(original, 0.9)
    apply_masks(pruned, masks)
    split = mnist.validation[:1_000]
    found = drop(original, pruned, split)
    assert found.value == pytest.approx(evaluate(original, split) - evaluate(pruned, split))
    assert found.low < found.value < found.high
    assert found.value == pytest.approx((found.lost - found.gained) / 1_000)
    back = drop(pruned, original, split)
    assert (back.lost, back.gained) == (found.gained, found.lost)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_the_same_network_has_no_drop_but_an_interval(mnist):
    model = load_trained("lenet_300_100")
    same = drop(model, model, mnist.validation[:1_000])
    assert same.value == 0
    assert -0.01 < same.low < 0 < same.high < 0.01


@pytest.mark.parametrize("counts", [(-1, 0, 10), (6, 5, 10), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="lost, gained, images are"):
        paired_drop(*counts)
