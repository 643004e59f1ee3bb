import json

import pytest
import torch

from course_lib._files import RESULTS
from course_lib.data import MNIST
from course_lib.masks import units_to_keep
from course_lib.models import prunable_layers

from course_tools.experiments import lesson_02, lesson_03, lesson_04
from course_tools.experiments.recipes import (
    BUDGETS,
    CONTEST,
    FILTER_RACE,
    TUNING,
    best_rates,
    without_rates,
)


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:128], mnist.validation[:40], mnist.test[:40])


ONCE = {"epochs": 1, "lr": 1e-3}
WAYS = ["uniform magnitude", "uniform random", "global magnitude", "global random"]


@pytest.fixture(scope="module")
def budget_rows(few):
    recipe = BUDGETS | {"brief": ONCE, "sparsities": (0.0, 0.9), "list": (1e-3, 1e-2), "rates": {
        "0.0": {"none none": 1e-3}, "0.9": dict.fromkeys(WAYS, 1e-2)}}
    return (lesson_02.budgets(few, seed=3, recipe=recipe),
            lesson_02.budget_rates(few, seed=3, recipe=recipe))


def test_budget_and_choice_are_crossed(budget_rows):
    rows, rates = budget_rows
    assert [f"{row['budget']} {row['choice']}" for row in rows] == ["none none", *WAYS]
    assert [row["lr"] for row in rows] == [1e-3, *[1e-2] * 4]
    assert {row["seed"] for row in rows} == {3}
    assert {row["seed"] for row in rates} == {3 + TUNING}
    assert [row["lr"] for row in rates if row["runner"] == WAYS[3]] == [1e-3, 1e-2]


def test_random_masks_get_the_budgets_of_global_magnitude():
    model = lesson_02.lenet_300_100(0)
    model.fc1.weight.data *= 0.3  # so that the layers are not alike
    masks = lesson_02.budgets_and_choices(model, 0.9, seed=1)
    kept = {way: [int(mask.sum()) for mask in each.values()] for way, each in masks.items()}
    assert kept["global", "random"] == kept["global", "magnitude"]
    assert kept["uniform", "random"] == kept["uniform", "magnitude"] == [23_520, 3_000, 100]
    assert kept["global", "random"] != kept["uniform", "random"]
    assert all(sum(counts) == 26_620 for counts in kept.values())
    for budget in ("global", "uniform"):
        assert not all(masks[budget, "random"][name].equal(mask)
                       for name, mask in masks[budget, "magnitude"].items())


@pytest.fixture(scope="module")
def contest(few):
    names = ["none", "L1 norm", "mean activation", "1 − APoZ", "Taylor", "oracle", "random"]
    rates = {"0": {"none": 2e-3}, "150": dict.fromkeys(names, 1e-3)}
    recipe = CONTEST | {"brief": ONCE, "images": 64, "removed": (100, 150), "retrained": (150,),
                        "list": (1e-3, 1e-2), "rates": {"0.5": rates}}
    return (lesson_03.neuron_contest(few, seed=2, decay=0.5, recipe=recipe),
            lesson_03.contest_rates(few, seed=2, decay=0.5, recipe=recipe))


def test_every_score_removes_as_many_neurons_both_ways(contest):
    rows, rates = contest
    whole, *rest = rows
    assert (whole["score"], whole["removed"], whole["lr"]) == ("none", 0, 2e-3)
    assert len(rest) == 6 * 2 * 2
    assert {(row["constants"], row["removed"]) for row in rest} == {
        ("zero", 100), ("zero", 150), ("mean", 100), ("mean", 150)}
    assert all((row["after"] is None) == (row["removed"] == 100) for row in rest)
    assert {row["agreement"] for row in rest if row["score"] == "oracle"} == {1.0}
    assert all(abs(row["agreement"]) < 0.3 for row in rest if row["score"] == "random")
    assert len(rates) == 2 * (1 + 6)
    assert {row["seed"] for row in rates} == {2 + TUNING}


RUNNERS = ["filters by L1", "channels by L1", "random filters", lesson_04.LONGER, "columns by L1",
           "single weights", lesson_04.EPOCHS, lesson_04.COMPUTE]
SHORT = [name for name in RUNNERS if name not in (lesson_04.LONGER, lesson_04.COMPUTE)]


@pytest.fixture(scope="module")
def race(few):
    rates = {"1.0": {lesson_04.ALL: 1e-3}, "0.5": dict.fromkeys(SHORT, 1e-3)}
    recipe = FILTER_RACE | {"images": 64, "brief": ONCE, "rates": rates, "list": (1e-3,),
                            "kept": {"1.0": "1.0", "0.5": "0.5"}, "tuned": (0.5,),
                            "stale": (0.5,), "scanned": (0.5,)}
    return (lesson_04.filter_race(few, seed=1, recipe=recipe),
            lesson_04.race_rates(few, seed=1, recipe=recipe),
            lesson_04.batch_norm(few, seed=1, recipe=recipe))


def test_the_runners_of_the_race_are_of_one_size_and_equal_training(race):
    whole, *rows = race[0]
    assert (whole["runner"], whole["kept"], whole["epochs"]) == (lesson_04.ALL, 1.0, 1)
    assert [row["runner"] for row in rows] == RUNNERS
    nonzero = [row["nonzero"] for row in rows]
    assert nonzero == pytest.approx([nonzero[0]] * 8, rel=0.02)  # columns come in whole ones
    epochs = dict(zip(RUNNERS, [row["epochs"] for row in rows], strict=True))
    assert {epochs[name] for name in SHORT[:-1]} == {1}
    assert epochs[lesson_04.EPOCHS] == epochs[lesson_04.LONGER] == 2
    assert epochs[lesson_04.COMPUTE] == round(whole["macs"] / rows[0]["macs"]) + 1 > 3
    assert [row["runner"] for row in race[1]] == SHORT


def test_batch_norm_is_read_stale_and_anew_for_the_whole_and_layer_by_layer(race):
    rows = race[2]
    assert [row["runner"] for row in rows if row["layer"] == "all"] == [
        "filters by L1", "random filters", "single weights"]
    layers = [row["layer"] for row in rows if row["layer"] != "all"]
    assert layers == list(prunable_layers(lesson_04.vgg_mini()))[:-1]
    assert any(row["stale"] != row["reestimated"] for row in rows)


def test_channels_are_chosen_by_who_reads_them():
    model = lesson_04.vgg_mini()
    model.conv2_1.weight.data[:, 5] *= 100  # its readers are loud, its maker is not
    model.conv1_1.weight.data[2] *= 100
    scores = lesson_04.filter_scores(model, seed=0)
    kept = {runner: units_to_keep(model, 7 / 8, scores=each)["conv1_1"].tolist()
            for runner, each in scores.items()}
    assert (kept["channels by L1"], kept["filters by L1"]) == ([5], [2])
    again = lesson_04.filter_scores(model, seed=0)["random filters"]
    assert all(score.equal(again[name]) for name, score in scores["random filters"].items())


def test_the_best_rate_is_the_first_of_the_highest():
    rows = [{"runner": runner, "at": at, "lr": lr, "after": after} for runner, at, lr, after in [
        ("a", 0.5, 1, 0.7), ("a", 0.5, 2, 0.9), ("a", 0.5, 3, 0.9), ("b", 0.5, 1, 0.2),
        ("a", 0.9, 1, 0.4)]]
    assert best_rates(rows) == {0.5: {"a": 2, "b": 1}, 0.9: {"a": 1}}


@pytest.mark.parametrize(("name", "recipe"), [("budget_rates", BUDGETS),
                                              ("race_rates", FILTER_RACE)])
def test_recipes_take_the_rates_that_were_found_best(name, recipe):
    rows = [row for rows in json.loads((RESULTS / f"{name}.json").read_text())["tasks"].values()
            for row in rows]
    for at, found in best_rates(rows).items():
        assert {key: recipe["rates"][str(at)][key] for key in found} == found
    assert "rates" not in without_rates(recipe)


def test_the_contest_takes_the_rates_that_were_found_best():
    tasks = json.loads((RESULTS / "contest_rates.json").read_text())["tasks"]
    for key, rows in tasks.items():
        found = best_rates(rows)
        assert CONTEST["rates"][str(json.loads(key)["decay"])] == {
            str(at): rates for at, rates in found.items()}
    assert len(tasks) == len(CONTEST["rates"]) == 2


def test_scores_of_the_contest_are_those_of_the_library(mnist):
    torch.manual_seed(0)
    model, split = lesson_03.lenet_300_100(0), mnist.train[:50]
    scores = lesson_03.neuron_scores(model, split, seed=0)
    assert all(len(score) == 300 for score in scores.values())
    smaller = lesson_03.without_worst(model, scores["L1 norm"], 290, "zero", split)
    kept = model.fc1.weight.detach().abs().sum(1).argsort()[290:].sort().values
    assert torch.equal(smaller.fc1.weight, model.fc1.weight[kept])
