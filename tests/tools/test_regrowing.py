from itertools import pairwise

import pytest
import torch

from course_lib.masks import sparsity
from course_lib.models import load_trained, perceptron, prunable_layers
from course_lib.regrowth import regrown
from course_lib.training import evaluate

from course_tools.experiments.regrowing import prune_while_training


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
        monkeypatch.setattr("course_tools.experiments.regrowing.regrown",
                            lambda masks, weights, share, seen=seen:
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


@pytest.mark.parametrize(("options", "words"), [
    ({"sparsity": 90}, "sparsity is 90"), ({"rising": 0}, "rising is 0"),
    ({"every": 0}, "every is 0"), ({"resting": 0.5}, "resting is 0.5")])
def test_bad_input_is_refused(options, words, mnist):
    options = {"sparsity": 0.5, "rising": 1, "resting": 1} | options
    with pytest.raises(ValueError, match=words):
        prune_while_training(perceptron(5), mnist.train[:10], **options)
