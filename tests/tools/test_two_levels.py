import numpy as np
import pytest
import scipy.stats
import torch

from course_lib.intervals import Drop, drop_between, seed_interval

from course_tools.experiments.two_levels import image_variance, two_level_drop, widened


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
