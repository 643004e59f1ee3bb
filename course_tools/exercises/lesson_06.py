"""Exercises of lesson 06, the drop bound."""

import math

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def count_drop(before: Tensor, after: Tensor, labels: Tensor) -> tuple[float, int, int]:
    """Return the drop, and how many images were lost and gained, from two networks' answers."""
    was, now = before == labels, after == labels
    lost, gained = int((was & ~now).sum()), int((~was & now).sum())
    return (lost - gained) / len(labels), lost, gained


def search_bound(networks: list[list[tuple[int, float, float]]], limit: float,
                 candidates: list[float], enough: int) -> float | None:
    """Return the largest bound to search under that keeps enough networks within a limit on test.

    Of each network a list of (weights left, drop on validation, drop on test).
    """
    kept = []
    for candidate in candidates:
        chosen = [min(row for row in rows if row[1] <= candidate) for rows in networks]
        if sum(test <= limit for _, _, test in chosen) >= enough:
            kept.append(candidate)
    return max(kept, default=None)


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


def images_needed(share: float, bound: float) -> int:
    """Return how many images it takes to tell a drop of zero from a drop of the bound."""
    return math.ceil(share * (1.96 / bound) ** 2)


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


def _reached(rows: list[tuple[int, float, float]], candidate: float, by: int
             ) -> tuple[int, float, float]:
    """Return the smallest network whose drop, in column `by`, is within a candidate."""
    return min(row for row in rows if row[by] <= candidate)


def _kept(networks: list, limit: float, candidates: list[float], enough: int, *, chosen_by: int = 1,
          judged_by: int = 2) -> list[float]:
    return [candidate for candidate in candidates if sum(
        _reached(rows, candidate, chosen_by)[judged_by] <= limit for rows in networks) >= enough]


def _by_test(networks: list, limit: float, candidates: list[float], enough: int) -> float | None:
    return max(_kept(networks, limit, candidates, enough, chosen_by=2), default=None)


def _by_validation(networks: list, limit: float, candidates: list[float], enough: int
                   ) -> float | None:
    return max(_kept(networks, limit, candidates, enough, judged_by=1), default=None)


def _smallest_bound(networks: list, limit: float, candidates: list[float], enough: int
                    ) -> float | None:
    return min(_kept(networks, limit, candidates, enough), default=None)


def _largest_network(networks: list, limit: float, candidates: list[float], enough: int
                     ) -> float | None:
    turned = [[(-left, seen, test) for left, seen, test in rows] for rows in networks]
    return search_bound(turned, limit, candidates, enough)


def _best_drop(networks: list, limit: float, candidates: list[float], enough: int
               ) -> float | None:
    """Choose the smallest drop on validation, not the smallest network."""
    turned = [[(seen, seen, test) for _, seen, test in rows] for rows in networks]
    return search_bound(turned, limit, candidates, enough)


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


NETWORKS = [  # (weights left, drop on validation, drop on test) of each network of a search
    [(900, 0.0, 0.0), (500, 0.005, 0.009), (300, 0.02, 0.002), (100, 0.02, 0.002)],
    [(900, 0.0, 0.0), (500, -0.001, 0.004), (300, 0.005, 0.002), (100, 0.02, 0.006)],
    [(900, 0.0, 0.0), (500, -0.001, 0.03), (300, 0.006, 0.03), (100, 0.02, 0.003)]]
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
    Quiz(
        "6.2", "Twenty honest searches", 2, 1,
        answer="d",
        choices={"a": "one", "b": "about four", "c": "about eight", "d": "more than ten"},
        mistakes={
            "a": "One in twenty would be chance alone, if the two splits were alike but for it.",
            "b": "It is more. A search flatters itself little, as you saw; something else does.",
            "c": "It is more still. Less than half of the twenty stay within the bound.",
        },
        idea="whether validation and test are images of the same kind",
        hints=("You saw how little a search on one half flatters itself on the other half. So what "
               "else could move the drop?",
               "Are test digits as hard for a pruned network as validation digits?"),
        right="Most of the twenty. And no search has cheated.",
        why="The search keeps the bound where it looks. On test the same networks drop more, since "
            "those digits are of another kind: the lesson looks for the reason.",
    ),
    Quiz(
        "6.3", "Two intervals, one difference", 2, 2,
        answer="c",
        choices={
            "a": "pruning costs more on digits of unseen writers: one of the two intervals lies "
                 "above zero",
            "b": "seen and unseen writers' digits cost the same: the wider interval holds zero",
            "c": "these unseen digits lost more than these seen ones, in networks like ours; "
                 "whether other digits would is open",
            "d": "nothing: the two intervals contradict each other"},
        mistakes={
            "a": "That interval is over networks. It says nothing about digits that were not "
                 "among these 1,550 and 5,001.",
            "b": "Zero inside an interval does not show that there is no difference. It reaches as "
                 "far as half a point.",
            "d": "They answer two questions. The wider one lets the images change as well.",
        },
        idea="what each of the two intervals lets vary",
        hints=("The first interval asks: with other networks, on these images, where would the "
               "mean lie?",
               "The second asks the same of other networks and of other images."),
        right="Twenty networks say much about these digits. They are no new digits.",
        why="More networks make the first interval ever shorter. What other images would change, "
            "they cannot tell; it stays in the second one.",
    ),
    Exercise(
        "6.4", "Count a drop", 1, 5,
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
        "6.5", "How many images", 2, 5,
        reference=images_needed,
        cases=lambda: [(0.008, 0.001), (0.02, 0.005), (0.013, 0.003), (0.5, 0.02)],
        mistakes={
            "That many images give a reach of the bound with 68 %, not with 95 %: the 1.96 is "
            "missing.": lambda share, bound: math.ceil(share / bound ** 2),
            "Twice as many images do not halve the reach, four times as many do: the whole "
            "fraction has to be squared.":
                lambda share, bound: math.ceil(1.96 * share ** 0.5 / bound),
            "Half an image cannot be read, and one too few does not reach the bound: round up.":
                lambda share, bound: int(share * (1.96 / bound) ** 2),
            "The share of images that differ stands under the root, so it is not squared.":
                lambda share, bound: math.ceil((share * 1.96 / bound) ** 2),
            "All images count there. Only those that the two networks judge differently do.":
                lambda share, bound: math.ceil((1.96 / bound) ** 2),
        },
        idea="reach = 1.96 · √(share / n), solved for n",
        hints=("Of n images share · n differ. The reach is 1.96 · √(share · n) / n.",
               "That is 1.96 · √(share / n). Set it equal to the bound, square both sides, and "
               "solve for n.",
               "n = share · (1.96 / bound)², rounded up with math.ceil."),
        right="Half the bound takes four times as many images.",
        why="The reach shrinks with the root of n, so n grows with the square of 1 / bound. Round "
            "up, since a little less does not reach it.",
    ),
    Exercise(
        "6.6", "How much reserve", 3, 10,
        reference=search_bound,
        cases=lambda: [
            (NETWORKS, 0.005, [0.002, 0.004, 0.005, 0.007], 2),
            (NETWORKS, 0.005, [0.007, 0.005, 0.004, 0.002], 3),
            (NETWORKS, 0.001, [0.004, 0.005], 3), (NETWORKS, 0.009, [0.001, 0.004, 0.005], 3)],
        mistakes={
            "There the test drops choose the networks. A search sees validation only; test says "
            "afterwards which of the chosen networks stayed within the limit.": _by_test,
            "That asks validation whether the limit was kept. Whether a network is within it is "
            "asked of test.": _by_validation,
            "That is the smallest bound that keeps enough of them. The largest leaves the smallest "
            "networks.": _smallest_bound,
            "Of the networks that fit, the largest is taken there. A search takes the one with the "
            "fewest weights left.": _largest_network,
            "Of the networks that fit, the one that drops least is taken there. A search takes the "
            "one with the fewest weights left.": _best_drop,
            "Exactly enough is enough: >=, not >.":
                lambda networks, limit, candidates, enough: search_bound(
                    networks, limit, candidates, enough + 1),
            "A drop of exactly a bound is within it: <=, not <.":
                lambda networks, limit, candidates, enough: search_bound(
                    [[(left, seen + 1e-9, test + 1e-9) for left, seen, test in rows]
                     for rows in networks], limit, candidates, enough),
        },
        idea="for each candidate: which network each search chooses, and how many are within limit",
        hints=("For one candidate and one network: which rows fit on validation, and which of "
               "these has the fewest weights left?",
               "For one candidate: do so for each network, and count how many of those chosen drop "
               "at most the limit on test.",
               "Collect the candidates whose count is at least `enough`; max of them, or None."),
        right="A reserve, measured. It was found by looking at test, so only other networks can "
              "say whether it holds: ask the ten that you have not used.",
        why="Choosing and judging use different columns: validation chooses under the candidate, "
            "test judges by the limit. The largest candidate that keeps enough networks gives away "
            "the least.",
    ),
    Exercise(
        "6.7", "Shares by sensitivity", 3, 8,
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
