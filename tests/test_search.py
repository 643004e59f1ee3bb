import copy

import pytest
import torch

from course_lib.masks import apply_masks, magnitude_masks
from course_lib.models import load_trained, prunable_layers
from course_lib.scores import unit_scores
from course_lib.search import sensitivity_scan
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
