import copy
import json

import pytest
import torch
import torch_pruning
from chains import random_chain, random_keep
from torch import nn

from course_lib.chains import build_chain, chain_config
from course_lib.data import Split
from course_lib.masks import kept_units, masked, unit_masks, units_to_keep
from course_lib.models import ARCHITECTURES, load_trained, prunable_layers, vgg_mini
from course_lib.removal import remove_units, zero_units

SEEDS = range(250)
IMAGES = Split(torch.rand(9, 1, 28, 28, generator=torch.Generator().manual_seed(3)),
               torch.zeros(9, dtype=torch.int64))
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
both_types = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)


def answers(model, seed=0):
    dtype = next(model.parameters()).dtype
    images = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(seed)).to(dtype)
    with torch.no_grad():
        return model(images)


def assert_same(one, other):
    scale = max(float(one.abs().max()), 1e-30)
    assert float((one - other).abs().max()) / scale <= TOLERANCE[one.dtype]


def with_weights_zeroed(model, keep):
    """The other meaning, done independently: weights of the lost units zero, and nothing else."""
    zeroed = copy.deepcopy(model)
    for name, stay in keep.items():
        layer = prunable_layers(zeroed)[name]
        for unit in set(range(len(layer.weight))) - set(stay.tolist()):
            layer.weight.data[unit] = 0
    return zeroed


@both_types
def test_zeroed_and_removed_are_equal_on_random_chains(dtype):
    smaller_ones = 0
    for seed in SEEDS:
        model = random_chain(seed, dtype=dtype)
        keep = random_keep(model, seed)
        removed = remove_units(model, keep)
        assert_same(answers(zero_units(model, keep)), answers(removed))
        smaller_ones += sum(p.numel() for p in removed.parameters()) < sum(
            p.numel() for p in model.parameters())
    assert smaller_ones > 150  # the test is about something


@both_types
def test_folding_equals_zeroing_the_weights_alone_on_random_chains(dtype):
    different = 0
    for seed in SEEDS:
        model = random_chain(seed, zero_padding=False, dtype=dtype)
        keep = random_keep(model, seed)
        wanted = answers(with_weights_zeroed(model, keep))
        assert_same(wanted, answers(remove_units(model, keep, constants="fold")))
        different += not torch.allclose(wanted, answers(zero_units(model, keep)))
    assert different > 100  # the two meanings are two


def test_folding_is_exact_or_refused_where_there_is_zero_padding():
    refused, exact = [], 0
    for seed in SEEDS:
        model = random_chain(seed)
        keep = random_keep(model, seed)
        try:
            folded = remove_units(model, keep, constants="fold")
        except ValueError as error:
            refused.append(str(error))
        else:
            assert_same(answers(with_weights_zeroed(model, keep)), answers(folded))
            exact += 1
    assert all("constants is 'fold'; allowed is only 'zero' before 'conv" in message
               for message in refused)
    assert len(refused) > 20
    assert exact > 20


def test_folding_makes_a_bias_where_there_was_none():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 3), nn.Linear(3, 10, bias=False))
    model[1].bias.data = torch.tensor([1.0, -2.0, 3.0])
    keep = {"1": torch.tensor([0])}
    folded = remove_units(model, keep, constants="fold")
    wanted = model[2].weight.detach()[:, 1:] @ torch.tensor([-2.0, 3.0])
    assert_same(wanted, folded[2].bias.detach())
    assert remove_units(model, keep)[2].bias is None


def test_the_means_of_lost_neurons_go_into_the_next_bias(mnist):
    """Worked out by hand on two layers of LeNet-300-100, each by what the whole network says."""
    model, split = load_trained("lenet_300_100"), mnist.validation[:1300]
    keep = {"fc1": torch.arange(0, 300, 2), "fc2": torch.arange(40)}
    small = remove_units(model, keep, constants="mean", split=split)
    with torch.no_grad():
        first, second = model[:3](split.images).mean(0), model[:5](split.images).mean(0)
        fc2 = model.fc2.bias + model.fc2.weight[:, 1::2] @ first[1::2]
        fc3 = model.fc3.bias + model.fc3.weight[:, 40:] @ second[40:]
    torch.testing.assert_close(small.fc2.bias, fc2[:40])
    torch.testing.assert_close(small.fc3.bias, fc3)
    plain = remove_units(model, keep)
    assert all(torch.equal(plain.state_dict()[key], value)
               for key, value in small.state_dict().items() if key not in ("fc2.bias", "fc3.bias"))


def test_the_mean_of_a_constant_is_the_constant_on_random_chains():
    """Units whose weights are zero say the same always: "mean" is then exact where "fold" is."""
    different = 0
    for seed in SEEDS:
        model = random_chain(seed, zero_padding=False, dtype=torch.float32)
        keep = random_keep(model, seed)
        silent = with_weights_zeroed(model, keep)
        small = remove_units(silent, keep, constants="mean", split=IMAGES)
        assert_same(answers(silent), answers(small))
        different += not torch.allclose(answers(silent), answers(remove_units(silent, keep)))
    assert different > 100


def test_means_keep_the_average_that_comes_into_the_next_layer():
    """Also behind zero padding, where no constant is exact: the mean over images and places."""
    shifted = 0
    for seed in SEEDS:
        model = random_chain(seed, dtype=torch.float32)
        first, second = list(prunable_layers(model))[:2]
        units = prunable_layers(model)[first].weight.shape[0]
        keep = {first: torch.arange(1, units)}
        small = remove_units(model, keep, constants="mean", split=IMAGES)
        plain = remove_units(model, keep)
        through, end = [list(dict(one.named_children())) for one in (model, small)]
        assert through == end
        place = through.index(second) + 1
        with torch.no_grad():
            wanted, found, without = (
                one[:place](IMAGES.images).transpose(0, 1).flatten(1).mean(1)
                for one in (model, small, plain))
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
        shifted += not torch.allclose(without, wanted, atol=1e-3)
    assert shifted > 100


def test_a_split_belongs_to_means_and_to_nothing_else():
    model = load_trained("lenet_300_100")
    for arguments in ({"constants": "mean"}, {"constants": "mean", "split": IMAGES[:0]},
                      {"split": IMAGES}, {"split": IMAGES[:0]},
                      {"constants": "fold", "split": IMAGES}):
        with pytest.raises(ValueError, match="split is .*; allowed is one image or mo"):
            remove_units(model, {}, **arguments)


def test_an_average_pooling_with_padding_is_refused_only_where_it_matters():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2, padding=1), nn.Flatten(),
                          nn.Linear(2 * 14 * 14, 10)).eval()
    keep = {"0": torch.tensor([1])}
    with pytest.raises(ValueError, match="before '1': its zero padding is averaged in"):
        remove_units(model, keep, constants="fold")
    model[0].bias.data[0] = 0
    assert_same(answers(with_weights_zeroed(model, keep)),
                answers(remove_units(model, keep, constants="fold")))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sizes_are_right_and_the_original_is_untouched(name):
    model = load_trained(name)
    before = copy.deepcopy(model.state_dict())
    keep = units_to_keep(model, 0.5)
    small = remove_units(model, keep)
    assert_same(answers(zero_units(model, keep)), answers(small))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    for layer, part in prunable_layers(small).items():
        outputs, inputs = part.weight.shape[:2]
        assert outputs == (len(keep[layer]) if layer in keep else 10)
        assert (part.out_channels, part.in_channels) == (outputs, inputs) if isinstance(
            part, nn.Conv2d) else (part.out_features, part.in_features) == (outputs, inputs)
    assert not small.training
    assert list(dict(small.named_children())) == list(dict(model.named_children()))


@pytest.mark.parametrize("name", ["lenet_300_100", "lenet_5", "vgg_mini"])
def test_torch_pruning_gives_the_same_network(name):
    model = load_trained(name)
    layer = list(prunable_layers(model))[1]
    gone = [0, 3, 4, 11]
    units = prunable_layers(model)[layer].weight.shape[0]
    keep = {layer: torch.tensor([unit for unit in range(units) if unit not in gone])}
    theirs = copy.deepcopy(model)
    graph = torch_pruning.DependencyGraph().build_dependency(theirs, torch.rand(1, 1, 28, 28))
    part = prunable_layers(theirs)[layer]
    prune = (torch_pruning.prune_conv_out_channels if isinstance(part, nn.Conv2d)
             else torch_pruning.prune_linear_out_channels)
    graph.get_pruning_group(part, prune, idxs=gone).prune()
    ours = remove_units(model, keep)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())
    assert_same(answers(theirs), answers(ours))


def test_nothing_to_remove_gives_an_equal_copy():
    model = load_trained("vgg_mini")
    copied = remove_units(model, {})
    assert torch.equal(answers(model), answers(copied))
    copied[0].weight.data.zero_()
    assert model[0].weight.any()


def test_the_result_reloads_from_its_state_and_config(tmp_path):
    model = remove_units(load_trained("vgg_mini"), {"conv2_1": torch.tensor([0, 5, 7])})
    (tmp_path / "config.json").write_text(json.dumps(chain_config(model)))
    torch.save(model.state_dict(), tmp_path / "state.pt")
    again = build_chain(json.loads((tmp_path / "config.json").read_text())).eval()
    again.load_state_dict(torch.load(tmp_path / "state.pt"))
    assert torch.equal(answers(model), answers(again))
    for seed in range(60):
        chain = random_chain(seed)
        again = build_chain(json.loads(json.dumps(chain_config(chain)))).double().eval()
        again.load_state_dict(chain.state_dict())
        assert torch.equal(answers(chain), answers(again))


def test_the_order_of_channels_changes_nothing():
    """MIT's invariant: permute a layer's filters, and all that reads them, the same way."""
    model = random_chain(8)
    permuted, order = copy.deepcopy(model), None
    torch.manual_seed(1)
    for part in permuted:
        if isinstance(part, nn.Conv2d | nn.Linear) and order is not None:
            block = part.weight.shape[1] // len(order)
            part.weight.data = part.weight.data[:, (order[:, None] * block
                                                    + torch.arange(block)).flatten()]
        if isinstance(part, nn.Conv2d):
            order = torch.randperm(part.weight.shape[0])
            part.weight.data = part.weight.data[order]
            if part.bias is not None:
                part.bias.data = part.bias.data[order]
        elif isinstance(part, nn.BatchNorm2d):
            part.load_state_dict({key: value[order] if value.dim() else value
                                  for key, value in part.state_dict().items()})
        elif isinstance(part, nn.Linear):
            break
    assert not torch.equal(permuted.conv0.weight, model.conv0.weight)
    assert_same(answers(model), answers(permuted))


def test_filters_zeroed_by_masks_leave_their_bias_and_zero_units_does_not():
    model = load_trained("vgg_mini")
    masks = unit_masks(model, {"conv3_1": 0.5}, "filter")
    by_masks = masked(model, masks)
    keep = {"conv3_1": kept_units(masks)["conv3_1"]}
    assert not torch.allclose(answers(by_masks), answers(zero_units(model, keep)))


CHAIN = ("flatten", "fc1", "relu1", "fc2", "relu2", "fc3")


@pytest.mark.parametrize(("keep", "message"), [
    ({"fc9": torch.tensor([0])}, "layer in keep is 'fc9'; allowed is one of fc1, fc2, fc3"),
    ({"relu1": torch.tensor([0])}, "layer in keep is 'relu1'"),
    ({"fc3": torch.tensor([0, 1])}, r"\['fc3'\]\) is 2; allowed is 10: the outputs"),
    ({"fc1": torch.tensor([], dtype=torch.int64)}, r"\['fc1'\] is tensor\(\[\], .*; allowed is"),
    ({"fc1": torch.tensor([0, 300])}, r"300\]\); allowed is .* from 0 to 299"),
    ({"fc1": torch.tensor([-1, 3])}, r"is tensor\(\[-1,  3\]\); allowed is a tensor"),
    ({"fc1": torch.tensor([3, 1])}, r"is tensor\(\[3, 1\]\); allowed is .* sorted, each once"),
    ({"fc1": torch.tensor([1, 1])}, r"is tensor\(\[1, 1\]\); allowed is .* sorted, each once"),
    ({"fc1": torch.tensor([True, False])}, r"is tensor\(\[ True, False\]\); allowed is"),
    ({"fc1": torch.tensor([[1]])}, r"is tensor\(\[\[1\]\]\); allowed is"),
])
@pytest.mark.parametrize("call", [zero_units, remove_units])
def test_units_that_cannot_go_are_refused(call, keep, message):
    with pytest.raises(ValueError, match=message):
        call(load_trained("lenet_300_100"), keep)


def test_the_last_layer_may_be_named_whole():
    model = load_trained("lenet_300_100")
    assert torch.equal(answers(remove_units(model, {"fc3": torch.arange(10)})), answers(model))


class Residual(nn.Module):
    def forward(self, images):
        return images


@pytest.mark.parametrize(("model", "message"), [
    (Residual(), "model is a Residual; allowed is an nn.Sequential.*lesson 09"),
    (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU())), "layer '1' is a Sequential; al"),
    (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh()), "layer '1' is a Tanh; allowed is one of Linear"),
    (nn.Sequential(nn.Conv2d(2, 2, 3, groups=2)), "layer '0': groups is 2; allowed is 1"),
    (nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2)), r"layer '0': dilation is \(2, 2\)"),
    (nn.Sequential(nn.Conv2d(1, 2, 3, padding="same")), "layer '0': padding is 'same'; allowed"),
    (nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")), "padding_mode"),
    (nn.Sequential(nn.BatchNorm2d(1, affine=False)), "layer '0': affine is False"),
    (nn.Sequential(*2 * [nn.ReLU()], nn.Flatten()), "different layers in model is 2; allowed is 3"),
    (nn.Sequential(nn.Flatten(0)), "layer '0': start_dim is 0; allowed is 1"),
    (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(26, 10)), "input of layer '1' is 'images'; al"),
])
def test_what_is_no_plain_chain_is_refused(model, message):
    for call in (zero_units, remove_units):
        with pytest.raises(ValueError, match=message):
            call(model, {})


def test_an_unknown_treatment_of_constants_is_refused():
    with pytest.raises(ValueError, match="is 'drop'; allowed is 'zero', 'fold' or 'mean'"):
        remove_units(load_trained("lenet_300_100"), {}, constants="drop")


def test_a_smaller_layer_carries_no_hooks_and_keeps_its_own_mode():
    model = vgg_mini().train()
    model.norm1_1.eval()
    model.conv1_1.register_forward_hook(lambda layer, inputs, output: output * 0)
    small = remove_units(model, {"conv1_1": torch.arange(4)})
    modes = [part.training for part in (small, small.conv1_1, small.norm1_1)]
    assert modes == [True, True, False]
    assert not small.conv1_1._forward_hooks
    assert bool(small.conv1_1(torch.ones(1, 1, 4, 4)).any())


def test_removal_draws_no_random_numbers():
    before = torch.get_rng_state()
    remove_units(vgg_mini(), {"conv1_1": torch.arange(4)})
    assert torch.equal(before, torch.get_rng_state())
