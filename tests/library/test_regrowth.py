from itertools import pairwise

import pytest
import torch

from course_lib.masks import keep_top, masked, random_masks, sparsity
from course_lib.measure import nonzero_weights
from course_lib.models import lenet_5, load_trained, perceptron, prunable_layers
from course_lib.regrowth import effective_weights, prune_while_training, regrown
from course_lib.training import evaluate

GENERATOR = torch.Generator().manual_seed(1)
WEIGHTS = {"a": torch.randn(30, 20, generator=GENERATOR), "b": torch.randn(7, generator=GENERATOR)}
NOTHING = {name: torch.zeros_like(weight).bool() for name, weight in WEIGHTS.items()}


def test_without_hysteresis_it_is_the_largest_of_all():
    found = regrown(NOTHING, WEIGHTS, 0.8, hysteresis=0.0)
    flat = torch.cat([weight.abs().flatten() for weight in WEIGHTS.values()])
    assert torch.equal(torch.cat([mask.flatten() for mask in found.values()]), keep_top(flat, 0.8))


def test_what_lies_within_the_hysteresis_stays_as_it_was():
    kept = {name: ~mask for name, mask in NOTHING.items()}
    fewer, more = (regrown(masks, WEIGHTS, 0.8, hysteresis=0.2) for masks in (NOTHING, kept))
    sizes = WEIGHTS["a"].abs()
    threshold = torch.cat([weight.abs().flatten() for weight in WEIGHTS.values()]).sort().values[
        round(0.8 * 607)]
    between = (sizes >= 0.8 * threshold) & (sizes < 1.2 * threshold)
    assert between.any()
    assert torch.equal(more["a"] & ~fewer["a"], between)


@pytest.mark.parametrize(("share", "left"), [(0.0, 607), (1.0, 0)])
def test_all_or_nothing(share, left):
    masks = {name: ~mask for name, mask in NOTHING.items()}
    assert sum(int(mask.sum()) for mask in regrown(masks, WEIGHTS, share).values()) == left


@pytest.mark.parametrize("regrowth", [True, False])
def test_it_ends_at_exactly_the_sparsity_and_still_reads(regrowth, mnist):
    model, split = load_trained("lenet_300_100"), mnist.train[:3_000]
    masks = prune_while_training(model, split, 0.95, rising=2, resting=1, every=5,
                                 regrowth=regrowth)
    assert sparsity(masks) == pytest.approx(0.95, abs=1e-5)
    assert all(not layer.weight[~masks[name]].any()
               for name, layer in prunable_layers(model).items())
    assert not model.training
    assert evaluate(model, mnist.validation) > 0.85


def test_only_with_regrowth_do_pruned_weights_return(mnist, monkeypatch):
    for regrowth in (True, False):
        seen = []
        monkeypatch.setattr("course_lib.regrowth.regrown", lambda masks, weights, share, seen=seen:
                            seen.append(regrown(masks, weights, share)) or seen[-1])
        prune_while_training(perceptron(30), mnist.train[:2_000], 0.9, rising=3, resting=1,
                             every=4, regrowth=regrowth, lr=1e-2)
        returned = sum(int((later["fc1"] & ~earlier["fc1"]).sum())
                       for earlier, later in pairwise(seen))
        assert (returned > 0) == regrowth


def test_the_same_seed_gives_the_same_weights(mnist):
    ends = []
    for seed in (1, 1, 2):
        model = perceptron(20)
        prune_while_training(model, mnist.train[:1_000], 0.8, rising=1, resting=1, seed=seed)
        ends.append(model.fc1.weight)
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_a_weight_is_effective_if_its_neuron_has_both_an_input_and_a_reader():
    thin = masked(perceptron(12), random_masks(perceptron(12), {"fc1": 0.999, "fc2": 0.9}))
    paths, stay = effective_weights(thin), {
        name: layer.weight != 0 for name, layer in prunable_layers(thin).items()}
    heard, hears = stay["fc2"].any(0), stay["fc1"].any(1)
    assert not heard.all()
    assert not hears.all()
    assert torch.equal(paths["fc1"], stay["fc1"] & heard[:, None])
    assert torch.equal(paths["fc2"], stay["fc2"] & hears)


def test_without_biases_what_has_no_path_changes_no_answer(mnist):
    model = lenet_5().double()
    for part in prunable_layers(model).values():
        part.bias.data.zero_()  # dead units would emit it
    thin = masked(model, random_masks(model, 0.99, seed=4))
    paths, images = effective_weights(thin), mnist.test.images[:50].double()
    dead = masked(thin, paths)
    assert sum(int(mask.sum()) for mask in paths.values()) < nonzero_weights(thin)
    torch.testing.assert_close(dead(images), thin(images))


def test_batch_norm_hides_no_path():
    paths = effective_weights(load_trained("vgg_mini"))
    assert sparsity(paths) < 0.01


@pytest.mark.parametrize(("options", "words"), [
    ({"sparsity": 90}, "sparsity is 90"), ({"rising": 0}, "rising is 0"),
    ({"every": 0}, "every is 0"), ({"resting": 0.5}, "resting is 0.5")])
def test_bad_input_is_refused(options, words, mnist):
    options = {"sparsity": 0.5, "rising": 1, "resting": 1} | options
    with pytest.raises(ValueError, match=words):
        prune_while_training(perceptron(5), mnist.train[:10], **options)
