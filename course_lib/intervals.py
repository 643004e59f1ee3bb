"""Intervals: how far a figure would move with other seeds, or with other images."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Interval:
    """Hold a mean over seeds and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def seed_interval(values: Sequence[float]) -> Interval:
    """Return the mean of one value a seed with its 95 % interval (Student's t).

    The interval says how far the mean would move with other seeds, not with other images.

    >>> seed_interval([1.0, 2.0, 3.0])
    Interval(mean=2.0, low=-0.484..., high=4.484...)
    """
    if len(values) < 2:
        raise ValueError(f"values has {len(values)} entries; allowed is 2 or more")
    from scipy.stats import t  # here: it takes half a second, and few lessons begin with it

    at = torch.tensor(values, dtype=torch.float64)
    mean, error = float(at.mean()), float(at.std()) / len(values) ** 0.5
    reach = error * float(t.ppf(0.975, len(values) - 1))
    return Interval(mean, mean - reach, mean + reach)


@dataclass(frozen=True)
class Drop:
    """Hold a loss of accuracy, from -1 to 1, and the ends of its 95 % interval.

    `lost` images were read right before and wrong after, `gained` ones the other way round.
    """

    value: float
    low: float
    high: float
    lost: int
    gained: int


def paired_drop(lost: int, gained: int, images: int) -> Drop:
    """Return the drop when of so many `images` some were `lost` and some `gained`."""
    if min(lost, gained) < 0 or lost + gained > images or images < 1:
        raise ValueError(f"lost, gained, images are {lost}, {gained}, {images}; allowed is 0 or "
                         "more, together at most all images, and one image or more")
    from scipy.stats import norm  # here, as above

    worse, better = (lost + 1) / (images + 2), (gained + 1) / (images + 2)
    variance = (worse + better - (worse - better) ** 2) / (images + 2)
    reach = float(norm.ppf(0.975)) * variance ** 0.5
    return Drop((lost - gained) / images, max(-1.0, worse - better - reach),
                min(1.0, worse - better + reach), lost, gained)
