import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from course_lib.masks import (
    apply_masks,
    keep_top,
    kept_units,
    magnitude_masks,
    masked,
    random_masks,
    sparsity,
    std_thresholds,
    threshold_masks,
    unit_masks,
    units_to_keep,
)
from course_lib.models import lenet_5, lenet_300_100, prunable_layers

shares = st.floats(0, 1)
# few distinct values, so that ties are the rule
scores = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]) | st.floats(-10, 10, width=16),
                  min_size=1, max_size=60)


@given(scores, shares)
def test_keep_top_zeroes_exactly_the_share_asked_for(values, share):
    mask = keep_top(torch.tensor(values), share)
    assert int((~mask).sum()) == round(share * len(values))


@given(scores, shares)
def test_keep_top_keeps_the_highest_and_of_equals_the_later(values, share):
    mask = keep_top(torch.tensor(values), share)
    order = sorted(range(len(values)), key=lambda place: (values[place], place))
    gone = set(order[:round(share * len(values))])
    assert mask.tolist() == [place not in gone for place in range(len(values))]


@given(scores, shares, shares)
def test_a_higher_sparsity_keeps_a_subset(values, one, other):
    low, high = sorted((one, other))
    more, fewer = keep_top(torch.tensor(values), low), keep_top(torch.tensor(values), high)
    assert not (fewer & ~more).any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_keep_top_takes_other_types(dtype):
    values = torch.randn(1001, generator=torch.Generator().manual_seed(0)).to(dtype)
    mask = keep_top(values, 0.3)
    assert int((~mask).sum()) == 300
    assert values[mask].min() >= values[~mask].max()


@pytest.mark.parametrize(("share", "kept"), [(0, [True]), (1, [False]), (0.5, [True])])
def test_keep_top_on_one_element(share, kept):
    assert keep_top(torch.tensor([3.0]), share).tolist() == kept


def test_keep_top_keeps_the_shape():
    assert keep_top(torch.rand(2, 3, 4, 5), 0.5).shape == (2, 3, 4, 5)


@pytest.mark.parametrize("share", [-0.1, 1.1, 90, float("nan"), True, "0.5", None])
def test_a_sparsity_that_is_no_share_is_refused(share, small):
    for call in (lambda: keep_top(torch.rand(5), share), lambda: magnitude_masks(small, share),
                 lambda: random_masks(small, share),
                 lambda: magnitude_masks(small, {"3": share})):
        with pytest.raises(ValueError, match=f"sparsity is {share!r}; allowed is a share from 0"):
            call()


def test_nan_scores_are_refused(small):
    with pytest.raises(ValueError, match="a value of scores is nan; allowed is a number"):
        keep_top(torch.tensor([1.0, float("nan")]), 0.5)
    small[3].weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="a value of weight is nan; allowed is a number"):
        magnitude_masks(small, 0.5)


def parameters(model):
    return [(layer, "weight") for layer in prunable_layers(model).values()]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_global_masks_agree_with_torch(small, share):
    theirs = copy.deepcopy(small)
    prune.global_unstructured(parameters(theirs), prune.L1Unstructured, amount=share)
    for name, mask in magnitude_masks(small, share).items():
        assert torch.equal(mask, prunable_layers(theirs)[name].weight_mask.bool())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_layer_masks_agree_with_torch(small, share):
    theirs = copy.deepcopy(small)
    for layer, name in parameters(theirs):
        prune.l1_unstructured(layer, name, amount=share)
    for name, mask in magnitude_masks(small, share, scope="layer").items():
        assert torch.equal(mask, prunable_layers(theirs)[name].weight_mask.bool())


@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.integers(0, 1000), shares)
def test_masks_agree_with_torch_on_random_shapes(shape, seed, share):
    torch.manual_seed(seed)
    layer = nn.Linear(1, 1)
    layer.weight = nn.Parameter(torch.randperm(torch.Size(shape).numel()).reshape(shape) + 0.5)
    ours = keep_top(layer.weight.detach(), share)
    prune.l1_unstructured(layer, "weight", amount=share)
    assert torch.equal(ours, layer.weight_mask.bool())


def test_a_share_for_each_layer_leaves_the_others_whole(small):
    masks = magnitude_masks(small, {"3": 0.75})
    assert {name: sparsity({name: mask}) for name, mask in masks.items()} == {
        "0": 0.0, "3": 0.75, "5": 0.0}


@given(shares, shares, st.sampled_from(["global", "layer"]))
def test_rounds_are_nested_and_count_from_the_original(one, other, scope):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(7, 6), nn.Linear(6, 5))
    low, high = sorted((one, other))
    first = magnitude_masks(model, low, scope=scope)
    apply_masks(model, first)
    second = magnitude_masks(model, high, scope=scope, masks=first)
    assert all(not (second[name] & ~first[name]).any() for name in first)
    zeros = sum(int((~mask).sum()) for mask in second.values())
    wanted = round(high * 72) if scope == "global" else round(high * 42) + round(high * 30)
    assert zeros == wanted


def test_pruned_weights_stay_pruned_even_if_they_have_grown(small):
    masks = magnitude_masks(small, 0.5)
    for name, layer in prunable_layers(small).items():
        layer.weight.data[~masks[name]] = 100.0
    again = magnitude_masks(small, 0.6, masks=masks)
    assert all(not (again[name] & ~masks[name]).any() for name in masks)
    assert sparsity(again) == pytest.approx(0.6, abs=1e-4)


def test_an_unknown_scope_is_refused(small):
    with pytest.raises(ValueError, match="scope is 'local'; allowed is 'global' or 'layer'"):
        magnitude_masks(small, 0.5, scope="local")


def test_random_masks_have_the_share_in_every_layer_and_follow_the_seed(small):
    one, same, other = (random_masks(small, 0.7, seed=seed) for seed in (3, 3, 4))
    for name, layer in prunable_layers(small).items():
        assert int((~one[name]).sum()) == round(0.7 * layer.weight.numel())
        assert torch.equal(one[name], same[name])
    assert not torch.equal(one["3"], other["3"])


def test_random_masks_do_not_look_at_the_weights_and_leave_torchs_seed_alone(small):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    before = random_masks(small, 0.5)
    assert torch.equal(torch.rand(1), expected)
    small[3].weight.data.zero_()
    assert torch.equal(before["3"], random_masks(small, 0.5)["3"])


def test_random_masks_choose_every_place_equally_often():
    model = nn.Sequential(nn.Linear(5, 4))
    kept = sum(random_masks(model, 0.5, seed=seed)["0"].double() for seed in range(2000)) / 2000
    assert (kept - 0.5).abs().max() < 0.06  # over five standard errors of 0.011


def test_thresholds_prune_what_is_strictly_below(small):
    small[5].weight.data = torch.arange(-40.0, 40.0).reshape(10, 8)
    masks = threshold_masks(small, {"5": 3.0})
    assert int((~masks["5"]).sum()) == 5  # -2, -1, 0, 1, 2
    assert bool(masks["0"].all())


def test_thresholds_compose_with_earlier_masks(small):
    earlier = {"5": torch.zeros(10, 8, dtype=torch.bool)}
    assert not threshold_masks(small, {"5": 0.0}, masks=earlier)["5"].any()
    assert threshold_masks(small, {"5": 0.0})["5"].all()


@pytest.mark.parametrize("value", [-1.0, float("nan"), "a"])
def test_a_threshold_below_zero_is_refused(small, value):
    with pytest.raises(ValueError, match="thresholds for '5' is .*; allowed is 0 or more"):
        threshold_masks(small, {"5": value})


def test_apply_masks_changes_pruned_weights_only(small):
    before = copy.deepcopy(small)
    masks = magnitude_masks(small, 0.8)
    apply_masks(small, masks)
    for name, layer in prunable_layers(small).items():
        old = prunable_layers(before)[name]
        assert torch.equal(layer.weight, torch.where(masks[name], old.weight, 0.0))
        assert torch.equal(layer.bias, old.bias)


def test_choosing_masks_changes_nothing(small):
    before = copy.deepcopy(small.state_dict())
    magnitude_masks(small, 0.5, masks=random_masks(small, 0.3))
    threshold_masks(small, {"3": 0.1})
    assert all(torch.equal(before[key], value) for key, value in small.state_dict().items())


@pytest.mark.parametrize(("masks", "message"), [
    ({"nine": torch.ones(8, 10, dtype=torch.bool)}, "layer in masks is 'nine'; allowed is one of"),
    ({"5": torch.ones(8, 10, dtype=torch.bool)}, r"shape \(8, 10\) on cpu'; allowed is a tensor, "
                                                 r"torch.bool of shape \(10, 8\)"),
    ({"5": torch.ones(10, 8)}, "torch.float32 of shape"),
    ({"5": torch.ones(10, 8, dtype=torch.bool, device="meta")}, "on meta'; allowed is .* on cpu"),
    ({"5": [True]}, "is a list; allowed is a tensor, torch.bool of shape"),
])
def test_masks_that_do_not_fit_are_refused_and_change_nothing(small, masks, message):
    before = copy.deepcopy(small.state_dict())
    good = {"3": torch.zeros_like(small[3].weight, dtype=torch.bool)}
    with pytest.raises(ValueError, match=message):
        apply_masks(small, good | masks)
    assert all(torch.equal(before[key], value) for key, value in small.state_dict().items())


def test_names_that_are_no_layers_are_refused(small):
    for call in (lambda: magnitude_masks(small, {"x": 0.5}),
                 lambda: random_masks(small, {"x": 0.5})):
        with pytest.raises(ValueError, match="layer in sparsity is 'x'; allowed is one of 0"):
            call()
    with pytest.raises(ValueError, match="layer in thresholds is 'x'"):
        threshold_masks(small, {"x": 0.5})


def test_sparsity_counts_over_all_masks():
    masks = {"a": torch.tensor([True] * 6), "b": torch.tensor([False, True])}
    assert sparsity(masks) == 1 / 8
    with pytest.raises(ValueError, match=r"dtypes in masks is set\(\); allowed is"):
        sparsity({})
    with pytest.raises(ValueError, match=r"is {torch.float32}; allowed is {torch.bool}"):
        sparsity({"a": torch.tensor([2.0, 1.0])})


def test_a_model_without_layers_is_refused():
    with pytest.raises(ValueError, match="model is a Sequential; allowed is one with"):
        magnitude_masks(nn.Sequential(nn.ReLU()), 0.5)


def test_numpys_numbers_are_numbers(small):
    assert sparsity(magnitude_masks(small, np.float32(0.5))) == pytest.approx(0.5, abs=1e-4)
    with pytest.raises(ValueError, match="thresholds is 0.1; allowed is a dict"):
        threshold_masks(small, 0.1)


@pytest.mark.parametrize(("granularity", "dim"), [("neuron", 0), ("column", 1)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_unit_masks_of_linears_agree_with_torch(granularity, dim, share):
    model = nn.Sequential(nn.Linear(12, 9), nn.Linear(9, 7), nn.Linear(7, 4))
    theirs = copy.deepcopy(model)
    for layer in list(theirs)[:2]:
        prune.ln_structured(layer, "weight", amount=share, n=1, dim=dim)
    masks = unit_masks(model, {"0": share, "1": share}, granularity)
    for name in ("0", "1"):
        assert torch.equal(masks[name], theirs[int(name)].weight_mask.bool())


@pytest.mark.parametrize(("granularity", "dim"), [("filter", 0), ("channel", 1)])
def test_unit_masks_of_convolutions_agree_with_torch(granularity, dim):
    model = nn.Sequential(nn.Conv2d(6, 8, 3), nn.Conv2d(8, 4, 3))
    theirs = copy.deepcopy(model)
    prune.ln_structured(theirs[0], "weight", amount=0.5, n=1, dim=dim)
    mask = unit_masks(model, {"0": 0.5}, granularity)["0"]
    assert torch.equal(mask, theirs[0].weight_mask.bool())


def test_columns_of_a_convolution_are_places_of_the_patch():
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.Flatten(), nn.Linear(5, 3))
    mask = unit_masks(model, {"0": 0.5}, "column")["0"]
    assert int((~mask[0]).sum()) == 9  # of 2 · 3 · 3 places
    assert bool((mask == mask[:1]).all())  # the same in every filter


@pytest.mark.parametrize(("granularity", "layers"), [
    ("neuron", {"3"}), ("column", {"0", "3", "5"}), ("filter", {"0"}), ("channel", {"0"})])
def test_only_layers_with_such_units_are_pruned_and_the_answers_stay(small, granularity, layers):
    small[0] = nn.Conv2d(4, 3, 3)
    masks = unit_masks(small, 0.5, granularity)
    assert set(masks) == {"0", "3", "5"}
    assert {name for name, mask in masks.items() if not mask.all()} == layers


def test_other_scores_choose_other_units(small):
    scores = {"3": torch.arange(8.0)}
    assert kept_units(unit_masks(small, 0.5, "neuron", scores=scores))["3"].tolist() == [4, 5, 6, 7]
    with pytest.raises(ValueError, match=r"scores\['3'\].shape is .*2\]\); allowed is"):
        unit_masks(small, 0.5, "neuron", scores={"3": torch.rand(2)})


@pytest.mark.parametrize(("call", "message"), [
    (lambda m: unit_masks(m, 0.5, "row"), "granularity is 'row'; allowed is one of neuron, column"),
    (lambda m: unit_masks(m, {"5": 0.5}, "neuron"), "layer in sparsity is '5'; allowed is one"),
    (lambda m: unit_masks(m, {"3": 0.5}, "filter"), "layer in sparsity is '3'; allowed is one"),
    (lambda m: unit_masks(m, 50, "neuron"), "sparsity is 50; allowed is a share"),
    (lambda m: unit_masks(m, 0.5, "neuron", scores={"x": torch.rand(2)}), "layer in scores is 'x'"),
])
def test_units_that_do_not_exist_are_refused(small, call, message):
    with pytest.raises(ValueError, match=message):
        call(small)


def test_random_masks_do_not_follow_the_random_numbers_that_drew_the_weights():
    for build in (lenet_5, lenet_300_100):
        for seed in range(3):
            model = build(seed)
            for name, mask in random_masks(model, 0.5, seed=seed).items():
                weight = prunable_layers(model)[name].weight.detach().flatten()
                pair = torch.stack([weight, mask.flatten().float()])
                chance = weight.numel() ** -0.5
                assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 * chance


def test_thresholds_of_weights_that_are_no_numbers_are_refused():
    model = lenet_300_100()
    model.fc2.weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="a weight in 'fc2' is nan; allowed is finite"):
        std_thresholds(model, 0.5)


@pytest.mark.parametrize("quality", [0.5, {"fc1": 0.5, "fc3": 1.25}])
def test_std_thresholds_are_quality_times_sigma_of_the_survivors(quality):
    model = lenet_300_100()
    masks = magnitude_masks(model, 0.4)
    shares = quality if isinstance(quality, dict) else dict.fromkeys(masks, quality)
    for given_masks in (None, masks, {"fc1": masks["fc1"]}):
        found = std_thresholds(model, quality, masks=given_masks)
        assert set(found) == set(shares)
        for name, share in shares.items():
            values = prunable_layers(model)[name].weight.detach().numpy()
            if given_masks is not None and name in given_masks:
                values = values[given_masks[name].numpy()]
            assert found[name] == pytest.approx(share * np.std(values), rel=1e-5)


@pytest.mark.parametrize("quality", [-0.1, float("nan"), float("inf"), "half"])
def test_a_quality_that_is_no_multiplier_is_refused(quality):
    with pytest.raises(ValueError, match="quality for 'fc1' is .*; allowed is 0 or more"):
        std_thresholds(lenet_300_100(), quality)


def test_masked_is_a_copy_with_the_masks_applied(small):
    before, masks = copy.deepcopy(small.state_dict()), magnitude_masks(small, 0.8)
    pruned = masked(small, masks)
    assert all(torch.equal(before[key], value) for key, value in small.state_dict().items())
    apply_masks(small, masks)
    assert all(torch.equal(pruned.state_dict()[key], value)
               for key, value in small.state_dict().items())


def test_units_to_keep_are_those_that_unit_masks_keep():
    model = lenet_5()
    keep = units_to_keep(model, 0.3)
    filters, neurons = (kept_units(unit_masks(model, 0.3, kind)) for kind in ("filter", "neuron"))
    assert list(keep) == ["conv1", "conv2", "fc1"]
    for name, stay in keep.items():
        assert torch.equal(stay, (filters if name.startswith("conv") else neurons)[name])
    norms = model.conv2.weight.detach().abs().sum((1, 2, 3))
    assert keep["conv2"].tolist() == sorted(norms.argsort()[15:].tolist())


def test_units_to_keep_take_scores_and_shares_by_layer():
    scores = {"fc1": torch.arange(500)}
    keep = units_to_keep(lenet_5(), {"fc1": 0.99}, scores=scores)
    assert {name: stay.tolist() for name, stay in keep.items()} == {
        "fc1": [495, 496, 497, 498, 499]}
    with pytest.raises(ValueError, match="layer in sparsity is 'fc2'; allowed is one of conv1"):
        units_to_keep(lenet_5(), {"fc2": 0.5})
    with pytest.raises(ValueError, match="a value of scores is nan"):
        units_to_keep(lenet_5(), 0.5, scores={"fc1": torch.full((500,), float("nan"))})


def test_random_and_unit_masks_take_earlier_ones_as_magnitude_masks_does(small):
    earlier = random_masks(small, 0.4, seed=1)
    later = random_masks(small, 0.6, seed=2, masks=earlier)
    for name, mask in later.items():
        assert not (mask & ~earlier[name]).any()
        assert int((~mask).sum()) == round(0.6 * mask.numel())
    lost = unit_masks(small, 0.25, "neuron", scores={"3": torch.tensor([9.0, 8, 7, 6, 5, 4, 1, 1])})
    more = unit_masks(small, 0.5, "neuron", scores={"3": torch.arange(8.0)}, masks=lost)
    assert kept_units(more)["3"].tolist() == [2, 3, 4, 5]
    assert kept_units(lost)["3"].tolist() == [0, 1, 2, 3, 4, 5]  # they stay as they were
