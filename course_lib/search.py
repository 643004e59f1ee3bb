"""Search: what each layer bears, and how small a network may become under a drop bound."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from course_lib.data import MNIST, Split
from course_lib.intervals import Drop, paired_drop
from course_lib.masks import kept_units, magnitude_masks, masked, unit_masks
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, prunable_layers
from course_lib.removal import zero_units
from course_lib.scores import unit_layers
from course_lib.training import evaluate, predictions


def sensitivity_scan(model: nn.Module, split: Split, sparsities: Sequence[float],
                     granularity: str = "weight") -> dict[str, list[float]]:
    """Prune one layer at a time, nothing retrained; return its accuracy at each sparsity.

    By "weight" the smallest weights go; by "neuron" or "filter" the units of smallest L1 norm,
    wholly, with bias and batch norm; by "column" or "channel" the inputs of smallest L1 norm.
    Layers that have no such units, and the output layer where its units would go, are left out.
    Source: Li et al. 2017.
    """
    names = prunable_layers(model) if granularity == "weight" else unit_layers(model, granularity)
    return {name: [evaluate(_with_one_layer_pruned(model, name, share, granularity), split)
                   for share in sparsities] for name in names}


def _with_one_layer_pruned(model: nn.Module, name: str, share: float,
                           granularity: str) -> nn.Module:
    if granularity == "weight":
        masks = magnitude_masks(model, {name: share})
    else:
        masks = unit_masks(model, {name: share}, granularity)
    if granularity in ("neuron", "filter"):
        return zero_units(model, {name: kept_units(masks)[name]})
    return masked(model, masks)


def drop(original: nn.Module, pruned: nn.Module, split: Split) -> Drop:
    """Return the accuracy of the original minus that of the pruned model, on the same images.

    Only images that the two judge differently count for the interval, which is much narrower than
    one from two separate accuracies. Source: Bonett and Price 2012.
    """
    before = predictions(original, split) == split.labels
    after = predictions(pruned, split) == split.labels
    return paired_drop(int((before & ~after).sum()), int((after & ~before).sum()), len(split))


def shares_within(scan: dict[str, list[float]], sparsities: Sequence[float],
                  loss: float) -> dict[str, float]:
    """Return for each layer the largest sparsity at which it alone loses at most `loss`.

    `scan` is what `sensitivity_scan` found at these sparsities, the first of which is the
    reference. Between two of them accuracy is taken to lie on a line.
    """
    if not 0 <= loss <= 1:
        raise ValueError(f"loss is {loss!r}; allowed is a share from 0 to 1 (one point is 0.01)")
    shares = {}
    for name, accuracies in scan.items():
        shares[name] = sparsities[0]
        for place in range(1, len(sparsities)):
            before, here = (accuracies[0] - accuracies[at] for at in (place - 1, place))
            if here > loss:
                way = (loss - before) / (here - before)
                shares[name] += way * (sparsities[place] - sparsities[place - 1])
                break
            shares[name] = sparsities[place]
    return shares


Prune = Callable[[nn.Module, float], nn.Module]  # a model and how far -> a pruned model


@dataclass(frozen=True)
class Trial:
    """Hold one evaluation of a search: how far it pruned, what was left, the validation drop."""

    x: float
    weights: int
    drop: Drop
    model: nn.Module


@dataclass(frozen=True)
class Found:
    """Hold the end of a search under a drop bound.

    `model` is the smallest whose drop on validation stays within the bound, `test` its drop on the
    test split. `verdict` is "met" if the whole test interval lies within the bound, "met, but not
    surely" if the value does, "missed" if it does not, and "nothing fits" if no trial stayed within
    the bound on validation: then `model` is the original.
    """

    model: nn.Module
    x: float | None
    weights: int
    validation: Drop
    test: Drop
    verdict: str
    evaluations: int


def search_drop_bound(model: nn.Module, data: MNIST, drop_bound: float, prune: Prune, *,
                      xs: Sequence[float] = (0.2, 0.4, 0.6, 0.8, 0.9), refine: int = 4) -> Found:
    """Find the smallest pruned model that loses at most `drop_bound` on validation.

    `prune(model, x)` returns a pruned model, from mild at the first of `xs` to severe at the last.
    A bound of 0.01 is one point of accuracy. See `drop_bound_trials` for the search.
    """
    trials = list(drop_bound_trials(model, data, drop_bound, prune, xs=xs, refine=refine))
    return conclude(model, data, drop_bound, trials)


def drop_bound_trials(model: nn.Module, data: MNIST, drop_bound: float, prune: Prune, *,
                      xs: Sequence[float] = (0.2, 0.4, 0.6, 0.8, 0.9), refine: int = 4
                      ) -> Iterator[Trial]:
    """Yield the trials of a search as they are made: all `xs`, then `refine` halvings.

    All of `xs` are tried, since accuracy need not fall steadily: a later one may fit where an
    earlier one does not. Then the gap behind the last that fits is halved again and again.
    """
    if not 0 <= drop_bound <= 1:
        raise ValueError(f"drop_bound is {drop_bound!r}; allowed is a share from 0 to 1 (one point "
                         "is 0.01)")
    if len(xs) == 0 or list(xs) != sorted(set(xs)):
        raise ValueError(f"xs are {list(xs)}; allowed is one value or more, rising")
    if not (isinstance(refine, int) and refine >= 0):
        raise ValueError(f"refine is {refine!r}; allowed is a whole number, 0 or more")
    return _trials(model, data.validation, drop_bound, prune, list(xs), refine)


def _trials(model: nn.Module, split: Split, drop_bound: float, prune: Prune, xs: list[float],
            refine: int) -> Iterator[Trial]:
    fits = {}
    for x in xs:
        trial = _trial(model, split, prune, x)
        fits[x] = trial.drop.value <= drop_bound
        yield trial
    mild = max((x for x in xs if fits[x]), default=None)
    if mild is None or mild == xs[-1]:
        return
    severe = xs[xs.index(mild) + 1]
    for _ in range(refine):
        trial = _trial(model, split, prune, (mild + severe) / 2)
        if trial.drop.value <= drop_bound:
            mild = trial.x
        else:
            severe = trial.x
        yield trial


def _trial(model: nn.Module, split: Split, prune: Prune, x: float) -> Trial:
    pruned = prune(model, x)
    return Trial(x, nonzero_weights(pruned), drop(model, pruned, split), pruned)


def conclude(model: nn.Module, data: MNIST, drop_bound: float, trials: Sequence[Trial]) -> Found:
    """Choose the smallest fitting trial; only now look at the test split, once."""
    fitting = [trial for trial in trials if trial.drop.value <= drop_bound]
    if not fitting:
        same = drop(model, model, data.validation)
        return Found(model, None, nonzero_weights(model), same, drop(model, model, data.test),
                     "nothing fits", len(trials))
    best = min(fitting, key=lambda trial: trial.weights)
    test = drop(model, best.model, data.test)
    verdict = ("met" if test.high <= drop_bound else
               "met, but not surely" if test.value <= drop_bound else "missed")
    return Found(best.model, best.x, best.weights, best.drop, test, verdict, len(trials))


def granularities(network: str) -> list[str]:
    """Return what can be pruned: single weights, hidden neurons, and filters where there are any.

    >>> granularities("lenet_300_100"), granularities("lenet_5")
    (['weight', 'neuron'], ['weight', 'neuron', 'filter'])
    """
    model = ARCHITECTURES[network]()
    return ["weight", *(kind for kind in ("neuron", "filter") if unit_layers(model, kind))]


def smallest_within(rows: Sequence[dict], drop_bound: float, reference: dict, *,
                    images: int, on: str = "validation") -> dict:
    """Return the row of fewest bytes whose drop on a split of so many images is within the bound.

    If no row's is, or none is smaller, the reference's row: then nothing is pruned.
    """
    fitting = [row for row in rows if row[on][0] - row[on][1] <= drop_bound * images]
    return min([reference, *fitting], key=lambda row: row["bytes"]["zstd"])
