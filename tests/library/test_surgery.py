import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, unfold

from course_lib.data import Split
from course_lib.masks import magnitude_masks, masked, random_masks, sparsity
from course_lib.models import lenet_5, load_trained, prunable_layers
from course_lib.scores import fisher_scores, wanda_scores
from course_lib.surgery import refit, row_masks, sparsegpt
from course_lib.training import evaluate

GENERATOR = torch.Generator().manual_seed(3)
INPUTS = torch.randn(200, 12, generator=GENERATOR) @ torch.randn(12, 12, generator=GENERATOR)


def small(seed=0):
    """Return two layers, so that the second reads what a pruned first one gives."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


def ridge_of(rows, damping):
    return damping * (rows ** 2).sum(0).mean()


@pytest.mark.parametrize("damping", [0.0, 0.01, 0.5])
def test_refit_is_numpys_least_squares_row_by_row(damping):
    model = small()
    masks = random_masks(model, 0.5, seed=1)
    found = refit(model, masks, INPUTS, damping=damping)
    with torch.no_grad():
        for index, name in ((0, "0"), (2, "2")):
            rows = found[:index](INPUTS).double().numpy()
            wanted = (model[:index](INPUTS).double() @ model[index].weight.double().T).numpy()
            ridge = ridge_of(rows, damping) ** 0.5
            for row, stay in enumerate(masks[name].numpy()):
                old = model[index].weight[row].double().numpy()[stay]
                matrix = np.vstack([rows[:, stay], ridge * np.eye(stay.sum())])
                values, *_ = np.linalg.lstsq(matrix, np.append(wanted[:, row], ridge * old))
                np.testing.assert_allclose(found[index].weight[row].numpy()[stay], values,
                                           rtol=1e-4, atol=1e-5)
            assert torch.equal(found[index].weight != 0, masks[name])
            assert torch.equal(found[index].bias, model[index].bias)


def test_refit_of_what_is_whole_changes_nothing():
    model = small()
    masks = {name: torch.ones_like(layer.weight, dtype=torch.bool)
             for name, layer in prunable_layers(model).items()}
    found = refit(model, masks, INPUTS)
    for before, after in zip(model.parameters(), found.parameters(), strict=True):
        torch.testing.assert_close(before, after)


def test_a_layer_without_a_mask_stays_and_nothing_is_changed_in_place():
    model, before = small(), copy.deepcopy(small().state_dict())
    found = refit(model, {"2": random_masks(model, 0.5)["2"]}, INPUTS)
    assert torch.equal(found[0].weight, model[0].weight)
    sparsegpt(model, 0.5, INPUTS)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(part._forward_pre_hooks for part in model.modules())
    assert torch.is_grad_enabled()


def by_surgeon(weight, hessian, mask):
    """Return what the Optimal Brain Surgeon gives if only later columns may move, step by step."""
    weight = weight.clone()
    for column in range(weight.shape[1]):
        inverse = torch.linalg.inv(hessian[column:, column:])
        for row in (~mask[:, column]).nonzero().flatten():
            weight[row, column:] -= weight[row, column] / inverse[0, 0] * inverse[0]
    return weight * mask


@pytest.mark.parametrize(("sparsity_", "block"), [(0.5, 4), (0.5, 64), (0.3, 5), ("2:4", 64)])
def test_sparsegpt_is_the_surgeon_on_later_columns(sparsity_, block):
    model = nn.Sequential(small()[0])
    found, masks = sparsegpt(model, sparsity_, INPUTS, block=block, damping=0.1)
    rows = INPUTS.double()
    hessian = rows.T @ rows + ridge_of(rows.numpy(), 0.1) * torch.eye(12)
    wanted = by_surgeon(model[0].weight.detach().double(), hessian, masks["0"])
    torch.testing.assert_close(found[0].weight.detach().double(), wanted, rtol=1e-4, atol=1e-5)
    exact = refit(model, masks, INPUTS, damping=0.1)

    def cost(one):
        change = (one[0].weight - model[0].weight).detach().double()
        return float((change @ hessian * change).sum())

    plain = nn.Sequential(masked(model, masks)[0])
    assert cost(exact) <= cost(found) * 1.0001 < cost(plain)


@pytest.mark.parametrize("share", [0.0, 0.37, 0.9, 1.0])
def test_sparsegpt_leaves_exactly_the_share_it_was_asked_for(share):
    model = small()
    found, masks = sparsegpt(model, share, INPUTS, block=5)
    for name, layer in prunable_layers(found).items():
        assert int((~masks[name]).sum()) == round(share * layer.weight.numel())
        assert not layer.weight[~masks[name]].any()


def test_two_of_four_neighbours_go():
    _, masks = sparsegpt(small(), "2:4", INPUTS)
    assert all((mask.unflatten(1, (-1, 4)).sum(2) == 2).all() for mask in masks.values())


def test_layers_of_their_own_shares():
    found, masks = sparsegpt(small(), {"2": 0.5}, INPUTS)
    assert set(masks) == {"2"}
    assert torch.equal(found[0].weight, small()[0].weight)


def test_convolutions_are_read_patch_by_patch(mnist):
    model, inputs = lenet_5().eval(), mnist.train.images[:30]
    masks = random_masks(model, 0.5, seed=2)
    found = refit(model, {"conv2": masks["conv2"]}, inputs)
    with torch.no_grad():
        rows = unfold(model.pool1(model.conv1(inputs)), 5).transpose(1, 2).flatten(0, 1).double()
    row, stay = 7, masks["conv2"][7].flatten()
    old = model.conv2.weight[row].detach().flatten().double()
    ridge = ridge_of(rows.numpy(), 0.01) ** 0.5
    matrix = torch.cat([rows[:, stay], ridge * torch.eye(int(stay.sum()))]).numpy()
    wanted, *_ = np.linalg.lstsq(matrix, torch.cat([rows @ old, ridge * old[stay]]).numpy())
    np.testing.assert_allclose(found.conv2.weight[row].detach().flatten()[stay].numpy(), wanted,
                               rtol=1e-3, atol=1e-5)


def test_wanda_is_magnitude_times_the_norm_of_the_inputs(mnist):
    scores = wanda_scores(small(), INPUTS)
    hidden = torch.relu(small()[0](INPUTS)).detach()
    torch.testing.assert_close(scores["2"], small()[2].weight.detach().abs() * hidden.norm(dim=0))
    model, inputs = lenet_5(), mnist.train.images[:20]
    patches = unfold(inputs, 5).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(wanda_scores(model, inputs)["conv1"][3].flatten(),
                               model.conv1.weight[3].detach().abs().flatten() * patches.norm(dim=0))


def test_row_masks_take_as_many_of_each_row():
    masks = row_masks(wanda_scores(small(), INPUTS), 0.5)
    assert {int(mask.sum(1).unique()) for mask in masks.values()} == {6, 4}


@pytest.mark.parametrize("name", ["lenet_300_100", "vgg_mini"])
def test_fisher_scores_are_those_of_gradients_image_by_image(name, mnist):
    model, split = load_trained(name), mnist.train[:6]
    scores, squares = fisher_scores(model, split), {}
    for image, label in zip(split.images, split.labels, strict=True):
        model.zero_grad()
        cross_entropy(model(image[None]), label[None]).backward()
        for key, layer in prunable_layers(model).items():
            squares[key] = squares.get(key, 0) + layer.weight.grad.square()
    for key, layer in prunable_layers(model).items():
        wanted = 0.5 * squares[key] / 6 * layer.weight.detach().square()
        torch.testing.assert_close(scores[key], wanted, rtol=1e-3, atol=1e-12)


def test_the_mask_was_right_the_values_were_wrong(mnist):
    model, inputs = load_trained("lenet_300_100"), mnist.train.images[:2_000]
    masks = magnitude_masks(model, 0.9)
    cut, mended = masked(model, masks), refit(model, masks, inputs)
    assert evaluate(mended, mnist.validation) > 0.97 > evaluate(cut, mnist.validation) + 0.1
    assert sparsity({name: layer.weight != 0 for name, layer in prunable_layers(mended).items()}
                    ) == pytest.approx(0.9, abs=1e-4)


BAD = [
    (lambda m: refit(m, {"0": torch.ones(3, 3).bool()}, INPUTS), "masks\\['0'\\]"),
    (lambda m: refit(m, {"1": torch.ones(3, 3).bool()}, INPUTS), "layer in masks is '1'"),
    (lambda m: refit(m, random_masks(m, 0.5), INPUTS, damping=-1), "damping is -1"),
    (lambda m: refit(m, random_masks(m, 0.5), INPUTS[:0]), "len\\(inputs\\) is 0"),
    (lambda m: refit(m, random_masks(m, 0.1), INPUTS[:2], damping=0.0),
     "XᵀX of layer '0' is 'singular'"),
    (lambda m: sparsegpt(m, 90, INPUTS), "sparsity for '0' is 90"),
    (lambda m: sparsegpt(m, 0.5, INPUTS, block=0), "block is 0"),
    (lambda m: sparsegpt(m, "2:4", INPUTS, block=6), "block is 6"),
    (lambda m: sparsegpt(m, 0.5, INPUTS[:2], damping=0.0), "XᵀX of layer '0' is 'singular'"),
    (lambda m: sparsegpt(nn.Sequential(nn.Linear(6, 2)), "2:4", INPUTS[:, :6]),
     "inputs of layer '0' is 6"),
    (lambda m: fisher_scores(m, Split(torch.zeros(0, 1, 28, 28), torch.zeros(0).long())),
     "len\\(split\\) is 0"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(small())
