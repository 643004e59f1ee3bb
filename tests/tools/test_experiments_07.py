"""The long run of lesson 07."""

import json

import pytest
import torch

from course_lib._files import RESULTS
from course_lib.data import MNIST
from course_lib.models import lenet_300_100

from course_tools.experiments import lesson_07
from course_tools.experiments.recipes import FOURS, TUNING, best_rates

RUNNERS = ["any", "of each four", "of each four, at random"]


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:128], mnist.validation[:40], mnist.test[:40])


RECIPE = FOURS | {"brief": {"epochs": 1, "lr": 1e-3}, "list": (1e-3, 1e-2), "tuned": (2,),
                  "kept": (4, 2), "rates": {"4": {"whole network": 1e-3},
                                            "2": dict.fromkeys(RUNNERS, 1e-2)}}


def test_each_runner_is_read_as_cut_and_retrained(few):
    rows = lesson_07.two_of_four(few, seed=2, recipe=RECIPE)
    assert [(row["kept"], row["runner"], row["lr"]) for row in rows] == [
        (4, "whole network", 1e-3), *((2, runner, 1e-2) for runner in RUNNERS)]
    assert all(0 <= row[when] <= 1 for row in rows for when in ("before", "after"))


def test_rates_are_tried_on_a_network_of_their_own(few):
    rows = lesson_07.fours_rates(few, seed=0, recipe=RECIPE)
    assert {row["seed"] for row in rows} == {TUNING}
    assert [(row["runner"], row["lr"]) for row in rows] == [
        (runner, lr) for runner in RUNNERS for lr in (1e-3, 1e-2)]


@pytest.mark.parametrize("kept", [1, 2])
def test_all_runners_keep_as_many_of_each_layer(kept):
    masks = lesson_07.fours_masks(lenet_300_100(0), kept, seed=0)
    assert list(masks) == RUNNERS
    for each in masks.values():
        assert [float(mask.double().mean()) for mask in each.values()] == [kept / 4] * 3
    for runner in RUNNERS[1:]:
        assert all((mask.reshape(-1, 4).sum(1) == kept).all() for mask in masks[runner].values())


def test_of_each_four_the_highest_stay():
    scores = torch.tensor([[1.0, 4, 3, 2, 8, 5, 6, 7]])
    assert lesson_07.of_each_four(scores, 2).int().tolist() == [[0, 1, 1, 0, 1, 0, 0, 1]]
    assert lesson_07.of_each_four(scores, 1).int().tolist() == [[0, 1, 0, 0, 1, 0, 0, 0]]


def test_the_recipe_takes_the_rates_that_were_found_best():
    tasks = json.loads((RESULTS / "fours_rates.json").read_text())["tasks"]
    found = best_rates([row for rows in tasks.values() for row in rows])
    assert FOURS["rates"] == {str(at): rates for at, rates in found.items()}
