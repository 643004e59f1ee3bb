"""What lesson 05 asks of rows with a test accuracy: errors of each seed, and words for them.

A row has "seed" and "test"; rows without "test", such as those of single rounds, are passed over.
"""

from collections.abc import Iterable, Sequence

from course_lib.intervals import seed_interval

from course_tools.experiments.results import FEW, Key, series
from course_tools.experiments.results import only as only  # lesson 05 calls it here


def grouped(rows: Iterable[dict], by: Key, **only: object) -> dict[str, list[float]]:
    """Return {value of `by`: the test error in per cent of each seed}, in the order of the seeds.

    >>> rows = [{"seed": 1, "kind": "a", "test": 0.75}, {"seed": 0, "kind": "a", "test": 0.5},
    ...         {"seed": 0, "kind": "a", "round": 1}]
    >>> grouped(rows, "kind")
    {'a': [50.0, 25.0]}
    """
    tested = [row for row in rows if "test" in row]
    return series(tested, by, lambda row: 100 * (1 - row["test"]), only=only)


def told(values: Sequence[float], minus: Sequence[float] | None = None) -> str:
    """Write the mean with its 95 % interval over seeds; of five seeds or fewer each, in order.

    With `minus` it is how much more the values are than a rival's, seed by seed.

    >>> told([1.5, 2.25]), told([1.5, 2.25], minus=[1.0, 2.5]), told([2.0] * 6)
    ('1.50  2.25', '-0.25  0.50', '2.00 [2.00, 2.00]')
    """
    if len(values) > FEW:
        return f"{seed_interval(values, minus=minus):.2f}"
    if minus is not None:
        values = [value - rival for value, rival in zip(values, minus, strict=True)]
    return "  ".join(f"{value:.2f}" for value in sorted(values))


def higher(values: Sequence[float], than: Sequence[float]) -> str:
    """Say in how many networks the value is higher than the rival's, seed by seed.

    >>> higher([2.0, 3.0, 1.0], than=[1.0, 2.0, 1.0])
    'in 2 of 3 networks'
    """
    found = sum(value > rival for value, rival in zip(values, than, strict=True))
    return f"in {found} of {len(values)} networks"


def best_on_validation(rows: Iterable[dict]) -> list[dict]:
    """Return of each seed the row that reads validation best, of equal ones the first.

    >>> best_on_validation([{"seed": 0, "validation": 0.9}, {"seed": 0, "validation": 0.95}])
    [{'seed': 0, 'validation': 0.95}]
    """
    best: dict[int, dict] = {}
    for row in sorted(rows, key=lambda row: (row["seed"], -row["validation"])):
        best.setdefault(row["seed"], row)
    return list(best.values())


def paired(rows: Iterable[dict], others: Iterable[dict]) -> tuple[list[float], list[float]]:
    """Return the test errors in per cent of two networks of each seed that both have rows of.

    >>> paired([{"seed": 1, "test": 0.5}], [{"seed": 0, "test": 0.0}, {"seed": 1, "test": 1}])
    ([50.0], [0])
    """
    mine, theirs = ({row["seed"]: 100 * (1 - row["test"]) for row in each}
                    for each in (rows, others))
    both = sorted(mine.keys() & theirs.keys())
    return [mine[seed] for seed in both], [theirs[seed] for seed in both]
