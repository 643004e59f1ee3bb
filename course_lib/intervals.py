"""Intervals: how far a figure would move with other seeds, or with other images."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from torch import Tensor

from course_lib._allowed import require


@dataclass(frozen=True)
class Interval:
    """Hold a mean and the ends of its 95 % interval.

    >>> f"{Interval(0.7, 0.6, 0.8):.2f}"
    '0.70 [0.60, 0.80]'
    """

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Return "mean [low, high]", each written by the same specification."""
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    @property
    def points(self) -> "Interval":
        """Return the interval of a share in per cent, or of a difference of shares in points."""
        return Interval(100 * self.mean, 100 * self.low, 100 * self.high)


def seed_interval(values: Sequence[float], minus: Sequence[float] | None = None) -> Interval:
    """Return the mean of one value per seed with its 95 % interval (Student's t).

    It says how far the mean would move with other seeds, not with other images. With `minus`, a
    rival's values under the same seeds in the same order, differences are taken seed by seed.

    >>> f"{seed_interval([0.98, 0.96, 0.97], minus=[0.97, 0.96, 0.95]).points:.1f}"
    '1.0 [-1.5, 3.5]'
    """
    if minus is not None:
        require(len(minus) == len(values), "minus", list(minus), f"{len(values)} values, as above")
        values = [value - rival for value, rival in zip(values, minus, strict=True)]
    require(len(values) >= 2, "values", list(values), "two or more, one per seed")
    from scipy.stats import t  # here: it takes half a second, and few lessons begin with it

    middle, error = mean(values), stdev(values) / len(values) ** 0.5
    reach = float(t.ppf(0.975, len(values) - 1)) * error
    return Interval(middle, middle - reach, middle + reach)


@dataclass(frozen=True)
class Drop:
    """Hold a loss of accuracy, from -1 to 1, and the ends of its 95 % interval.

    >>> drop = paired_drop(lost=30, gained=10, images=5_000)
    >>> f"{drop.points:.2f} points"
    '0.40 [0.15, 0.65] points'
    """

    value: float
    low: float
    high: float
    lost: int  # images that were read right before and wrong after
    gained: int  # the other way round

    def __format__(self, spec: str) -> str:
        """Return "value [low, high]", each written by the same specification."""
        return format(Interval(self.value, self.low, self.high), spec)

    @property
    def points(self) -> Interval:
        """Return value and interval in points: a drop of 0.01 is one point."""
        return Interval(self.value, self.low, self.high).points

    def verdict(self, drop_bound: float) -> str:
        """Return how the interval stands to a bound: "met" within it, "missed" above it, or "open".

        >>> [Drop(0.004, 0.002, 0.006, 0, 0).verdict(bound) for bound in (0.01, 0.005, 0.001)]
        ['met', 'open', 'missed']
        """
        if self.high <= drop_bound:
            return "met"
        return "open" if self.low <= drop_bound else "missed"


def drop_between(before: Tensor, after: Tensor) -> Drop:
    """Return the drop from which images were read right before and after, both bool (images,)."""
    return paired_drop(int((before & ~after).sum()), int((after & ~before).sum()), len(before))


def paired_drop(lost: int, gained: int, images: int) -> Drop:
    """Return the drop when of so many `images` some were `lost` and some `gained`.

    Source: Bonett and Price 2012, an adjusted Wald interval for paired shares.

    >>> f"{paired_drop(13, 13, 10_000).points:.2f}"
    '0.00 [-0.10, 0.10]'
    """
    require(min(lost, gained) >= 0 and max(1, lost + gained) <= images, "lost, gained, images",
            (lost, gained, images), "0 or more, together at most all images, of one or more")
    from scipy.stats import norm  # here, as above

    worse, better = (lost + 1) / (images + 2), (gained + 1) / (images + 2)
    variance = (worse + better - (worse - better) ** 2) / (images + 2)
    reach = float(norm.ppf(0.975)) * variance ** 0.5
    return Drop((lost - gained) / images, max(-1.0, worse - better - reach),
                min(1.0, worse - better + reach), lost, gained)
