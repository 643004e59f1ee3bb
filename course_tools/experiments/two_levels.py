"""An interval for two things at once: networks of other seeds, and other images to read."""

from torch import Tensor

from course_lib._allowed import require
from course_lib.intervals import Drop, Interval, drop_between, seed_interval


def two_level_drop(before: Tensor, after: Tensor) -> Drop:
    """Return the mean drop of several pairs of networks, for other seeds and for other images.

    `before` and `after`, bool (seeds, images), say which images were read right by the network of
    each seed. The interval is that over seeds, widened by what the images add: how far the drops on
    them differ beyond the chance of single readings. Squared reaches add up. `lost` and `gained`
    are those of all seeds together. With two seeds and few lost images it is somewhat too narrow.
    Source: analysis of variance, seeds crossed with images; Owen 2007 shows by how much a bootstrap
    of both is too wide.

    >>> import torch
    >>> before = torch.tensor([[True] * 8, [True] * 8])
    >>> after = torch.tensor([[True] * 7 + [False], [True] * 6 + [False] * 2])
    >>> f"{two_level_drop(before, after):.2f}"
    '0.19 [-0.64, 1.00]'
    """
    require(before.dim() == 2 and before.shape == after.shape and min(before.shape) >= 2,
            "before, after", (tuple(before.shape), tuple(after.shape)),
            "twice the same (seeds, images), two or more of each")
    drops = before.double() - after.double()
    over_seeds = seed_interval(drops.mean(1).tolist())
    found = widened(over_seeds, image_variance(drops))
    pooled = drop_between(before.flatten(), after.flatten())
    return Drop(found.mean, max(-1.0, found.low), min(1.0, found.high), pooled.lost, pooled.gained)


def image_variance(drops: Tensor) -> float:
    """Return the variance that other images would add to the mean of all `drops`.

    These are -1, 0 or 1, (seeds, images). It is how far the means of single images differ beyond
    the chance of single readings, over the number of images; 0 where they differ less.
    """
    by_chance = drops.var(0).mean() / len(drops)
    return max(0.0, float(drops.mean(0).var() - by_chance) / drops.shape[1])


def widened(interval: Interval, *variances: float) -> Interval:
    """Return an interval that also holds what else varies: squared reaches add up.

    >>> f"{widened(Interval(0.0, -3.0, 3.0), (4 / 1.96) ** 2):.2f}"
    '0.00 [-5.00, 5.00]'
    """
    from scipy.stats import norm  # here: half a second, and few lessons need it

    reach = ((interval.high - interval.mean) ** 2
             + float(norm.ppf(0.975)) ** 2 * sum(variances)) ** 0.5
    return Interval(interval.mean, interval.mean - reach, interval.mean + reach)
