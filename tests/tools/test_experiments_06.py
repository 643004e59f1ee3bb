from itertools import pairwise

import pytest
import torch

from course_lib.data import MNIST
from course_lib.intervals import drop_between
from course_lib.masks import magnitude_masks
from course_lib.models import ARCHITECTURES, load_trained, prunable_layers
from course_lib.scores import unit_scores
from course_lib.search import drop
from course_lib.training import predictions

from course_tools.experiments import lesson_06 as tradeoff
from course_tools.experiments.images import packed, right_images, unpacked
from course_tools.experiments.lesson_06 import (
    fewer_units,
    random_halves,
    shares_within,
    sweep,
)
from course_tools.experiments.recipes import FLATTERY, SWEEPS, granularities


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:256], mnist.validation[:200], mnist.test[:200])


def widths(model):
    return {name: layer.weight.shape[0] for name, layer in prunable_layers(model).items()}


def test_networks_and_their_recipes():
    assert set(SWEEPS["references"]) == set(SWEEPS["retraining"]) == set(ARCHITECTURES)
    assert granularities("vgg_mini") == ["weight", "neuron", "filter"]


def test_fewer_units_counts_from_the_whole_network_and_keeps_the_largest():
    whole = load_trained("lenet_5")
    half = fewer_units(whole, {"conv1": 0.5, "fc1": 0.9}, like=whole)
    assert widths(half) == {"conv1": 10, "conv2": 50, "fc1": 50, "fc2": 10}
    largest = unit_scores(whole.conv1.weight, "filter").topk(10).indices.sort().values
    assert torch.equal(half.conv1.weight, whole.conv1.weight[largest])
    assert widths(fewer_units(half, {"conv1": 0.75}, like=whole))["conv1"] == 5
    assert widths(fewer_units(half, {"conv1": 1.0}, like=whole))["conv1"] == 1
    assert widths(whole)["conv1"] == 20


def test_without_retraining_each_level_is_cut_from_the_reference(few):
    whole = load_trained("lenet_300_100")
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    levels = [{"fc1": 0.9, "fc2": 0.5}, {"fc1": 0.3}]  # the second is milder
    for shares, model in zip(levels, sweep(whole, few, levels, "weight", None), strict=True):
        masks = magnitude_masks(whole, shares)
        for name, layer in prunable_layers(model).items():
            assert torch.equal(layer.weight, prunable_layers(whole)[name].weight * masks[name])
    assert all(torch.equal(whole.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("granularity", ["weight", "neuron"])
def test_with_retraining_each_level_goes_on_from_the_one_before(few, granularity):
    whole = load_trained("lenet_300_100")
    levels = [dict.fromkeys(("fc1", "fc2"), share) for share in (0.2, 0.5, 0.8)]
    options = {"epochs": 1, "seed": 0}
    models = list(sweep(whole, few, levels, granularity, options))
    for mild, severe in pairwise(models):
        for name, layer in prunable_layers(severe).items():
            former = prunable_layers(mild)[name].weight
            if granularity == "weight":
                assert not bool(((layer.weight != 0) & (former == 0)).any())
                assert not torch.equal(layer.weight[layer.weight != 0],
                                       former[layer.weight != 0])
    left = [widths(model)["fc1"] if granularity == "neuron" else
            int(model.fc1.weight.count_nonzero()) for model in models]
    full = 300 if granularity == "neuron" else 235_200
    assert left == [round(full * share) for share in (0.8, 0.5, 0.2)]


def test_the_rows_tell_what_a_paired_drop_would(few):
    brief = {name: recipe | {"epochs": 1} for name, recipe in SWEEPS["references"].items()}
    rows = tradeoff.tradeoff(few, seed=1, network="lenet_300_100",
                             recipe=SWEEPS | {"references": brief})
    whole, *control = [each for each in rows if each["granularity"] == "none"]
    assert whole["test"] == [0, 0]
    assert not whole["retrained"]
    assert [each["nonzero"] for each in control] == [266_200] * 8
    assert {(each["granularity"], each["way"], each["retrained"]) for each in rows[9:]} == {
        (granularity, way, retrained) for granularity in ("weight", "neuron")
        for way in ("uniform", "sensitivity") for retrained in (False, True)}
    shares, losses = SWEEPS["shares"], len(SWEEPS["losses"])
    assert len(rows) == 9 + 2 * (len(shares["weight"]) + len(shares["neuron"]) + 2 * losses)
    reference = ARCHITECTURES["lenet_300_100"](1)
    tradeoff.train(reference, few.train, **brief["lenet_300_100"], seed=1)
    cut = fewer_units(reference, {"fc1": 0.9, "fc2": 0.9}, like=reference)
    found = drop(reference, cut, few.test)
    wanted, = [each for each in rows if (each["granularity"], each["way"], each["retrained"],
                                         each["strength"]) == ("neuron", "uniform", False, 0.9)]
    assert wanted["test"] == [found.lost, found.gained]
    assert wanted["nonzero"] == 784 * 30 + 30 * 10 + 10 * 10


BRIEF = FLATTERY["brief"] | {"epochs": 1}


def test_the_fine_sweep_has_a_row_for_each_step(few):
    rows = tradeoff.flattery(few, seed=2, recipe=FLATTERY | {"brief": BRIEF})
    assert [each["strength"] for each in rows] == [0.0, *FLATTERY["shares"]]
    assert [each["nonzero"] for each in rows] == sorted(
        (each["nonzero"] for each in rows), reverse=True)
    assert {each["seed"] for each in rows} == {2}
    assert {len(each["halves"]) for each in rows} == {FLATTERY["halves"]}
    assert all(part <= whole for each in rows for half in each["halves"]
               for part, whole in zip(half, each["test"], strict=True))


def test_what_a_half_of_the_test_split_says_is_counted_there(few, monkeypatch):
    """Against `search.drop` on the half itself."""
    reference = ARCHITECTURES["lenet_300_100"](2)
    tradeoff.train(reference, few.train, **BRIEF, seed=2)
    monkeypatch.setattr(tradeoff, "sweep", lambda model, data, steps, *_: iter(
        [cut if shares else model for shares in steps]))
    cut = ARCHITECTURES["lenet_300_100"](3)
    whole, first, *_ = tradeoff.flattery(few, seed=2, recipe=FLATTERY | {"brief": BRIEF})
    for half, counts in zip(random_halves(200, 10, seed=2), first["halves"], strict=True):
        found = drop(reference, cut, few.test[half])
        assert counts == [found.lost, found.gained]
    before, after = right_images([whole, first], "test")
    assert before.equal(predictions(reference, few.test) == few.test.labels)
    assert drop_between(before, after) == drop(reference, cut, few.test)
    assert whole["test"] == [0, 0]


def test_random_halves_are_halves_and_differ_from_seed_to_seed():
    halves, others = random_halves(101, 10, seed=0), random_halves(101, 10, seed=1)
    assert all(len(half) == len(half.unique()) == 50 for half in halves)
    assert len({tuple(half.tolist()) for half in (*halves, *others)}) == 20


@pytest.mark.parametrize("images", [1, 8, 5_000, 10_000])
def test_which_images_are_wrong_survives_the_file(images):
    wrong = torch.rand(images, generator=torch.Generator().manual_seed(0)) < 0.02
    assert unpacked(packed(wrong)).equal(wrong)
    assert len(packed(wrong)) <= 600


def test_rows_that_could_be_chosen_say_which_images_are_wrong(few):
    brief = {name: recipe | {"epochs": 1} for name, recipe in SWEEPS["references"].items()}
    rows = tradeoff.tradeoff(few, seed=1, network="lenet_300_100",
                             recipe=SWEEPS | {"references": brief})
    for row in rows:
        assert ("wrong" in row) == (row["retrained"] or row["granularity"] == "none")
    told = [row for row in rows if "wrong" in row]
    for split in ("validation", "test"):
        before, *after = right_images(told, split)
        drops = [drop_between(before, each) for each in after]
        assert [[each.lost, each.gained] for each in drops] == [row[split] for row in told[1:]]


def test_shares_within_a_loss_lie_between_the_scanned_ones():
    scan = {"flat": [0.99, 0.99, 0.99], "falls": [0.99, 0.97, 0.59], "rises": [0.90, 0.95, 0.91]}
    shares = shares_within(scan, [0.0, 0.5, 0.9], 0.02)
    assert shares == pytest.approx({"flat": 0.9, "falls": 0.5, "rises": 0.9})
    assert shares_within(scan, [0.0, 0.5, 0.9], 0.01)["falls"] == pytest.approx(0.25)
    assert shares_within(scan, [0.0, 0.5, 0.9], 0.0)["falls"] == 0.0
    with pytest.raises(ValueError, match="drop is 5; allowed is a share"):
        shares_within({}, [0.0], 5)
