"""Search: what each layer bears, and how small a network may become under a drop bound."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from course_lib._allowed import check_whole, require
from course_lib.data import MNIST, Split
from course_lib.intervals import Drop, drop_between
from course_lib.masks import magnitude_masks, masked, unit_masks, units_to_keep
from course_lib.measure import nonzero_weights
from course_lib.models import prunable_layers
from course_lib.removal import zero_units
from course_lib.scores import unit_layers
from course_lib.training import evaluate, predictions, reestimate_batch_norm

Prune = Callable[[nn.Module, float], nn.Module]  # a model and a strength -> a pruned model
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 0.9)


def sensitivity_scan(model: nn.Module, split: Split, sparsities: Sequence[float],
                     granularity: str = "weight", *, statistics: Split | None = None
                     ) -> dict[str, list[float]]:
    """Prune one layer at a time, nothing retrained; return its accuracy at each sparsity.

    By "weight" the smallest weights go; by "neuron" or "filter" the units of smallest L1 norm,
    wholly, with bias and batch norm; by "column" or "channel" the inputs of smallest L1 norm.
    Layers without such units are left out, and the output layer where its units would go. With
    `statistics`, a split, batch norms are estimated anew on it first. Source: Li et al. 2017.
    """
    names = prunable_layers(model) if granularity == "weight" else unit_layers(model, granularity)
    scan: dict[str, list[float]] = {name: [] for name in names}
    for name, share in itertools.product(names, sparsities):
        pruned = _one_layer_pruned(model, name, share, granularity)
        if statistics is not None:
            pruned = reestimate_batch_norm(pruned, statistics)
        scan[name].append(evaluate(pruned, split))
    return scan


def _one_layer_pruned(model: nn.Module, name: str, share: float, granularity: str) -> nn.Module:
    if granularity in ("neuron", "filter"):
        return zero_units(model, units_to_keep(model, {name: share}))
    return masked(model, magnitude_masks(model, {name: share}) if granularity == "weight"
                  else unit_masks(model, {name: share}, granularity))


def drop(original: nn.Module, pruned: nn.Module, split: Split) -> Drop:
    """Return the accuracy of the original minus that of the pruned model, on the same images.

    Only images that the two judge differently count for the interval, which is narrow for that.
    """
    return drop_between(predictions(original, split) == split.labels,
                        predictions(pruned, split) == split.labels)


@dataclass(frozen=True)
class Trial:
    """Hold one trial of a search: how strongly it pruned, what is not zero, the validation drop."""

    strength: float | None  # None: nothing is pruned
    nonzero: int
    drop: Drop
    model: nn.Module


@dataclass(frozen=True)
class Found:
    """Hold a search's end: the smallest model within the bound on validation, and its drops."""

    model: nn.Module  # the original where no trial is within the bound
    strength: float | None  # and then None
    nonzero: int
    validation: Drop
    test: Drop
    verdict: str  # of the drop on test, "met", "open" or "missed"; or "nothing fits"
    evaluations: int


def search_drop_bound(model: nn.Module, data: MNIST, drop_bound: float, prune: Prune, *,
                      strengths: Sequence[float] = STRENGTHS, refine: int = 4) -> Found:
    """Find the smallest pruned model that loses at most `drop_bound` on validation.

    `prune(model, strength)` returns a pruned model; a strength is a sparsity, a quality, or
    whatever prunes more as it rises. A bound of 0.01 is one point. See `drop_bound_trials`.
    """
    return conclude(model, data, drop_bound, list(drop_bound_trials(
        model, data, drop_bound, prune, strengths=strengths, refine=refine)))


def drop_bound_trials(model: nn.Module, data: MNIST, drop_bound: float, prune: Prune, *,
                      strengths: Sequence[float] = STRENGTHS, refine: int = 4
                      ) -> Iterator[Trial]:
    """Yield the trials of a search as they are made: all `strengths`, then `refine` halvings.

    All are tried, since accuracy need not fall steadily: a later one may fit where an earlier one
    does not. Then the gap behind the last that fits is halved again and again.
    """
    _check(drop_bound, strengths, refine)
    mild = severe = None  # the last strength that fits, and the one behind it
    for strength in strengths:
        trial = _trial(model, data.validation, prune, strength)
        yield trial
        if trial.drop.value <= drop_bound:
            mild, severe = strength, None
        elif severe is None:
            severe = strength
    for _ in range(0 if mild is None or severe is None else refine):
        trial = _trial(model, data.validation, prune, (mild + severe) / 2)
        yield trial
        if trial.drop.value <= drop_bound:
            mild = trial.strength
        else:
            severe = trial.strength


def _check(drop_bound: float, strengths: Sequence[float], refine: int) -> None:
    require(0 <= drop_bound <= 1, "drop_bound", drop_bound, "0 to 1 (one point is 0.01)")
    require(len(strengths) > 0 and list(strengths) == sorted(set(strengths)), "strengths",
            list(strengths), "one or more, rising")
    check_whole("refine", refine, 0)


def _trial(model: nn.Module, split: Split, prune: Prune, strength: float) -> Trial:
    pruned = prune(model, strength)
    return Trial(strength, nonzero_weights(pruned), drop(model, pruned, split), pruned)


def conclude(model: nn.Module, data: MNIST, drop_bound: float, trials: Sequence[Trial]) -> Found:
    """Choose the smallest fitting trial; only now look at the test split, once."""
    best = smallest_within(trials, drop_bound) or Trial(
        None, nonzero_weights(model), drop(model, model, data.validation), model)
    test = drop(model, best.model, data.test)
    verdict = "nothing fits" if best.strength is None else test.verdict(drop_bound)
    return Found(best.model, best.strength, best.nonzero, best.drop, test, verdict, len(trials))


def smallest_within(candidates: Iterable, drop_bound: float, *,
                    drop: Callable[[Any], float] = lambda trial: trial.drop.value,
                    size: Callable[[Any], float] = lambda trial: trial.nonzero) -> Any:
    """Return the smallest candidate that drops at most `drop_bound`, None if there is none.

    `drop` and `size` read a candidate, by default a `Trial`. The unpruned network may be one too.

    >>> networks = [(900, 0.0), (500, 0.006), (300, 0.004), (100, 0.05)]
    >>> smallest_within(networks, 0.005, drop=lambda each: each[1], size=lambda each: each[0])
    (300, 0.004)
    """
    return min((each for each in candidates if drop(each) <= drop_bound), key=size, default=None)
