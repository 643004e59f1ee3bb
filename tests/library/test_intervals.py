import numpy as np
import pytest
import scipy.stats
import torch

from course_lib.intervals import (
    Drop,
    Interval,
    drop_between,
    image_variance,
    paired_drop,
    seed_interval,
    two_level_drop,
    widened,
)


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


def test_two_levels_agree_with_the_analysis_of_variance():
    """Against the mean squares of a two-way layout, written out."""
    chance = torch.Generator().manual_seed(0)
    before, after = (torch.rand(4, 60, generator=chance) < share for share in (0.9, 0.8))
    drops = (before.double() - after.double()).numpy()
    seeds, images = drops.mean(1, keepdims=True), drops.mean(0, keepdims=True)
    rest = drops - seeds - images + drops.mean()
    noise = (rest ** 2).sum() / (3 * 59) + seeds.var(ddof=1)  # of one image, over seeds
    between = max(0.0, images.var(ddof=1) - noise / 4) / 60
    over_seeds = scipy.stats.t.ppf(0.975, 3) * seeds.std(ddof=1) / 2
    found = two_level_drop(before, after)
    reach = (over_seeds ** 2 + 1.959964 ** 2 * between) ** 0.5
    assert found.value == pytest.approx(drops.mean())
    assert found.high - found.value == pytest.approx(reach, abs=2e-3)
    assert (found.lost, found.gained) == (int((drops > 0).sum()), int((drops < 0).sum()))


def test_two_levels_are_the_interval_over_seeds_widened_by_the_images():
    chance = torch.Generator().manual_seed(1)
    hard = torch.rand(1, 300, generator=chance)  # images that all networks lose alike
    before = torch.ones(5, 300, dtype=torch.bool)
    after = torch.rand(5, 300, generator=chance) < 1 - 0.3 * hard
    drops = before.double() - after.double()
    found = two_level_drop(before, after)
    again = widened(seed_interval(drops.mean(1).tolist()), image_variance(drops))
    assert (found.low, found.high) == pytest.approx((again.low, again.high))
    assert image_variance(drops) > 0
    assert image_variance(torch.tensor([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(0.25)
    assert image_variance(torch.tensor([[1.0, 0.0], [0.0, 1.0]])) == 0.0


def test_two_levels_are_never_narrower_than_the_seeds_alone():
    for number in range(20):
        chance = torch.Generator().manual_seed(number)
        before, after = (torch.rand(3, 200, generator=chance) < 0.9 for _ in range(2))
        drops = (before.double() - after.double()).mean(1).tolist()
        found, seeds = two_level_drop(before, after), seed_interval(drops)
        assert found.low <= seeds.low + 1e-12
        assert found.high >= seeds.high - 1e-12


def test_the_same_network_has_no_drop_at_either_level():
    right = torch.rand(3, 50, generator=torch.Generator().manual_seed(0)) < 0.9
    assert two_level_drop(right, right) == Drop(0.0, 0.0, 0.0, 0, 0)


@pytest.mark.parametrize("shapes", [((1, 9), (1, 9)), ((2, 9), (3, 9)), ((9,), (9,))])
def test_two_levels_need_several_seeds_on_the_same_images(shapes):
    with pytest.raises(ValueError, match=r"before, after is .*; allowed is twice the same"):
        two_level_drop(*(torch.ones(shape).bool() for shape in shapes))


# Coverage where seeds and images both have effects. A share `hard` of the images is ever read
# differently, each with a chance of its own and more often one way than the other; the network of
# each seed loses more or less than others. `differing`: the share of pairs that differ on average.

IMAGES, TRIALS = 1_000, 1_000
MODELS = [(0.01, 0.05, 0.1, 0.05), (0.02, 0.04, 0.2, 0.1), (0.02, 1.0, 0.1, 0.0),
          (0.005, 0.02, 0.0, 0.15), (0.05, 0.1, 0.3, 0.05)]


def an_image(differing, hard, generator):
    """Return for each image how often it differs, and how much more often it is lost."""
    often = np.zeros(IMAGES)
    chosen = generator.random(IMAGES) < hard
    often[chosen] = generator.beta(1, hard / differing - 1, chosen.sum())
    return often, generator.uniform(-0.5, 0.5, IMAGES)


def a_seed(lean, spread, seeds, generator):
    """Return for each seed how much more often its network loses than it gains."""
    return lean + spread * generator.uniform(-3 ** 0.5, 3 ** 0.5, (seeds, 1))


def readings(image, seed, generator):
    """Return which images were read right before and after, bool (seeds, images)."""
    often, leans = image
    chance = generator.random((len(seed), IMAGES))
    lost = chance < often * (1 + leans + seed) / 2
    gained = (chance < often) & ~lost
    return torch.from_numpy(~gained), torch.from_numpy(~lost)


def coverage(spans, truths):
    return np.mean([span.low <= truth <= span.high
                    for span, truth in zip(spans, truths, strict=True)])


@pytest.mark.parametrize("seeds", [3, 8])
@pytest.mark.parametrize(("differing", "hard", "lean", "spread"), MODELS)
def test_two_levels_cover_the_drop_of_other_seeds_and_other_images(
        differing, hard, lean, spread, seeds):
    generator = np.random.default_rng(1)
    spans = [two_level_drop(*readings(an_image(differing, hard, generator),
                                      a_seed(lean, spread, seeds, generator), generator))
             for _ in range(TRIALS)]
    assert coverage(spans, [differing * lean] * TRIALS) >= 0.94


@pytest.mark.parametrize(("differing", "hard", "lean", "spread"), MODELS)
def test_seeds_alone_cover_the_drop_of_other_seeds_on_the_same_images(
        differing, hard, lean, spread):
    generator, spans, truths = np.random.default_rng(1), [], []
    for _ in range(TRIALS):
        often, leans = an_image(differing, hard, generator)
        before, after = readings((often, leans), a_seed(lean, spread, 5, generator), generator)
        spans.append(seed_interval((before.double() - after.double()).mean(1).tolist()))
        truths.append((often * (leans + lean)).mean())
    assert coverage(spans, truths) >= 0.94


@pytest.mark.parametrize(("differing", "hard", "lean", "spread"), MODELS)
def test_pairs_cover_the_drop_of_one_network_on_other_images(differing, hard, lean, spread):
    generator, spans, truths = np.random.default_rng(1), [], []
    for _ in range(TRIALS):
        seed = a_seed(lean, spread, 1, generator)
        before, after = readings(an_image(differing, hard, generator), seed, generator)
        spans.append(drop_between(before[0], after[0]))
        truths.append(differing * seed.item())
    assert coverage(spans, truths) >= 0.94


@pytest.mark.parametrize(("differing", "hard", "lean", "spread"), [MODELS[1], MODELS[4]])
def test_the_same_images_under_several_seeds_are_no_new_images(differing, hard, lean, spread):
    """Pooling the pairs of all seeds promises 95 % and holds what it promises far less often."""
    generator, spans = np.random.default_rng(1), []
    for _ in range(TRIALS):
        before, after = readings(an_image(differing, hard, generator),
                                 a_seed(lean, spread, 8, generator), generator)
        spans.append(drop_between(before.flatten(), after.flatten()))
    assert coverage(spans, [differing * lean] * TRIALS) < 0.9
