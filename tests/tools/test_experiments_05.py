import pytest
import torch

from course_lib import iterative
from course_lib.data import MNIST
from course_lib.iterative import Round
from course_lib.models import ARCHITECTURES, lenet_300_100, prunable_layers

from course_tools.experiments import lesson_05 as han
from course_tools.experiments import recipes


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:256], mnist.validation[:200], mnist.test[:200])


def one_epoch(recipe):
    """Return a recipe in which every training takes one epoch."""
    return {key: one_epoch(value) if isinstance(value, dict) else 1 if key == "epochs" else value
            for key, value in recipe.items()}


def a_round(compression, after):
    masks = {"fc1": torch.arange(1000).remainder(1000) < round(1000 / compression)}
    return Round(1, masks, {}, {}, 0.0, after, 0.0)


def test_which_rounds_are_chosen():
    rounds = [a_round(2, 0.99), a_round(10, 0.98), a_round(20, 0.97), a_round(25, 0.975)]
    assert han.first_beyond(rounds, 10.0) is rounds[1]
    assert han.first_beyond(rounds, 12.0) is rounds[2]
    assert han.first_beyond(rounds, 99.0) is rounds[3]
    assert han.choose_free(rounds, 0.975) is rounds[3]
    assert han.choose_free(rounds, 0.98) is rounds[1]
    assert han.choose_free(rounds, 0.999) is None


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_narrow_network_has_at_least_as_many_weights_and_hardly_more(name):
    for wanted in (5_000, 20_000):
        model = han.narrower(name, wanted, seed=3)
        weights = sum(layer.weight.numel() for layer in prunable_layers(model).values())
        assert wanted <= weights < 1.2 * wanted
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_has_qualities_for_its_layers(name):
    rounds = recipes.qualities(name)
    assert len(rounds) == len(recipes.HAN["qualities"][name])
    for each in rounds:
        assert list(each) == list(prunable_layers(ARCHITECTURES[name]()))
        assert set(recipes.HAN["gentle"][name]) <= set(each)


def test_hans_rows_tell_rounds_and_tested_networks_apart(few):
    rows = han.han(few, seed=1, network="lenet_300_100", recipe=one_epoch(recipes.HAN))
    rounds = [row for row in rows if row["kind"] == "round"]
    assert [row["round"] for row in rounds] == list(range(1, 8))
    assert not any("test" in row for row in rounds)
    tested = {row["kind"]: row for row in rows if row["kind"] != "round"}
    assert list(tested) == ["reference", "longer", "narrow", "pruned", "no drop from reference",
                            "no drop from longer"]
    for row in tested.values():
        lost, gained = row["against"]["reference"]
        assert tested["reference"]["test"] - row["test"] == pytest.approx((lost - gained) / 200)
    assert tested["narrow"]["weights"] >= tested["pruned"]["nonzero"]


@pytest.fixture
def epochs(monkeypatch):
    """Count the epochs that each network was trained for, by its first object."""
    counted = {}

    def counting(model, split, *, epochs, **options):
        counted[id(model)] = counted.get(id(model), 0) + epochs
        keeping.append(model)  # so that no id is used twice

    keeping = []
    for module in (han, iterative):
        monkeypatch.setattr(module, "train", counting)
    return counted


def test_every_rival_is_trained_for_as_many_epochs_in_all(few, epochs):
    han.controls(few, seed=1, rounds=2)
    retraining, reference = 10, recipes.BRIEF["epochs"]
    assert sorted(epochs.values()) == sorted(
        [reference, retraining, retraining, retraining] + 3 * [reference + retraining])
    epochs.clear()
    han.han(few, seed=1, network="lenet_300_100")
    assert sorted(epochs.values()) == [30, 70, 100, 100, 100]  # twice narrow, once longer
    epochs.clear()
    han.norms(few, seed=1, norm="none")
    assert sorted(epochs.values()) == [3, 6, 9, 10, 12, 15, 15]


def test_no_drop_means_the_rival_itself_where_no_round_is_free_of_it(few, monkeypatch):
    monkeypatch.setattr(han, "choose_free", lambda rounds, accuracy: None)
    rows = {row["kind"]: row for row in han.han(few, seed=1, network="lenet_300_100",
                                                recipe=one_epoch(recipes.HAN))}
    for rival in ("reference", "longer"):
        assert rows[f"no drop from {rival}"]["against"][rival] == [0, 0]


def test_controls_have_the_iterative_networks_sparsity_in_each_layer(few):
    rows = han.controls(few, seed=1, rounds=2, recipe=one_epoch(recipes.LENET_300_100))
    assert [row["kind"] for row in rows] == ["iterative", "one-shot", "random masks",
                                             "re-initialised", "first weights", "narrow dense"]
    for row in rows[1:5]:
        assert row["density"] == pytest.approx(rows[0]["density"], abs=1e-3)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradual_pruning_reaches_its_targets(few, monkeypatch, dropout):
    recipe = {"lenet_300_100": {
        "targets": (0.9, 0.95), "first": (2, 1), "next": (1, 1), "lr": 1e-3, "l1": 1e-5}}
    rates = []
    monkeypatch.setattr(iterative, "train", lambda model, split, **options: rates.append(
        [part.p for part in model.modules() if isinstance(part, torch.nn.Dropout)]))
    rows = han.gradual(few, seed=1, network="lenet_300_100", dropout=dropout,
                       recipe=recipe)
    assert len(rates) == 5  # two rounds and the rest, one round and the rest
    if dropout:
        assert 0.5 > rates[0][0] > rates[1][0] > 0
        assert rates[2] == rates[1]  # while it settles the rate stays where it had shrunk to
        assert rates[4][0] < rates[2][0]
    assert [1 - row["nonzero"] / row["weights"] for row in rows] == pytest.approx([0.9, 0.95],
                                                                                  abs=1e-3)


def test_norms_and_dropout_give_their_rows(few):
    two = recipes.NORMS | {"sparsities": (0.5, 0.8)}
    rows = han.norms(few, seed=1, norm="L1", recipe=two)
    assert [row["sparsity"] for row in rows] == [0.5, 0.8]
    rows = han.dropout(few, seed=1, rate="shrinks")
    assert [row["round"] for row in rows] == list(range(8))
    assert rows[0]["compression"] == 1.0


def test_a_rebuilt_network_is_the_one_of_its_round():
    model = lenet_300_100(3)
    again = han.rebuilt("lenet_300_100", Round(1, {}, model.state_dict(), {}, 0.0, 0.0, 0.0))
    assert again.fc1.weight.equal(model.fc1.weight)


def test_lenet_5_with_dropout_shrinks_its_rate_and_counts_drops_in_pairs(few, monkeypatch):
    rates, trained = [], han.train
    monkeypatch.setattr(iterative, "train", lambda model, split, **options: (
        rates.append(model.drop1.p), trained(model, split, **options)))
    rows = han.lenet_5_dropout(few, seed=1, recipe=one_epoch(recipes.LENET_5))
    assert [row["round"] for row in rows] == [0, 1, 2, 3]
    assert 0.5 > rates[0] >= rates[1] >= rates[2] > 0
    left = [row["nonzero"] for row in rows]
    assert left[0] > left[1] >= left[2] >= left[3]
    assert left[1] > left[3]
    for row in rows[1:]:  # what is lost beyond what is gained is the difference of accuracies
        lost, gained = row["against"]["reference"]
        assert (lost - gained) / 200 == pytest.approx(rows[0]["test"] - row["test"])
