"""What lesson 06 asks of rows with drops: what a search chooses, and how far its drop is known.

A row has "seed", "bytes" and, of each split, the drop's [lost, gained]; one of each seed is the
unpruned network's, whose drop is 0. Drops are shares: one point is 0.01.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from course_lib.intervals import Drop, Interval, paired_drop, seed_interval
from course_lib.search import smallest_within

from course_tools.experiments.images import right_images
from course_tools.experiments.results import FEW, only
from course_tools.experiments.two_levels import two_level_drop, widened

IMAGES = {"validation": 5_000, "test": 10_000}
Group = tuple[str, str]  # a split and a group's name, such as ("test", "students, unseen")


def drop_of(row: dict, split: str = "test") -> Drop:
    """Return the paired drop of one network."""
    return paired_drop(*row[split], IMAGES[split])


def on_validation(row: dict) -> float:
    """Return the value of the drop on validation."""
    return drop_of(row, "validation").value


def by_seed(rows: Iterable[dict]) -> list[list[dict]]:
    """Return the rows of each seed, in the order of the seeds.

    >>> by_seed([{"seed": 1}, {"seed": 0}, {"seed": 1, "more": True}])
    [[{'seed': 0}], [{'seed': 1}, {'seed': 1, 'more': True}]]
    """
    found: dict[int, list[dict]] = {}
    for row in sorted(rows, key=itemgetter("seed")):
        found.setdefault(row["seed"], []).append(row)
    return list(found.values())


def chosen(rows: Iterable[dict], bound: float,
           by: Callable[[dict], float] = on_validation) -> list[dict]:
    """Return of each seed the row of the smallest file whose drop, read by `by`, is within a bound.

    In the order of the seeds.
    """
    return [smallest_within(of_one, bound, drop=by, size=lambda row: row["bytes"]["zstd"])
            for of_one in by_seed(rows)]


def searched_on_halves(rows: Iterable[dict], bound: float) -> tuple[list[float], list[float]]:
    """Search on random halves of the test split; return the drops there and on the other halves.

    Two lists with a value for each seed, the mean over its halves.
    """
    means = []
    for of_one in by_seed(rows):
        pairs = [_on_both(of_one, bound, cut) for cut in range(len(of_one[0]["halves"]))]
        means.append([sum(values) / len(pairs) for values in zip(*pairs, strict=True)])
    seen, fresh = zip(*means, strict=True)
    return list(seen), list(fresh)


def _on_both(rows: Iterable[dict], bound: float, cut: int) -> tuple[float, float]:
    def seen(row: dict) -> float:
        lost, gained = row["halves"][cut]
        return (lost - gained) / (IMAGES["test"] / 2)

    best, = chosen(rows, bound, seen)
    return seen(best), 2 * drop_of(best).value - seen(best)


def networks_of(rows: Iterable[dict]) -> dict[str, int]:
    """Return of how many seeds there are rows of each network, LeNet-300-100 first."""
    seeds: dict[str, set[int]] = {}
    for row in sorted(rows, key=lambda row: row["network"] != "lenet_300_100"):
        seeds.setdefault(row["network"], set()).add(row["seed"])
    return {network: len(found) for network, found in seeds.items()}


def sweep_of(rows: Iterable[dict], network: str, kind: str, *, way: str | None = None,
             retrained: bool = True) -> list[dict]:
    """Return the rows of a network pruned by one kind, and the unpruned one of each seed.

    Of `way` "uniform" or "sensitivity" only, by default of both.
    """
    return [row for row in only(rows, network=network)
            if row["strength"] == 0 or (way in (None, row["way"]) and (
                row["granularity"], row["retrained"]) == (kind, retrained))]


def saved(best: Iterable[dict], rows: Iterable[dict]) -> list[float]:
    """Return the share of its unpruned network's file that each of these networks saves."""
    whole = {row["seed"]: row["bytes"]["zstd"] for row in rows if row["strength"] == 0}
    return [1 - row["bytes"]["zstd"] / whole[row["seed"]] for row in best]


def compared(before: Sequence[dict], after: Sequence[dict]
             ) -> tuple[list[float], Interval | None]:
    """Return the drop on test of each seed, and that of their mean for other seeds and images.

    Rows of two networks of each seed, in the same order, that say which images are "wrong". Of few
    seeds there is no mean.
    """
    first, second = right_images(before, "test"), right_images(after, "test")
    values = (first.double() - second.double()).mean(1).tolist()
    if len(values) <= FEW:
        return values, None
    found = two_level_drop(first, second)
    return values, Interval(found.value, found.low, found.high)


def mean_drop(before: Sequence[dict], after: Sequence[dict]) -> str:
    """Write what `compared` finds in points: the mean with its interval, or from … to."""
    values, mean = compared(before, after)
    return told(values) if mean is None else f"{mean.points:.2f}"


def ahead(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Write by how many points our shares exceed theirs, seed by seed; of few seeds how often.

    >>> ahead([0.5, 0.6], [0.4, 0.7])
    'more in 1 of 2 networks'
    """
    if len(ours) > FEW:
        return f"{seed_interval(ours, minus=theirs).points:.1f} points"
    first = sum(one > other for one, other in zip(ours, theirs, strict=True))
    return f"more in {first} of {len(ours)} networks"


def told(values: Sequence[float], form: str = ".2f") -> str:
    """Write shares in points or per cent: the mean with its interval over seeds, or from … to.

    >>> told([0.011, 0.02]), told([0.01] * 6, ".0f")
    ('1.10 to 2.00', '1 [1, 1]')
    """
    if len(values) > FEW:
        return f"{seed_interval(values).points:{form}}"
    return f"{100 * min(values):{form}} to {100 * max(values):{form}}"


def group_drop(rows: Sequence[dict], group: Group, minus: Group | None = None, *,
               other_images: bool = True) -> Interval:
    """Return the mean drop of a group of images, for other seeds and for other images.

    `rows` of `writers`, of one strength. With `minus` it is how much more that group loses than
    another, seed by seed; the two have no image in common. Without `other_images` the interval is
    that over seeds alone.
    """
    groups = [group] if minus is None else [group, minus]
    parts = [[row["groups"][split][name] for row in rows] for split, name in groups]
    drops = [[(part["drop"][0] - part["drop"][1]) / part["images"] for part in each]
             for each in parts]
    over_seeds = seed_interval(*drops)
    if not other_images:
        return over_seeds
    return widened(over_seeds, *(each[0]["image_variance"] for each in parts))
