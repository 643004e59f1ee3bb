"""Exercises of lesson 06, the drop bound."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def count_drop(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    """Return the drop, and how many images were lost and gained, from two networks' answers."""
    was, now = before == labels, after == labels
    lost, gained = int((was & ~now).sum()), int((~was & now).sum())
    return (lost - gained) / len(labels), lost, gained


def verdict(value: float, low: float, high: float, bound: float) -> str:
    """Return how the interval of a drop stands to a bound; its value does not matter."""
    if high <= bound:
        return "met"
    return "open" if low <= bound else "missed"


def smallest_fitting(nonzero: list[int], drops: list[float], bound: float) -> int | None:
    """Return the place of the smallest network within the bound, None if there is none."""
    fitting = [place for place, drop in enumerate(drops) if drop <= bound]
    return min(fitting, key=nonzero.__getitem__, default=None)


def layer_shares(scan: dict[str, list[float]], sparsities: list[float],
                 loss: float) -> dict[str, float]:
    """Return for each layer the sparsity before it first loses more than `loss`."""
    shares = {}
    for name, accuracies in scan.items():
        shares[name] = sparsities[0]
        for sparsity, accuracy in zip(sparsities, accuracies, strict=True):
            if accuracies[0] - accuracy > loss:
                break
            shares[name] = sparsity
    return shares


def _swapped(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    drop, lost, gained = count_drop(before, after, labels)
    return -drop, gained, lost


def _changed(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    """Count every answer that has changed, also from one wrong answer to another."""
    changed = before != after
    lost = int((changed & (after != labels)).sum())
    gained = int((changed & (after == labels)).sum())
    return (lost - gained) / len(labels), lost, gained


def _apart(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    drop, _, _ = count_drop(before, after, labels)
    return drop, int((after != labels).sum()), int((before != labels).sum())


def _relative(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    _, lost, gained = count_drop(before, after, labels)
    return (lost - gained) / int((before == labels).sum()), lost, gained


def _points(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    drop, lost, gained = count_drop(before, after, labels)
    return 100 * drop, lost, gained


def _until_first_miss(nonzero: list[int], drops: list[float], bound: float) -> int | None:
    """Stop at the first that does not fit, as if drops rose steadily."""
    best = None
    for place, drop in enumerate(drops):
        if drop > bound:
            break
        best = place
    return best


def _any_fitting(scan: dict[str, list[float]], sparsities: list[float],
                 loss: float) -> dict[str, float]:
    """Take the largest that fits, also behind one that does not."""
    return {name: max(sparsity for sparsity, accuracy in zip(sparsities, accuracies, strict=True)
                      if accuracies[0] - accuracy <= loss) for name, accuracies in scan.items()}


def _one_further(scan: dict[str, list[float]], sparsities: list[float],
                 loss: float) -> dict[str, float]:
    found = layer_shares(scan, sparsities, loss)
    return {name: sparsities[min(sparsities.index(share) + 1, len(sparsities) - 1)]
            for name, share in found.items()}


LABELS = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7])
GRID = [0.0, 0.3, 0.6, 0.9]
SCAN = {"fc1": [0.98, 0.98, 0.97, 0.90], "fc2": [0.98, 0.985, 0.979, 0.96],
        "fc3": [0.98, 0.95, 0.975, 0.5]}


EXERCISES = (
    Quiz(
        "6.1", "How many differ", 1, 3,
        answer=20.0,
        mistakes={
            280.0: "That is the most: if no image were read wrong by both, all 130 and all 150 "
                   "would differ. The question is the fewest.",
            130.0: "Those are the errors of the original. They may all be errors of the pruned "
                   "network as well.",
            150.0: "Those are the errors of the pruned network. The original may share most of "
                   "them.",
            0.2: "That is the drop in points. The question is a number of images.",
        },
        idea="the images that only one of the two reads wrong",
        hints=("The original errs on 130 images, the pruned network on 150. Which images of these "
               "need not be judged differently?",
               "If the pruned network errs on all 130, and on some more, how many more are they?"),
        right="20, if every error of the original is one of the pruned network, too. And 280 at "
              "most. How wide the drop's interval is depends on where in between it lies.",
        why="130 errors can be shared. The other 20 of the pruned network's 150 cannot.",
    ),
    Exercise(
        "6.2", "Count a drop", 1, 6,
        reference=count_drop,
        cases=lambda: [
            (LABELS, torch.tensor([0, 1, 2, 3, 4, 5, 0, 0]), LABELS),
            (torch.tensor([0, 1, 2, 3, 9, 9, 9, 7]), torch.tensor([0, 1, 9, 9, 4, 8, 9, 9]),
             LABELS),
            (torch.tensor([1, 1]), torch.tensor([0, 1]), torch.tensor([0, 1]))],
        mistakes={
            "Lost and gained have changed places: lost were right before, and a loss is positive.":
                _swapped,
            "That counts answers that have changed from one wrong digit to another; neither "
            "network reads those right.": _changed,
            "Those are all errors of each network. Only images count that one of the two reads "
            "right and the other wrong.": _apart,
            "That is relative to the images read right before. A drop is a share of all images.":
                _relative,
            "The drop is asked for as a share: one point is 0.01.": _points,
        },
        idea="which images were right before, which are right now, and which of them differ",
        hints=("before == labels tells which images were right before, after == labels which are "
               "right now.",
               "Lost: right before and not now. Gained: the other way round. & and ~ combine them.",
               "The drop is (lost − gained) / number of images."),
        right="These two counts are all that the interval needs.",
        why="Images that both read right, or both wrong, tell nothing about the difference. What "
            "is left are the lost and the gained.",
    ),
    Exercise(
        "6.3", "Met, open or missed", 1, 4,
        reference=verdict,
        cases=lambda: [(0.002, 0.0, 0.004, 0.005), (0.004, 0.002, 0.006, 0.005),
                       (0.008, 0.006, 0.010, 0.005), (0.006, 0.004, 0.008, 0.005),
                       (0.003, 0.001, 0.005, 0.005), (0.007, 0.005, 0.009, 0.005)],
        mistakes={
            "The lower end alone is looked at there. What could break the bound is the upper end.":
                lambda value, low, high, bound: "met" if low <= bound else "missed",
            "The value alone decides there. With other images it would be another one, anywhere in "
            "the interval.":
                lambda value, low, high, bound: "met" if value <= bound else "missed",
            "There a bound is missed as soon as the interval reaches beyond it. While the interval "
            "holds the bound, it is open.":
                lambda value, low, high, bound: "met" if high <= bound else "missed",
            "A value above the bound is no reason to call it missed: while the lower end lies "
            "within it, it is open.":
                lambda value, low, high, bound: (
                    "met" if high <= bound else "open" if value <= bound else "missed"),
            "An end exactly at the bound is within it: <=, not <.":
                lambda value, low, high, bound: verdict(value, low, high, bound - 1e-12),
            "Open and missed have changed places.":
                lambda value, low, high, bound: {
                    "met": "met", "missed": "open", "open": "missed"}[
                        verdict(value, low, high, bound)],
        },
        idea="where the bound lies: above the interval, inside it, or below it",
        hints=("If the upper end is within the bound, so is all of the interval.",
               "If it is not: does at least the lower end lie within the bound?"),
        right="Three verdicts, since an interval can lie on both sides of a bound.",
        why="The upper end decides whether the bound is met, the lower end whether it is missed. "
            "In between the images do not decide, and it is open.",
    ),
    Exercise(
        "6.4", "The smallest that fits", 2, 6,
        reference=smallest_fitting,
        cases=lambda: [([900, 500, 300, 100], [0.0, 0.004, 0.02, 0.05], 0.005),
                       ([900, 500, 300, 100], [0.001, 0.006, 0.004, 0.05], 0.005),
                       ([300, 900, 500], [0.005, 0.003, -0.002], 0.005),
                       ([300, 100], [0.01, 0.02], 0.005)],
        mistakes={
            "The search ends there at the first that does not fit. Drops need not rise steadily: a "
            "later one may fit again.": _until_first_miss,
            "That is the smallest drop. The smallest network within the bound is asked for.":
                lambda nonzero, drops, bound: None if min(drops) > bound else drops.index(
                    min(drops)),
            "A drop of exactly the bound is within it: <=, not <.":
                lambda nonzero, drops, bound: smallest_fitting(nonzero, drops, bound - 1e-12),
            "That is the largest network that fits. The smallest is asked for.":
                lambda nonzero, drops, bound: smallest_fitting(
                    [-count for count in nonzero], drops, bound),
            "Where nothing fits there is no answer: return None.":
                lambda nonzero, drops, bound: (
                    0 if min(drops) > bound else smallest_fitting(nonzero, drops, bound)),
        },
        idea="which networks fit, all of them, and which of those has the fewest weights",
        hints=("First collect the places of all networks whose drop is within the bound.",
               "If the collection is empty, the answer is None.",
               "Of the places collected, min with a key takes the one of fewest weights; or go "
               "through them with a loop."),
        right="All are looked at, since accuracy need not fall steadily.",
        why="Fitting comes first, size second. And a later network may fit where an earlier one "
            "does not.",
    ),
    Exercise(
        "6.5", "Shares by sensitivity", 3, 10,
        reference=layer_shares,
        cases=lambda: [(SCAN, GRID, 0.012), (SCAN, GRID, 0.0015), (SCAN, GRID, 0.04),
                       ({"conv1": [0.9, 0.85]}, [0.0, 0.5], 0.06)],
        mistakes={
            "That takes the largest sparsity that fits, also behind one that does not. What comes "
            "after the first loss is luck.": _any_fitting,
            "That is the first sparsity that loses too much; the one before it is asked for.":
                _one_further,
            "The loss is counted there from 100 %. It is counted from the layer's own first "
            "accuracy.":
                lambda scan, sparsities, loss: layer_shares(
                    {name: [1.0, *accuracies[1:]] for name, accuracies in scan.items()},
                    sparsities, loss),
            "That is the accuracy at that sparsity; the sparsity is asked for.":
                lambda scan, sparsities, loss: {
                    name: scan[name][sparsities.index(share)]
                    for name, share in layer_shares(scan, sparsities, loss).items()},
            "All layers get the same share there, the one that the most sensitive of them bears.":
                lambda scan, sparsities, loss: dict.fromkeys(
                    scan, min(layer_shares(scan, sparsities, loss).values())),
        },
        idea="one layer's accuracies from left to right, until the first one too low",
        hints=("For one layer: accuracies[0] is the unpruned network. What has it lost at each "
               "sparsity?",
               "Walk from mild to severe, remember the sparsity as long as the loss is allowed, "
               "and stop at the first that is not.",
               "Inside `for name, accuracies in scan.items()`, a second loop over "
               "zip(sparsities, accuracies) with a break."),
        right="shares_within does the same, and goes on between two grid points along a line.",
        why="Each layer is asked alone how much it bears. The walk stops at its first loss beyond "
            "the limit, since what a single later point says may be luck.",
    ),
)
