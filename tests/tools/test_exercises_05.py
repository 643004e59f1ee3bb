"""Exercise 5.7, qualities of one's own: which networks are taken, and what the others are told."""

import pytest
from torch import nn

from course_lib.masks import magnitude_masks, masked
from course_lib.models import lenet_300_100, load_trained

from course_tools.checks.judge import judge
from course_tools.exercises import find

QUALITIES = find("5.7")


@pytest.fixture(scope="module")
def model():
    return load_trained("lenet_300_100")


def test_the_reference_meets_both_budgets(model, mnist):
    verdict = judge(QUALITIES, QUALITIES.reference(model, mnist))
    assert (verdict.state, verdict.text, verdict.lines) == (
        "right", QUALITIES.right, QUALITIES.met)


@pytest.mark.parametrize(("sparsity", "told"), [
    (0.0, "1 of 2 budgets are met. It reads well, but too many weights are left."),
    (0.9, "0 of 2 budgets are met. Too many weights are left, and too many digits lost"),
    ({"fc1": 0.985, "fc2": 0.96}, "1 of 2 budgets are met. It is small enough"),
    (0.999, "1 of 2 budgets are met. It is as bad as guessing"),
])
def test_each_miss_is_told_what_it_was(model, sparsity, told):
    verdict = judge(QUALITIES, masked(model, magnitude_masks(model, sparsity)))
    assert verdict.state == "not yet"
    assert verdict.text.startswith(told)


@pytest.mark.parametrize(("answer", "told"), [
    ([1.0, 0.5], "my_network is a list; allowed is a network"),
    (nn.Linear(3, 4), "my_network does not run on the digits"),
])
def test_what_is_no_network_is_not_weighed(answer, told):
    assert judge(QUALITIES, answer).text.startswith(told)


def test_the_stub_is_no_attempt_and_an_untrained_network_is_weighed():
    assert judge(QUALITIES, ...).state == "not attempted yet"
    assert judge(QUALITIES, lenet_300_100()).text.startswith("0 of 2 budgets are met.")
