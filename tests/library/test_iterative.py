import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.data import MNIST, Split
from course_lib.iterative import Round, by_sparsity, cubic_schedule, prune_and_retrain
from course_lib.masks import sparsity
from course_lib.models import lenet_300_100, load_trained, prunable_layers
from course_lib.training import evaluate, train


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:512], mnist.validation[:300], mnist.test[:100])


def small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Dropout(0.5),
                             nn.Linear(20, 10))


def test_a_round_removes_what_lies_below_quality_times_sigma(few):
    model = small()
    only, = prune_and_retrain(model, few, [0.7], epochs=0)
    for name, layer in prunable_layers(model).items():
        weight = layer.weight.detach().numpy()
        wanted = np.where(np.abs(weight) >= 0.7 * np.std(weight), weight, 0)
        assert np.array_equal(only.state_dict[f"{name}.weight"].numpy(), wanted)  # survivors as are
        assert only.density[name] == pytest.approx(np.mean(wanted != 0))


def test_sigma_is_taken_anew_over_the_survivors(few):
    first, second = prune_and_retrain(small(), few, [1.0, 1.0], epochs=0)
    for name, mask in first.masks.items():
        weight = first.state_dict[f"{name}.weight"].numpy()
        wanted = np.abs(weight) >= np.std(weight[mask.numpy()])
        assert np.array_equal(second.masks[name].numpy(), mask.numpy() & wanted)
        assert second.density[name] < first.density[name]


def test_a_gaussian_layer_loses_erf_of_quality_over_root_two(few):
    model = small()
    nn.init.normal_(model[1].weight, generator=torch.Generator().manual_seed(0))
    only, = prune_and_retrain(model, few, [{"1": 0.25}], epochs=0)
    assert 1 - only.density["1"] == pytest.approx(math.erf(0.25 / 2 ** 0.5), abs=0.01)
    assert only.density["4"] == 1.0


def test_rounds_are_nested_and_report_what_they_hold(few):
    model = load_trained("lenet_300_100")
    rounds = list(prune_and_retrain(model, few, [0.5, 0.8, 1.0], epochs=1, l1=1e-4))
    for before, after in itertools.pairwise(rounds):
        for name, mask in after.masks.items():
            assert not (mask & ~before.masks[name]).any()
    rebuilt = lenet_300_100()
    for number, each in enumerate(rounds, start=1):
        rebuilt.load_state_dict(each.state_dict)
        assert (each.number, each.after) == (number, evaluate(rebuilt, few.validation))
        assert each.compression == pytest.approx(1 / (1 - sparsity(each.masks)))
        for name, layer in prunable_layers(rebuilt).items():
            assert not layer.weight[~each.masks[name]].any()


def test_the_model_stays_as_it_is_and_the_seed_decides(few):
    model = small()
    before = copy.deepcopy(model.state_dict())
    once, again, other = (list(prune_and_retrain(model, few, [0.5, 0.5], epochs=1, seed=seed))[-1]
                          for seed in (0, 0, 1))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(once.state_dict["1.weight"], again.state_dict["1.weight"])
    assert not torch.equal(once.state_dict["1.weight"], other.state_dict["1.weight"])
    assert model[3].p == 0.5


def test_an_interrupt_leaves_the_finished_rounds_usable(few, monkeypatch):
    rounds = prune_and_retrain(small(), few, [0.5, 0.5], epochs=1)
    first = next(rounds)
    kept = copy.deepcopy(first.state_dict)

    def stopped(model, *arguments, **options):
        model[1].weight.data.fill_(7)
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.iterative.train", stopped)
    with pytest.raises(KeyboardInterrupt):
        next(rounds)
    assert all(torch.equal(kept[key], value) for key, value in first.state_dict.items())
    model = small()
    model.load_state_dict(first.state_dict)
    assert evaluate(model, few.validation) == first.after


def test_a_network_without_any_weight_left_is_infinitely_compressed(few):
    only, = prune_and_retrain(small(), few, [100.0], epochs=0)
    assert only.compression == math.inf


def test_what_is_pruned_stays_pruned_where_the_sparsity_falls(few):
    first, second = prune_and_retrain(small(), few, [0.9, 0.5], epochs=1, cut=by_sparsity)
    assert all(torch.equal(first.masks[name], second.masks[name]) for name in first.masks)


@pytest.mark.parametrize(("shrink", "rate"), [(True, None), (False, 0.5)])
def test_dropout_shrinks_by_the_papers_formula(few, monkeypatch, shrink, rate):
    seen = []

    def spy(model, *arguments, **options):
        seen.append(model[3].p)
        return train(model, *arguments, **options)

    monkeypatch.setattr("course_lib.iterative.train", spy)
    rounds = list(prune_and_retrain(small(), few, [0.5, 0.7], epochs=1, shrink_dropout=shrink))
    wanted = [0.5 * each.density["4"] ** 0.5 if shrink else rate for each in rounds]
    assert seen == pytest.approx(wanted)  # dropout 3 stands before the layer 4


def test_the_options_reach_the_training(few, monkeypatch):
    seen = {}
    monkeypatch.setattr("course_lib.iterative.train",
                        lambda model, split, **options: seen.update(options))
    teacher = small()
    list(prune_and_retrain(small(), few, [0.5], epochs=3, lr=0.2, l1=0.1, l2=0.3, teacher=teacher,
                           optimizer="sgd", seed=5))
    masks = seen.pop("masks")
    assert set(masks) == {"1", "4"}
    assert seen == {"epochs": 3, "lr": 0.2, "l1": 0.1, "l2": 0.3, "teacher": teacher,
                    "optimizer": "sgd", "seed": 6001}


def test_gradual_pruning_reaches_each_sparsity_over_all_layers(few):
    shares = cubic_schedule(0.9, 3)
    rounds = list(prune_and_retrain(small(), few, shares, epochs=1, cut=by_sparsity))
    assert [sparsity(each.masks) for each in rounds] == pytest.approx(shares, abs=1e-4)
    untouched = prunable_layers(small())  # before any training: the cut is known exactly
    kept, gone = (torch.cat([untouched[name].weight.detach().abs()[mask if stays else ~mask]
                             for name, mask in rounds[0].masks.items()]) for stays in (True, False))
    assert gone.max() <= kept.min()


@pytest.mark.parametrize(("final", "rounds"), [(0.9, 1), (0.9, 10), (0.0, 3), (1.0, 4)])
def test_the_cubic_schedule_rises_ever_more_gently_to_its_end(final, rounds):
    shares = np.array([0.0, *cubic_schedule(final, rounds)])
    assert shares[-1] == pytest.approx(final)
    assert len(shares) == rounds + 1
    steps = np.diff(shares)
    assert (steps >= 0).all()
    assert (np.diff(steps) <= 1e-12).all()
    third = shares[1:] / final if final else None  # Zhu and Gupta's formula, at their s_i = 0
    if final:
        t = np.arange(1, rounds + 1)
        assert third == pytest.approx(1 + (0 - 1) * (1 - t / rounds) ** 3)


def test_layers_that_lose_everything_are_no_obstacle(few):
    first, second = prune_and_retrain(small(), few, [{"4": 100.0}, 0.5], epochs=0)
    assert first.density["4"] == 0
    assert second.density["4"] == 0
    assert isinstance(second, Round)


@pytest.mark.parametrize(("call", "message"), [
    (lambda model, few: prune_and_retrain(model, few, [0.5, -1.0], epochs=1),
     "quality for '1' is -1.0; allowed is 0 or more"),
    (lambda model, few: prune_and_retrain(model, few, [{"fc9": 0.5}], epochs=1),
     "layer in quality is 'fc9'; allowed is one of 1, 4"),
    (lambda model, few: prune_and_retrain(model, few, [90], epochs=1, cut=by_sparsity),
     "sparsity is 90; allowed is a share from 0 to 1"),
    (lambda model, few: prune_and_retrain(model, few, 0.5, epochs=1),
     "qualities is 0.5; allowed is a list, one value for each round"),
    (lambda model, few: prune_and_retrain(model, few, [], epochs=1), r"qualities is \[\]; allowed"),
    (lambda model, few: cubic_schedule(90, 3), "final is 90; allowed is a share"),
    (lambda model, few: cubic_schedule(0.9, 0), "rounds is 0; allowed is a whole number"),
])
def test_bad_input_is_refused_before_anything_runs(few, call, message):
    with pytest.raises(ValueError, match=message):
        list(call(small(), few))


def test_splits_are_kept_apart(few):
    """Validation is for the accuracies, test for nobody: a run without a test split works."""
    blind = MNIST(few.train, few.validation, Split(few.test.images[:0], few.test.labels[:0]))
    only, = prune_and_retrain(small(), blind, [0.5], epochs=1)
    assert 0 <= only.after <= 1
