import pytest
import torch

from course_lib.data import MNIST
from course_lib.masks import sparsity
from course_lib.scores import wanda_scores

from course_tools.experiments import lesson_12
from course_tools.experiments.recipes import (
    BUDGETS,
    CALIBRATION,
    SURGERY,
    SURGERY_CONVOLUTIONS,
)

ONCE = {"epochs": 1, "lr": 1e-3}


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:128], mnist.validation[:40], mnist.test[:40])


@pytest.fixture(scope="module")
def rows(few):
    recipe = SURGERY | {"brief": ONCE, "sparsities": (0.9,), "images": 64}
    return lesson_12.surgery(few, seed=3, recipe=recipe)


def test_masks_and_values_are_crossed(rows):
    found = {(row["mask"], row["values"]) for row in rows}
    assert len(found) == len(rows)
    for mask in ("magnitude", "random, magnitude's budgets"):
        assert {values for name, values in found if name == mask} == {
            "old", "refitted", "retrained"}
    for mask in ("SparseGPT, same share", "SparseGPT, magnitude's budgets"):
        assert {values for name, values in found if name == mask} == {
            "old", "refitted", "column by column"}
    assert ("whole", "old") in found
    assert {row["seed"] for row in rows} == {3}
    assert all(0 <= row[split] <= 1 for row in rows for split in ("validation", "test"))


def test_retraining_takes_the_rates_that_lesson_02_found(rows):
    rates = {row["mask"]: row["lr"] for row in rows if row["values"] == "retrained"}
    chosen = BUDGETS["rates"]["0.9"]
    assert rates == {"magnitude": chosen["global magnitude"],
                     "random, magnitude's budgets": chosen["global random"]}


def test_every_choice_leaves_as_many_weights_and_budgets_are_those_they_say(few):
    model = lesson_12.lenet_300_100(0)
    model.fc1.weight.data *= 0.3  # so that the layers are not alike
    scores = {name: wanda_scores(model, few.train.images) for name in ("Fisher", "Wanda")}
    found = lesson_12.choices(model, scores, 0.9, seed=1)
    assert all(sparsity(masks) == pytest.approx(0.9, abs=2e-3)  # rows come in whole weights
               for masks in found.values())
    kept = {name: [int(mask.sum()) for mask in masks.values()] for name, masks in found.items()}
    for name in ("random, magnitude's budgets", "Wanda by layer, magnitude's budgets"):
        assert kept[name] == kept["magnitude"]
    assert kept["Wanda by row, magnitude's budgets"] == pytest.approx(kept["magnitude"], rel=0.1)
    assert kept["Wanda by layer"] == kept["random, same share"] == [23_520, 3_000, 100]
    mixed = found["Wanda by layer, the last by row"]
    assert mixed["fc1"].equal(found["Wanda by layer"]["fc1"])
    assert mixed["fc3"].equal(found["Wanda by row"]["fc3"])
    assert found["Fisher"]["fc1"].equal(found["Wanda over all"]["fc1"])  # of the same scores here


def test_of_two_draws_one_holds_the_other_and_seeds_differ(few):
    some, more, other = (lesson_12.calibration(few, seed, count).images
                         for seed, count in ((0, 10), (0, 20), (1, 10)))
    assert torch.equal(some, more[:10])
    assert not torch.equal(some, other)


def test_few_images_and_many_with_each_damping(few):
    recipe = CALIBRATION | {"brief": ONCE, "counts": (60, 8), "dampings": (0.1, 1.0)}
    found = lesson_12.calibration_images(few, seed=2, recipe=recipe)
    assert [(row["images"], row["damping"], row["values"]) for row in found] == [
        (count, damping, values) for count in (60, 8) for damping in (0.1, 1.0)
        for values in ("refitted", "column by column")]


def test_convolutions_are_read_with_old_statistics_and_new(few):
    recipe = SURGERY_CONVOLUTIONS | {"brief": ONCE, "trained": 64, "sparsities": (0.8,),
                                     "images": 8}
    whole, *found = lesson_12.surgery_convolutions(few, seed=1, recipe=recipe)
    assert whole["mask"] == "whole"
    assert [row["values"] for row in found] == [
        "old", "old, statistics anew", "refitted", "refitted, statistics anew"]
