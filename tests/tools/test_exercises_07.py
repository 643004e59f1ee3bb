"""Exercise 7.9, a network in 21 kB: which networks are taken, and what the others are told."""

import pytest
from torch import nn

from course_lib.masks import magnitude_masks, masked
from course_lib.models import load_trained
from course_lib.sizes import share_values

from course_tools.checks.judge import judge
from course_tools.exercises import find

LEAN = find("7.9")


@pytest.fixture
def room(monkeypatch):
    """Grant the bytes that a network has which was never retrained."""
    monkeypatch.setattr("course_tools.exercises.lesson_07.BYTES", 42_000)
    monkeypatch.setattr("course_tools.exercises.lesson_07.ACCURACY", 0.94)


@pytest.mark.usefixtures("room")
def test_the_reference_meets_both_budgets():
    model = load_trained("lenet_300_100")
    twelve = masked(model, magnitude_masks(model, {"fc1": 0.8, "fc2": 0.7}))
    verdict = judge(LEAN, LEAN.reference(twelve))
    assert (verdict.state, verdict.text, verdict.lines) == ("right", LEAN.right, LEAN.met)


@pytest.mark.parametrize(("sparsity", "told"), [
    (0.5, "1 of 2 budgets are met. It reads well, and its file is too long."),
    (0.97, "1 of 2 budgets are met. It is short enough, and reads too"),
])
def test_each_miss_is_told_what_it_was(sparsity, told):
    model = load_trained("lenet_300_100")
    verdict = judge(LEAN, share_values(masked(model, magnitude_masks(model, sparsity)), 5))
    assert verdict.state == "not yet"
    assert verdict.text.startswith(told)


def test_what_misses_both_is_told_so():
    model = load_trained("lenet_300_100")
    nn.init.zeros_(model.fc3.weight)
    assert judge(LEAN, model).text.startswith("0 of 2 budgets are met. It is too long, and it")


@pytest.mark.parametrize(("answer", "told"), [
    ({"fc1": 2}, "my_lean is a dict; allowed is a network"),
    (nn.Linear(3, 4), "my_lean does not run on the digits"),
])
def test_what_is_no_network_for_digits_is_not_weighed(answer, told):
    verdict = judge(LEAN, answer)
    assert verdict.text.startswith(told)
    assert verdict.text.endswith("It was not weighed.")
