"""What lesson 06 reads out of rows: searches, means over seeds, groups of writers."""

import pytest
import torch

from course_lib.intervals import Interval, paired_drop, seed_interval

from course_tools.experiments import drops
from course_tools.experiments.images import packed
from course_tools.experiments.two_levels import two_level_drop, widened


def row(seed, strength, size, validation, test=(0, 0), **more):
    return {"seed": seed, "strength": strength, "bytes": {"zstd": size},
            "validation": list(validation), "test": list(test)} | more


ROWS = [row(1, 0.9, 100, (60, 0), (90, 0), halves=[[80, 0], [10, 0]]),
        row(1, 0.5, 500, (25, 0), (10, 30), halves=[[0, 10], [10, 20]]),
        row(1, 0.0, 900, (0, 0), halves=[[0, 0], [0, 0]]),
        row(0, 0.0, 800, (0, 0), halves=[[0, 0], [0, 0]]),
        row(0, 0.9, 80, (30, 5), (40, 10), halves=[[20, 5], [40, 5]])]


def test_a_search_takes_the_smallest_file_of_each_seed():
    assert [each["strength"] for each in drops.chosen(ROWS, 0.005)] == [0.9, 0.5]
    assert [each["strength"] for each in drops.chosen(ROWS, 0.0)] == [0.0, 0.0]
    on_test = drops.chosen(ROWS, 0.0, lambda each: drops.drop_of(each).value)
    assert [each["strength"] for each in on_test] == [0.0, 0.5]
    assert drops.saved(drops.chosen(ROWS, 0.005), ROWS) == [0.9, 1 - 500 / 900]
    assert drops.drop_of(ROWS[0]) == paired_drop(90, 0, 10_000)
    assert drops.on_validation(ROWS[4]) == pytest.approx(0.005)


def test_a_search_on_one_half_is_asked_for_its_drop_on_the_other():
    seen, fresh = drops.searched_on_halves(ROWS, 0.003)
    # seed 0: cut 0 takes 0.9 (15 of 5,000 seen, the other 15), cut 1 nothing; seed 1: 0.5, and 0.9
    assert seen == pytest.approx([(0.003 + 0) / 2, (-0.002 + 0.002) / 2])
    assert fresh == pytest.approx([(0.003 + 0) / 2, (-0.002 + 0.016) / 2])


def sweeps():
    for network in ("vgg_mini", "lenet_300_100"):
        for seed in range(2 + (network == "vgg_mini")):
            common = {"seed": seed, "network": network}
            yield common | {"strength": 0.0, "granularity": "none", "way": "none",
                            "retrained": False}
            for way in ("uniform", "sensitivity"):
                yield common | {"strength": 0.5, "granularity": "weight", "way": way,
                                "retrained": True}
            yield common | {"strength": 3.0, "granularity": "none", "way": "none",
                            "retrained": True}


def test_a_sweep_has_the_unpruned_network_and_those_asked_for():
    rows = list(sweeps())
    assert list(drops.networks_of(rows).items()) == [("lenet_300_100", 2), ("vgg_mini", 3)]
    found = drops.sweep_of(rows, "vgg_mini", "weight")
    assert [each["strength"] for each in found] == [0.0, 0.5, 0.5] * 3
    assert [each["way"] for each in drops.sweep_of(rows, "vgg_mini", "weight", way="uniform")] == [
        "none", "uniform"] * 3
    assert {each["strength"] for each in drops.sweep_of(rows, "vgg_mini", "neuron")} == {0.0}
    assert {each["strength"] for each in drops.sweep_of(
        rows, "vgg_mini", "weight", retrained=False)} == {0.0}


def wrong(share, seed, images=400):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(images, generator=generator) < share
    return {"seed": seed, "wrong": {"test": packed(images)}}


@pytest.mark.parametrize("seeds", [3, 5, 6])
def test_few_networks_have_no_interval_and_more_have_one_for_other_images_too(seeds):
    before = [wrong(0.02, seed) for seed in range(seeds)]
    after = [wrong(0.1, 100 + seed) for seed in range(seeds)]
    values, mean = drops.compared(before, after)
    assert len(values) == seeds
    assert (mean is None) == (seeds <= 5)
    text = drops.mean_drop(before, after)
    if seeds <= 5:
        assert text == f"{100 * min(values):.2f} to {100 * max(values):.2f}"
        return
    right = [drops.right_images(rows, "test") for rows in (before, after)]
    assert text == f"{two_level_drop(*right).points:.2f}"
    assert mean.mean == pytest.approx(sum(values) / seeds)


def test_one_kind_is_ahead_of_another_seed_by_seed():
    ours, theirs = [0.9, 0.8, 0.9, 0.85, 0.9, 0.8], [0.5, 0.6, 0.5, 0.55, 0.4, 0.5]
    assert drops.ahead(ours, theirs) == f"{seed_interval(ours, minus=theirs).points:.1f} points"
    assert drops.ahead(ours[:3], [0.95, 0.7, 0.9]) == "more in 1 of 3 networks"


def test_a_group_is_widened_by_what_other_images_of_it_would_change():
    rows = [{"seed": seed, "groups": {
        "test": {"old": {"images": 100, "drop": [lost, 1], "image_variance": 1e-4}},
        "validation": {"new": {"images": 50, "drop": [2, 0], "image_variance": 4e-4}}}}
        for seed, lost in enumerate((3, 5, 4))]
    seeds = seed_interval([0.02, 0.04, 0.03])
    old, new = ("test", "old"), ("validation", "new")
    assert drops.group_drop(rows, old) == widened(seeds, 1e-4)
    assert drops.group_drop(rows, old, other_images=False) == seeds
    apart = drops.group_drop(rows, old, minus=new)
    assert isinstance(apart, Interval)
    assert apart == widened(seed_interval([0.02, 0.04, 0.03], minus=[0.04] * 3), 1e-4, 4e-4)
