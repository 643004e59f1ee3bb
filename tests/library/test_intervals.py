import numpy as np
import pytest
import scipy.stats
import torch

from course_lib.intervals import Drop, Interval, drop_between, paired_drop, seed_interval


def test_the_interval_agrees_with_scipy():
    values = [0.91, 0.95, 0.93, 0.99]
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = seed_interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high),
                                                                abs=1e-12)
    moved = seed_interval([value + 0.5 for value in values], minus=[0.5] * 4)
    assert (moved.low, moved.high) == pytest.approx((low, high))


def test_a_difference_is_taken_seed_by_seed():
    ours, rival = [0.91, 0.95, 0.93], [0.90, 0.96, 0.90]
    low, high = scipy.stats.ttest_rel(ours, rival).confidence_interval(0.95)
    found = seed_interval(ours, minus=rival)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    with pytest.raises(ValueError, match="minus is .*; allowed is 3 values, as above"):
        seed_interval(ours, minus=rival[:2])


def test_values_that_are_all_the_same_have_an_interval_without_width():
    assert seed_interval([0.5, 0.5, 0.5]) == Interval(0.5, 0.5, 0.5)


def test_intervals_and_drops_are_written_alike():
    interval, drop = Interval(0.0123, -0.01, 0.1), Drop(0.0123, -0.01, 0.1, 3, 2)
    assert f"{interval:.2f}" == f"{drop:.2f}" == "0.01 [-0.01, 0.10]"
    assert f"{interval:6.1%}" == "  1.2% [ -1.0%,  10.0%]"
    assert f"{drop.points:.1f}" == f"{interval.points:.1f}" == "1.2 [-1.0, 10.0]"


def test_a_drop_is_counted_from_what_was_read_right():
    before, after = torch.tensor([1, 1, 1, 0, 0]).bool(), torch.tensor([1, 0, 0, 1, 0]).bool()
    assert drop_between(before, after) == paired_drop(2, 1, 5)


@pytest.mark.parametrize(("bound", "verdict"), [
    (0.31, "met"), (0.3, "met"), (0.29, "open"), (0.15, "open"), (0.1, "open"), (0.09, "missed")])
def test_a_verdict_says_where_the_bound_lies(bound, verdict):
    assert Drop(0.2, 0.1, 0.3, 0, 0).verdict(bound) == verdict


def test_the_interval_covers_the_mean_in_95_of_100_samples():
    chance = np.random.default_rng(0)
    spans = [seed_interval(chance.normal(3.0, 2.0, 5).tolist()) for _ in range(4000)]
    assert np.mean([span.low <= 3.0 <= span.high for span in spans]) == pytest.approx(0.95,
                                                                                      abs=0.012)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match=r"values is \[0.5\]; allowed is two or more, one"):
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
    with pytest.raises(ValueError, match="lost, gained, images is .*; allowed is 0 or more"):
        paired_drop(*counts)
