import pytest
import torch

from course_lib import iterative
from course_lib.data import MNIST
from course_lib.iterative import Round
from course_lib.masks import magnitude_masks, masked, std_thresholds
from course_lib.models import ARCHITECTURES, lenet_300_100, prunable_layers

from course_tools.experiments import lesson_05 as han
from course_tools.experiments import recipes
from course_tools.experiments.images import right_images


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
    assert han.choose_free(rounds, [0.975] * 4) is rounds[3]
    assert han.choose_free(rounds, [0.98] * 4) is rounds[1]
    assert han.choose_free(rounds, [0.98, 0.98, 0.97, 0.99]) is rounds[2]
    assert han.choose_free(rounds, [0.999] * 4) is None


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
    assert list(tested) == ["reference", "longer", "pruned", "longer, one schedule",
                            "no drop from reference", "reference beside",
                            "no drop from longer", "longer beside"]
    for row in tested.values():
        right = right_images([row], "test")
        assert right.double().mean() == pytest.approx(row["test"])
    assert tested["pruned"]["nonzero"] == round(266_200 / 12)
    for unpruned in ("reference", "longer", "longer, one schedule", "longer beside"):
        assert tested[unpruned]["nonzero"] == 266_200


@pytest.mark.parametrize(("compressions", "number"), [((3.0, 11.0, 20.0), 3), ((13.0,), 1),
                                                      ((3.0, 8.0), 3)])
def test_networks_are_compared_at_exactly_one_compression(few, compressions, number):
    """From the last round that is milder, by thresholds that all change by the same factor."""
    reference = lenet_300_100(1)
    rounds, steps = [], [{"fc1": 1.0, "fc2": 0.5, "fc3": 0.2}] * len(compressions)
    for place, compression in enumerate(compressions, start=1):
        masks = magnitude_masks(reference, 1 - 1 / compression)
        pruned = masked(reference, masks)
        rounds.append(Round(place, masks, pruned.state_dict(), {}, 0.0, 0.0, 0.0))
    found = han.pruned_to(12.0, reference, rounds, few, steps, {"epochs": 0, "seed": 1})
    assert found.number == number
    assert found.compression == pytest.approx(12.0, rel=1e-4)
    start = reference if number == 1 else rounds[number - 2]
    before = None if number == 1 else start.masks
    model = reference if number == 1 else masked(reference, before)
    sigma = std_thresholds(model, 1.0, masks=before)
    sizes = {name: layer.weight.detach().abs() / sigma[name] / steps[0][name]
             for name, layer in prunable_layers(model).items()}
    least = min(size[found.masks[name]].min() for name, size in sizes.items())
    assert least >= max(size[~found.masks[name]].max() for name, size in sizes.items())
    if before is not None:
        assert not any((found.masks[name] & ~before[name]).any() for name in before)


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
    # to 12 times after the seven rounds, none of which comes so far untrained; the reference, the
    # rounds, as many unpruned as 12 times took, and one schedule of as many epochs
    assert sorted(epochs.values()) == [10, 30, 70, 80, 30 + 80]
    epochs.clear()
    han.norms(few, seed=1, norm="none")
    assert sorted(epochs.values()) == [3, 6, 9, 10, 12, 15, 15]


def test_no_drop_means_the_rival_itself_where_no_round_is_free_of_it(few, monkeypatch):
    monkeypatch.setattr(han, "choose_free", lambda rounds, accuracy: None)
    rows = {row["kind"]: row for row in han.han(few, seed=1, network="lenet_300_100",
                                                recipe=one_epoch(recipes.HAN))}
    for rival in ("reference", "longer"):
        beside, free = rows[f"{rival} beside"], rows[f"no drop from {rival}"]
        assert beside["wrong"] == free["wrong"]
    assert rows["longer beside"]["wrong"] == rows["longer"]["wrong"]


def test_controls_have_the_iterative_networks_sparsity_in_each_layer(few):
    rows = han.controls(few, seed=1, rounds=2, recipe=one_epoch(recipes.CONTROLS))
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


@pytest.mark.parametrize("rate", ["shrinks", "stays", "none"])
def test_dropout_changes_alike_in_the_pruned_network_and_the_unpruned(few, monkeypatch, rate):
    rates = {"pruned": [], "unpruned": []}
    for module, kind in ((iterative, "pruned"), (han, "unpruned")):
        monkeypatch.setattr(module, "train", lambda model, *_, kind=kind, **__: rates[kind].append(
            (model.drop1.p, model.drop2.p)))
    rows = han.dropout(few, seed=1, rate=rate)
    assert [(row["round"], row["pruned"]) for row in rows] == [(0, True)] + [
        (number, pruned) for number in range(1, 8) for pruned in (True, False)]
    assert rows[0]["compression"] == 1.0
    first, *retrained = rates["unpruned"]
    assert first == (0.5, 0.5)
    assert len(retrained) == 7
    for pruned, unpruned in zip(rates["pruned"], retrained, strict=True):
        assert pruned == pytest.approx(unpruned)
    if rate == "shrinks":
        assert 0.5 > retrained[0][0] >= retrained[-1][0] > 0
    else:
        assert set(retrained) == {(0.5, 0.5) if rate == "stays" else (0.0, 0.0)}


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
