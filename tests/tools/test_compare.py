"""Comparing: what counts as the same, and how values are shown."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.data import Split

from course_tools.checks.compare import difference, shown


def network(training=False):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train(training)


def moved(model):
    model[1].running_mean += 1
    return model


SPLIT = Split(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.int64))


@pytest.mark.parametrize(("found", "expected", "same"), [
    (3, 3.0, True), (3.0, 3, True), (torch.tensor(3), 3, True), (np.int64(3), 3, True),
    (3, torch.tensor(3.0), True), (True, 1, False), (1, True, False), (np.True_, True, True),
    (float("nan"), 3, False), (float("inf"), float("inf"), True), (3.0002, 3, True),
    (3.001, 3, False), ("3", 3, False), (None, None, True), ("a", "a", True), ("a", "b", False),
    ((1, 2), [1, 2], True), ([1], (1, 2), False), ({"a": 1}, {"a": 1.0}, True),
    ({"a": 1, "b": 1}, {"a": 1}, False), ({"a": 2}, {"a": 1}, False), ([("a", 1)], {"a": 1}, False),
    (network(), network(), True), (network(), moved(network()), False),
    (network(training=True), network(), False), (nn.ReLU(), network(), False),
    (copy.deepcopy(SPLIT), SPLIT, True), (Split(SPLIT.images + 1, SPLIT.labels), SPLIT, False),
    (torch.tensor([1, 2]).int(), torch.tensor([1, 2]), True),
    (torch.tensor([1.0, 2.0]), torch.tensor([1, 2]), False),
    (torch.tensor([float("nan")]), torch.tensor([float("nan")]), True),
])
def test_difference(found, expected, same):
    assert (difference(found, expected) == "") == same


@pytest.mark.parametrize(("value", "text"), [
    (0.1 + 0.2, "0.3"), (1 / 3, "0.333333"), (266_200, "266200"), (True, "True"),
    (torch.tensor([[True, False]]), "[[True, False]]"),
    (torch.ones(5, 5), "a tensor of shape (5, 5)"),
    (nn.ReLU(), "a ReLU"), (object(), "a object"), ({"a": (1, 2.5)}, "{'a': (1, 2.5)}"),
])
def test_values_are_shown_shortly(value, text):
    assert shown(value) == text
