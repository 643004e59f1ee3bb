"""What exercise 8.8 is judged by: programs that keep a promise or break it, and tests of them.

The promise of each program, prune(model, sparsity): the model that it is given stays as it was; in
the new one that it returns the smallest of all weights are zero, round(sparsity · n) of n; every
other number is as it was.
"""

import copy
from collections.abc import Callable

import torch
from torch import nn

from course_lib.masks import apply_masks, magnitude_masks, masked
from course_lib.models import prunable_layers

Prune = Callable[[nn.Module, float], nn.Module]


def is_right(prune):
    """Return whether a program keeps its promise, for one network and one sparsity."""
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    before = copy.deepcopy(model)
    pruned = prune(model, 0.5)
    wanted = masked(before, magnitude_masks(before, 0.5))
    return all(torch.equal(values, other.state_dict()[name])
               for found, other in ((model, before), (pruned, wanted))
               for name, values in found.state_dict().items())


# Programs

def copied(model: nn.Module, sparsity: float) -> nn.Module:
    """Keep the promise, with a deep copy."""
    pruned = copy.deepcopy(model)
    apply_masks(pruned, magnitude_masks(pruned, sparsity))
    return pruned


def by_library(model: nn.Module, sparsity: float) -> nn.Module:
    """Keep the promise, by the library's own verb."""
    return masked(model, magnitude_masks(model, sparsity))


def shallow(model: nn.Module, sparsity: float) -> nn.Module:
    """Prune the model that is given as well: a shallow copy shares its layers."""
    pruned = copy.copy(model)
    apply_masks(pruned, magnitude_masks(pruned, sparsity))
    return pruned


def in_place(model: nn.Module, sparsity: float) -> nn.Module:
    """Prune the model that is given, and return it."""
    apply_masks(model, magnitude_masks(model, sparsity))
    return model


def last_shared(model: nn.Module, sparsity: float) -> nn.Module:
    """Prune the last layer of the model that is given as well."""
    pruned = copied(model, sparsity)
    name = list(prunable_layers(model))[-1]
    apply_masks(model, {name: pruned.get_submodule(name).weight != 0})
    return pruned


def one_too_many(model: nn.Module, sparsity: float) -> nn.Module:
    """Zero one weight more than was asked for, as a threshold with > does."""
    weights = torch.cat([layer.weight.flatten() for layer in prunable_layers(model).values()])
    threshold = weights.abs().sort().values[round(sparsity * len(weights))]
    return masked(model, {name: layer.weight.abs() > threshold
                          for name, layer in prunable_layers(model).items()})


def layer_by_layer(model: nn.Module, sparsity: float) -> nn.Module:
    """Zero the smallest of each layer, not the smallest of all."""
    return masked(model, magnitude_masks(model, sparsity, scope="layer"))


def biases_too(model: nn.Module, sparsity: float) -> nn.Module:
    """Zero the biases as well."""
    pruned = copied(model, sparsity)
    for layer in prunable_layers(pruned).values():
        layer.bias.data.zero_()
    return pruned


PROGRAMS = (copied, by_library, shallow, in_place, last_shared, one_too_many, layer_by_layer,
            biases_too)


# Tests that are not good enough

def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))


def _same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(values, other.state_dict()[name])
               for name, values in one.state_dict().items())


def _as_wanted(pruned: nn.Module, before: nn.Module) -> bool:
    return _same(pruned, by_library(before, 0.5))


def _zeros(model: nn.Module) -> int:
    return sum(int((layer.weight == 0).sum()) for layer in prunable_layers(model).values())


def counts_only(prune: Prune) -> bool:
    """Count the zeros of what is returned, and look at nothing else."""
    return _zeros(prune(_network(), 0.5)) == 16


def counts_and_compares(prune: Prune) -> bool:
    """Count the zeros, and hold the model against a copy of itself, but not what is returned."""
    model = _network()
    before = copy.deepcopy(model)
    return _zeros(prune(model, 0.5)) == 16 and _same(model, before)


def without_copy(prune: Prune) -> bool:
    """Keep from before what is no copy."""
    model = before = _network()
    return _as_wanted(prune(model, 0.5), before) and _same(model, before)


def other_object(prune: Prune) -> bool:
    """Ask only whether another object came back."""
    model = _network()
    before = copy.deepcopy(model)
    pruned = prune(model, 0.5)
    return pruned is not model and _as_wanted(pruned, before)


def first_layer(prune: Prune) -> bool:
    """Look at the first layer of the model that was given, and not at the others."""
    model = _network()
    before = copy.deepcopy(model)
    return _as_wanted(prune(model, 0.5), before) and _same(model[0], before[0])


def against_itself(prune: Prune) -> bool:
    """Ask whether the pruned model equals the model that was given."""
    model = _network()
    return _same(prune(model, 0.5), model)


def nothing_pruned(prune: Prune) -> bool:
    """Try a sparsity of 0, at which most programs are right."""
    model = _network()
    before = copy.deepcopy(model)
    return _same(prune(model, 0.0), before) and _same(model, before)
