"""What the long runs of lesson 01 are made of: twins merged, directions kept, waste removed."""

import pytest
import torch

from course_lib.measure import nonzero_weights
from course_lib.models import lenet_300_100, load_trained
from course_lib.training import evaluate

from course_tools.experiments.lesson_01 import (
    axes_of,
    blank_pixels,
    in_two_steps,
    merge,
    twin_pairs,
    without_units,
    without_waste,
)


@pytest.fixture
def images(mnist):
    return mnist.validation.images[:400]


@torch.no_grad()
def with_copies():
    """Return a network whose unit 7 says twice what unit 3 does, and unit 9 half of it."""
    model = lenet_300_100(5)
    for copy, scale in ((7, 2.0), (9, 0.5)):
        model.fc1.weight[copy] = scale * model.fc1.weight[3]
        model.fc1.bias[copy] = scale * model.fc1.bias[3]
    return model


@torch.no_grad()
def test_exact_copies_are_merged_without_a_trace(images):
    model = with_copies()
    before, outputs = model(images), model[:3](images)
    pairs = twin_pairs(outputs, 0.999)
    assert sorted({unit for pair in pairs for unit in pair}) == [3, 7, 9]
    assert len({goes for _, goes in pairs}) == len(pairs) == 2
    merged = merge(model, outputs, pairs)
    assert torch.allclose(merged(images), before, atol=1e-5)
    assert not torch.allclose(without_units(model, [goes for _, goes in pairs])(images), before,
                              atol=1e-3)
    assert nonzero_weights(merged) == nonzero_weights(model) - 2 * (784 + 100)
    assert torch.equal(model(images), before)  # and the network that was given is as it was


def test_no_unit_stays_for_another_after_it_has_gone():
    torch.manual_seed(0)
    line = torch.randn(500, 1)
    outputs = torch.cat([line + 0.2 * torch.randn(500, 1) for _ in range(6)], dim=1)
    gone = set()
    for stays, goes in twin_pairs(outputs, 0.9):
        assert gone.isdisjoint({stays, goes})
        gone.add(goes)
    assert len(gone) == 5


@torch.no_grad()
def test_all_directions_give_the_same_network_and_few_give_fewer_weights(images):
    model = load_trained("lenet_300_100")
    sums = model[:2](images)
    axes = axes_of(sums)
    whole = in_two_steps(model, axes, sums.mean(dim=0))
    assert torch.allclose(whole(images), model(images), atol=1e-3)
    few = in_two_steps(model, axes[:20], sums.mean(dim=0))
    assert nonzero_weights(few) == 20 * (784 + 300) + 31_000
    assert torch.allclose(few[:3](images).mean(0), sums.mean(0), atol=1e-3)


def test_what_is_left_without_waste(mnist):
    model = load_trained("lenet_300_100")
    lean, blank = without_waste(model, mnist, 40), int(blank_pixels(mnist).sum())
    gone = int((lean.fc1b.weight == 0).all(dim=1).sum())
    assert (blank, 10 < gone < 20) == (67, True)
    assert nonzero_weights(lean) == 40 * (784 - blank + 300 - gone) + (300 - gone) * 100 + 1_000
    assert evaluate(model, mnist.validation) - evaluate(lean, mnist.validation) < 0.005
