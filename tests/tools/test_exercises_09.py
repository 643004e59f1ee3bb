"""Exercise 9.7, half of resnet_mini: which networks are taken, and what the others are told."""

import copy

import pytest
import torch
import torch_pruning as tp
from torch import nn

from course_lib.models import lenet_300_100, load_trained

from course_tools.checks.judge import judge
from course_tools.exercises import find

HALF = find("9.7")
IMAGE = torch.zeros(1, 1, 28, 28)


@pytest.fixture(scope="module")
def resnet():
    return load_trained("resnet_mini")


def pruned(resnet, everywhere, **shares):
    smaller = copy.deepcopy(resnet)
    each = {getattr(smaller.blocks[2], name): share for name, share in shares.items()}
    tp.pruner.BasePruner(smaller, IMAGE, pruning_ratio=everywhere, pruning_ratio_dict=each,
                         importance=tp.importance.GroupMagnitudeImportance(p=1),
                         ignored_layers=[smaller.fc]).step()
    return smaller


def test_the_reference_meets_both_budgets(resnet):
    verdict = judge(HALF, HALF.reference(resnet, IMAGE))
    assert (verdict.state, verdict.text, verdict.lines) == ("right", HALF.right, HALF.met)


@pytest.mark.parametrize(("everywhere", "shares", "told"), [
    (0.3, {}, "1 of 2 budgets are met. It is small enough, and"),
    (0, {"conv1": 0.25}, "1 of 2 budgets are met. It reads well, but"),
    (0.25, {}, "0 of 2 budgets are met. Too many parameters are left"),
])
def test_each_miss_is_told_what_it_was(resnet, everywhere, shares, told):
    verdict = judge(HALF, pruned(resnet, everywhere, **shares))
    assert verdict.state == "not yet"
    assert verdict.text.startswith(told)


@pytest.mark.parametrize(("answer", "told"), [
    (0.5, "my_half is a float; allowed is a network"),
    (nn.Linear(3, 4), "my_half does not run on the digits"),
])
def test_what_is_no_network_is_not_weighed(answer, told):
    assert judge(HALF, answer).text.startswith(told)


def test_the_stub_is_no_attempt_and_another_network_is_weighed():
    assert judge(HALF, ...).state == "not attempted yet"
    assert judge(HALF, lenet_300_100()).text.startswith("0 of 2 budgets are met.")
