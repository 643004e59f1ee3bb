import numpy as np
import pytest
import scipy.stats

from course_lib.intervals import paired_drop, seed_interval


def test_the_interval_agrees_with_scipy():
    values = [0.91, 0.95, 0.93, 0.99]
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = seed_interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))


def test_the_interval_covers_the_mean_in_95_of_100_samples():
    chance = np.random.default_rng(0)
    spans = [seed_interval(chance.normal(3.0, 2.0, 5).tolist()) for _ in range(4000)]
    assert np.mean([span.low <= 3.0 <= span.high for span in spans]) == pytest.approx(0.95,
                                                                                      abs=0.012)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="values has 1 entries; allowed is 2 or more"):
        seed_interval([0.5])


def covers(true_drop, discordance, images, trials, generator):
    """Simulate pairs of networks; return the share of intervals that hold the true drop."""
    chances = ((discordance + true_drop) / 2, (discordance - true_drop) / 2)
    counts = generator.multinomial(images, (*chances, 1 - discordance), size=trials)
    found = {tuple(pair): paired_drop(*pair, images) for pair in set(map(tuple, counts[:, :2]))}
    return np.mean([found[tuple(pair)].low <= true_drop <= found[tuple(pair)].high
                    for pair in counts[:, :2]])


@pytest.mark.parametrize("images", [500, 2_000, 10_000])
@pytest.mark.parametrize(("true_drop", "discordance"), [
    (0.0, 0.002), (0.0, 0.01), (0.0, 0.05), (0.002, 0.005), (0.005, 0.01), (0.01, 0.02),
    (0.02, 0.03), (0.02, 0.05)])
def test_the_interval_of_a_drop_covers_it_as_often_as_it_says(images, true_drop, discordance):
    coverage = covers(true_drop, discordance, images, 20_000, np.random.default_rng(0))
    assert coverage >= 0.94


def test_the_interval_is_not_wider_than_it_need_be():
    coverage = covers(0.3, 0.4, 500, 20_000, np.random.default_rng(0))
    assert 0.94 <= coverage <= 0.96


@pytest.mark.parametrize("counts", [(-1, 0, 10), (6, 5, 10), (0, 0, 0)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="lost, gained, images are"):
        paired_drop(*counts)
