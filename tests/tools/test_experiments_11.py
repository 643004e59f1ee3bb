import pytest
import torch

from course_lib.data import MNIST
from course_lib.models import lenet_300_100, load_trained, perceptron
from course_lib.training import evaluate

from course_tools.experiments import lesson_11 as far
from course_tools.experiments import load_results, recipes
from course_tools.experiments.figures import FIGURES

BRIEF = {"epochs": 1, "lr": 2e-3}
PLAN = {"images": 200, "reference": BRIEF, "teacher": ("lenet_300_100",), "times": 10, "epochs": 4,
        "rising": 2, "every": 1, "lr": 2e-3, "list": (2e-3, 1e-3),
        "rates": {far.called(cell): 1e-3 * place for place, cell in enumerate(far.CELLS, 2)}}


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:256], mnist.validation[:200], mnist.test[:200])


def test_a_recalled_teacher_says_what_its_networks_say_on_average(few):
    networks = [load_trained("lenet_300_100"), perceptron(20).eval()]
    taught = far.Recalled(networks, few.train.images)
    some = torch.tensor([7, 200, 3])
    with torch.no_grad():
        expected = (networks[0](few.train.images[some]) + networks[1](few.train.images[some])) / 2
    torch.testing.assert_close(taught(few.train.images[some]), expected)
    with pytest.raises(KeyError):
        taught(few.test.images[:1])


@pytest.fixture
def calls(monkeypatch):
    """Record how each network of the ablation is pruned and then trained."""
    seen = []

    def pruning(model, split, sparsity, **options):
        seen.append(options | {"sparsity": sparsity})
        return {}

    monkeypatch.setattr(far, "prune_while_training", pruning)
    monkeypatch.setattr(far, "train", lambda model, split, **options: seen.append(options))
    return seen


def test_the_six_ways_differ_in_what_they_say_and_have_as_many_epochs(few, calls):
    rows = far.regrowth(few, seed=11, recipe=PLAN)
    assert [row["schedule"] for row in rows] == ["none"] + 2 * ["at once"] + 4 * ["long"]
    reference, *rest = calls
    assert reference["epochs"] == 1
    for row, rising, resting in zip(rows[1:], rest[::2], rest[1::2], strict=True):
        assert rising["rising"] == (2 if row["schedule"] == "long" else 1)
        assert rising["regrowth"] == row["regrowth"]
        assert (rising["teacher"] is not None) == row["teacher"]
        assert (resting["teacher"] is not None) == row["teacher"]
        assert rising["rising"] + rising["resting"] + resting["epochs"] == PLAN["epochs"]
        assert rising["sparsity"] == pytest.approx(0.9)
        assert rising["lr"] == row["lr"] == PLAN["rates"][far.called(row)]
    assert len({tuple(sorted(row.items())) for row in far.CELLS}) == 6


def test_rows_count_weights_both_ways_and_drops_in_pairs(few):
    rows = far.regrowth(few, seed=11, recipe=PLAN)
    first = rows[0]
    assert first["nonzero"] == 266_200
    for row in rows[1:]:
        assert row["nonzero"] == round(266_200 / 10)
        assert 0 < row["effective"] <= row["nonzero"]
        lost, gained = row["against"]["reference"]
        assert (lost - gained) / 200 == pytest.approx(first["test"] - row["test"])


def test_rates_are_chosen_on_a_network_that_is_reported_nowhere(few):
    rows = far.regrowth_rates(few, seed=0, schedule="long", regrowth=True, teacher=False,
                               recipe=PLAN)
    assert [row["lr"] for row in rows] == [2e-3, 1e-3]
    assert not any("test" in row for row in rows)
    reported = {task["seed"] for name in ("regrowth", "records", "penalties")
                for task in FIGURES[name].of_seeds(5)}
    assert {row["seed"] for row in rows} == {recipes.TUNING}
    assert recipes.TUNING not in reported


def test_the_recipe_has_the_rates_that_read_validation_best():
    found = {}
    for row in load_results("regrowth_rates"):
        found.setdefault(far.called(row), {}).setdefault(row["lr"], []).append(row["validation"])
    for way, rates in found.items():
        assert {len(networks) for networks in rates.values()} == {3}
        best = max(rates, key=lambda lr: sum(rates[lr]))
        assert min(recipes.REGROWTH["list"]) < best < max(recipes.REGROWTH["list"])
        if way in recipes.REGROWTH["rates"]:
            assert recipes.REGROWTH["rates"][way] == best
    best = max(found, key=lambda way: max(sum(networks) for networks in found[way].values()))
    assert far.called(recipes.RECORDS["way"] | {"teacher": "teacher" in best}) == best


def test_records_have_the_rate_and_the_penalty_that_read_validation_best():
    rows = load_results("records_rates", partial=True)
    assert {row["seed"] for row in rows} <= {recipes.TUNING}
    for network in {row["network"] for row in rows}:
        best = max((row for row in rows if row["network"] == network),
                   key=lambda row: row["validation"])
        assert recipes.RECORDS[network]["rates"] == {"lr": best["lr"], "l1": best["l1"]}


def test_at_once_nothing_has_the_time_to_return():
    at_once = {(row["teacher"], row["lr"], row["seed"]): row["validation"] for row in load_results(
        "regrowth_rates") if row["schedule"] == "at once" and not row["regrowth"]}
    for row in load_results("regrowth_rates"):
        if row["schedule"] == "at once" and row["regrowth"]:
            assert row["validation"] == at_once[row["teacher"], row["lr"], row["seed"]]


RECORD = {"teacher": ("lenet_300_100",), "way": {"schedule": "long", "regrowth": True},
          "lenet_300_100": PLAN | {"times": 20, "rates": {"lr": 1e-3, "l1": 1e-4},
                                   "tuning": {"epochs": 3, "rising": 1},
                                   "list": {"lr": (1e-3, 2e-3), "l1": (0.0, 1e-5)}}}


def test_records_go_as_far_as_they_say(few):
    row, = far.records(few, network="lenet_300_100", seed=11, recipe=RECORD)
    assert row["nonzero"] == round(266_200 / 20)
    assert row["times"] == 20


def test_records_are_tuned_briefly_and_pruned_under_what_was_chosen(few, calls):
    rows = far.records_rates(few, network="lenet_300_100", seed=0, recipe=RECORD)
    assert [(row["lr"], row["l1"]) for row in rows] == [
        (1e-3, 0.0), (1e-3, 1e-5), (2e-3, 0.0), (2e-3, 1e-5)]
    for row, rising, resting in zip(rows, calls[1::2], calls[2::2], strict=True):
        assert row["seed"] == recipes.TUNING
        assert "test" not in row
        assert rising["rising"] + rising["resting"] + resting["epochs"] == 3
        assert (rising["lr"], rising["l1"], resting["l1"]) == (row["lr"], row["l1"], row["l1"])
    calls.clear()
    far.records(few, network="lenet_300_100", seed=11, recipe=RECORD)
    _, rising, resting = calls
    assert (rising["lr"], rising["l1"], resting["l1"]) == (1e-3, 1e-4, 1e-4)
    assert rising["sparsity"] == pytest.approx(0.95)
    assert resting["teacher"] is not None


def test_each_strength_of_a_penalty_has_its_row(few, monkeypatch):
    seen, trained = [], far.train
    monkeypatch.setattr(far, "train", lambda model, split, **options: (
        seen.append(options), trained(model, split, **options)))
    recipe = {"images": 200, "epochs": 1, "retraining": 1, "sparsity": 0.9, "optimizers": {
        "adamw": {"lr": 1e-3, "l1": (1e-6, 1e-3), "l2": (0.1,)},
        "sgd": {"lr": 1e-2, "l1": (1e-6,), "l2": ()}}}
    rows = far.penalties(few, seed=11, recipe=recipe)
    assert [(row["optimizer"], row["penalty"], row["strength"]) for row in rows] == [
        ("adamw", "l1", 1e-6), ("adamw", "l1", 1e-3), ("adamw", "l2", 0.1), ("sgd", "l1", 1e-6)]
    assert [(options["optimizer"], options.get("l1"), options.get("l2"))
            for options in seen[::2]] == [
        ("adamw", 1e-6, None), ("adamw", 1e-3, None), ("adamw", None, 0.1), ("sgd", 1e-6, None)]
    again = lenet_300_100(11)
    trained(again, few.train[:200], epochs=1, lr=1e-3, l1=1e-6, seed=11)
    assert rows[0]["reference"] == evaluate(again, few.test)
