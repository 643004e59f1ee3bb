"""Exercise 4.7, half of vgg_mini: which networks are taken, and what the others are told."""

import pytest
from torch import nn

from course_lib.masks import units_to_keep
from course_lib.models import lenet_300_100, load_trained
from course_lib.removal import remove_units

from course_tools.checks.judge import judge
from course_tools.exercises import find

HALF = find("4.7")


@pytest.fixture(scope="module")
def model():
    return load_trained("vgg_mini")


def test_the_reference_meets_both_budgets(model):
    verdict = judge(HALF, HALF.reference(model))
    assert (verdict.state, verdict.text, verdict.lines) == ("right", HALF.right, HALF.met)


@pytest.mark.parametrize(("shares", "told"), [
    (0.3, "1 of 2 budgets are met. It is small enough."),
    ({"conv4_2": 0.5}, "1 of 2 budgets are met. It reads well, but"),
    ({"conv1_1": 0.75}, "0 of 2 budgets are met. Too many weights are left, and"),
    (0.75, "1 of 2 budgets are met. It is as bad as guessing"),
])
def test_each_miss_is_told_what_it_was(model, shares, told):
    verdict = judge(HALF, remove_units(model, units_to_keep(model, shares)))
    assert verdict.state == "not yet"
    assert verdict.text.startswith(told)


@pytest.mark.parametrize(("answer", "told"), [
    ({"conv4_1": 0.5}, "my_half is a dict; allowed is a network"),
    (nn.Linear(3, 4), "my_half does not run on the digits"),
    (None, "my_half is a NoneType"),
])
def test_what_is_no_network_is_not_weighed(answer, told):
    assert judge(HALF, answer).text.startswith(told)


def test_the_stub_is_no_attempt_and_another_network_is_weighed():
    assert judge(HALF, ...).state == "not attempted yet"
    assert judge(HALF, lenet_300_100()).text.startswith("0 of 2 budgets are met.")
