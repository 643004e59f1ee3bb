import copy

import pytest
import torch
from torch import nn

from course_lib.data import MNIST, Split
from course_lib.intervals import Drop
from course_lib.masks import magnitude_masks, masked, units_to_keep
from course_lib.models import load_trained, prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.search import (
    Trial,
    conclude,
    drop,
    search_drop_bound,
    sensitivity_scan,
    smallest_within,
)
from course_lib.training import evaluate, reestimate_batch_norm

SHARES = (0.0, 0.5, 0.9)


def test_a_scan_by_weight_prunes_each_layer_alone(mnist):
    model, split = load_trained("lenet_300_100"), mnist.validation[:500]
    scan = sensitivity_scan(model, split, SHARES)
    assert list(scan) == ["fc1", "fc2", "fc3"]
    assert [values[0] for values in scan.values()] == [evaluate(model, split)] * 3
    pruned = masked(model, magnitude_masks(model, {"fc2": 0.9}))
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


def test_a_scan_estimates_batch_norm_anew_where_it_is_given_a_split(mnist):
    model, split = load_trained("vgg_mini"), mnist.validation[:300]
    statistics = mnist.train[:200]
    scan = sensitivity_scan(model, split, (0.5,), "filter", statistics=statistics)
    keep = units_to_keep(model, {"conv2_1": 0.5})
    removed = reestimate_batch_norm(remove_units(model, keep), statistics)
    assert scan["conv2_1"] == [pytest.approx(evaluate(removed, split), abs=0.004)]
    stale = sensitivity_scan(model, split, (0.5,), "filter")
    assert scan["conv2_1"][0] > stale["conv2_1"][0] + 0.02


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


def test_a_drop_is_positive_for_a_loss_and_counts_pairs(mnist):
    original = load_trained("lenet_300_100")
    masks = magnitude_masks(original, 0.9)
    pruned = masked(original, masks)
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


# The drop bound

class Reader(nn.Module):
    """Read each image's label off its first pixel, wrong for the first `wrong` images."""

    def __init__(self, wrong, weights):
        super().__init__()
        self.wrong, self.layer = wrong, nn.Linear(10, 10)
        self.layer.weight.data.flatten()[weights:] = 0

    def forward(self, images):
        number, label = images[:, 0, 0, 0], images[:, 0, 0, 1].long()
        return nn.functional.one_hot((label + (number < self.wrong)) % 10, 10).float()


@pytest.fixture
def toy():
    """Splits of 1,000 images whose pixels say which image it is and what its label is."""
    images = torch.zeros(1_000, 1, 28, 28)
    labels = torch.arange(1_000) % 10
    images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.arange(1_000.0), labels.float()
    split = Split.__new__(Split)
    object.__setattr__(split, "images", images)
    object.__setattr__(split, "labels", labels)
    return MNIST(split, split, split)


def prune_along(curve):
    """Return a prune function whose drop at x is curve(x), with 100 · (1 − x) weights left."""
    def prune(model, x):
        seen.append(x)
        return Reader(round(1_000 * curve(x)), round(100 * (1 - x)))
    seen = prune.seen = []
    return prune


def test_the_search_ends_close_below_the_bound(toy):
    prune = prune_along(lambda x: 0.1 * x ** 2)  # the bound of 0.05 is reached at 0.707
    found = search_drop_bound(Reader(0, 100), toy, 0.05, prune, refine=8)
    assert found.strength == pytest.approx(0.707, abs=0.01)
    assert found.validation.value <= 0.05
    assert found.nonzero == round(100 * (1 - found.strength))
    assert found.evaluations == len(prune.seen) == 5 + 8


def test_a_dip_does_not_stop_the_search(toy):
    prune = prune_along(lambda x: 0.2 if 0.3 < x < 0.5 else 0.0 if x < 0.7 else 0.3)
    found = search_drop_bound(Reader(0, 100), toy, 0.01, prune)
    assert 0.6 <= found.strength < 0.7


def test_where_nothing_fits_the_original_comes_back(toy):
    model = Reader(0, 100)
    found = search_drop_bound(model, toy, 0.01, prune_along(lambda x: 0.5))
    assert found.model is model
    assert (found.strength, found.verdict, found.nonzero, found.evaluations) == (
        None, "nothing fits", 100, 5)


def test_where_all_fit_the_most_severe_is_taken(toy):
    found = search_drop_bound(Reader(0, 100), toy, 0.01, prune_along(lambda x: 0.0))
    assert (found.strength, found.evaluations) == (0.9, 5)


def test_the_verdict_follows_the_test_interval(toy):
    flawless = Reader(0, 100)
    verdicts = {}
    for wrong in (0, 48, 52, 90):
        trial = Trial(0.5, 50, drop(flawless, Reader(0, 50), toy.validation), Reader(wrong, 50))
        found = conclude(flawless, toy, 0.05, [trial])
        verdicts[wrong] = found.verdict
        assert found.test.value == wrong / 1_000
    assert verdicts == {0: "met", 48: "open", 52: "open", 90: "missed"}


def test_a_real_network_is_searched_on_validation_alone(mnist):
    model = load_trained("lenet_300_100")

    def prune(model, x):
        return masked(model, magnitude_masks(model, x))

    blind = MNIST(mnist.train, mnist.validation, mnist.test[:1])
    found, again = (search_drop_bound(model, data, 0.01, prune, refine=3)
                    for data in (mnist, blind))
    assert found.strength == again.strength
    assert 0.6 < found.strength < 0.95
    assert found.validation.value <= 0.01


def test_the_smallest_within_a_bound_is_chosen_even_where_drops_do_not_rise_steadily(toy):
    trials = [Trial(0.0, weights, Drop(value, 0, 0, 0, 0), None)
              for weights, value in ((80, 0.009), (60, 0.003), (40, 0.005), (20, 0.04))]
    assert [smallest_within(trials, bound) for bound in (0.001, 0.003, 0.005, 0.04)] == [
        None, trials[1], trials[2], trials[3]]
    rows = [{"bytes": size, "lost": lost} for size, lost in ((100, 0), (120, -9), (90, 9))]
    assert smallest_within(rows, 0, drop=lambda row: row["lost"],
                           size=lambda row: row["bytes"]) is rows[0]


@pytest.mark.parametrize(("call", "message"), [
    (lambda toy: search_drop_bound(Reader(0, 9), toy, 1.5, None), "drop_bound is 1.5; allowed is"),
    (lambda toy: search_drop_bound(Reader(0, 9), toy, 0.1, None, strengths=[]),
     r"strengths is \[\]; allowed"),
    (lambda toy: search_drop_bound(Reader(0, 9), toy, 0.1, None, strengths=[0.5, 0.2]),
     r"strengths is \[0.5, 0.2\]; allowed is one or more, rising"),
    (lambda toy: search_drop_bound(Reader(0, 9), toy, 0.1, None, refine=-1), "refine is -1; "),
])
def test_a_search_that_cannot_be_is_refused(toy, call, message):
    with pytest.raises(ValueError, match=message):
        call(toy)
