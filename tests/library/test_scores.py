import pytest
import torch
from chains import random_chain

from course_lib.data import Split
from course_lib.models import load_trained, prunable_layers
from course_lib.removal import zero_units
from course_lib.scores import (
    activation_scores,
    magnitude,
    oracle_scores,
    taylor_scores,
    unit_scores,
)


def test_magnitude_is_the_absolute_value_in_the_weights_shape():
    weight = torch.randn(4, 3, 2, 2, requires_grad=True)
    assert torch.equal(magnitude(weight), weight.abs())
    assert not magnitude(weight).requires_grad


def test_nan_is_refused():
    with pytest.raises(ValueError, match="a value of weight is nan; allowed is a number"):
        magnitude(torch.tensor([1.0, float("nan"), float("nan")]))


@pytest.mark.parametrize("p", [1, 2])
def test_unit_scores_are_norms_over_the_right_axes(p):
    linear, conv = torch.randn(4, 6), torch.randn(5, 3, 2, 2)
    cases = [(linear, "neuron", list(linear)), (linear, "column", list(linear.T)),
             (conv, "filter", list(conv)), (conv, "channel", [conv[:, c] for c in range(3)]),
             (conv, "column", [conv[:, c, y, x] for c in range(3) for y in (0, 1) for x in (0, 1)])]
    for weight, granularity, units in cases:
        wanted = torch.stack([torch.linalg.vector_norm(unit, p) for unit in units])
        torch.testing.assert_close(unit_scores(weight, granularity, p=p), wanted)


@pytest.mark.parametrize(("shape", "granularity", "allowed"), [
    ((4, 6), "filter", "neuron, column"), ((4, 6), "row", "neuron, column"),
    ((4, 3, 2, 2), "neuron", "filter, channel, column"), ((4,), "neuron", "")])
def test_a_granularity_that_does_not_fit_is_refused(shape, granularity, allowed):
    with pytest.raises(ValueError, match=f"granularity is '{granularity}'; allowed .* {allowed}"):
        unit_scores(torch.rand(shape), granularity)


def test_another_norm_is_refused():
    with pytest.raises(ValueError, match="p is 3; allowed is 1 or 2"):
        unit_scores(torch.rand(2, 2), "neuron", p=3)


def test_activation_scores_of_a_layer_worked_out_by_hand(mnist):
    model, split = load_trained("lenet_300_100"), mnist.validation[:1200]  # more than one batch
    with torch.no_grad():
        hidden = model[:3](split.images)
    means, shares = activation_scores(model, split), activation_scores(model, split, by="apoz")
    assert list(means) == ["fc1", "fc2"]
    torch.testing.assert_close(means["fc1"], hidden.mean(0))
    torch.testing.assert_close(shares["fc1"], (hidden > 0).float().mean(0))


def test_activations_of_a_convolution_are_those_after_norm_and_relu(mnist):
    model, split = load_trained("vgg_mini"), mnist.validation[:50]
    with torch.no_grad():
        outputs = model[:3](split.images)  # conv, norm, relu
    torch.testing.assert_close(activation_scores(model, split)["conv1_1"], outputs.mean((0, 2, 3)))


def test_taylor_scores_estimate_what_a_removal_costs(mnist):
    """Shrink one neuron's output a little: the loss moves as the scores' slope says."""
    model, split = load_trained("lenet_300_100").double(), mnist.validation[:1]
    split = Doubled(split.images.double(), split.labels)
    scores, step = taylor_scores(model, split)["fc2"], 1e-6
    with torch.no_grad():
        hidden = model[:5](split.images)

        def loss(values):
            return torch.nn.functional.cross_entropy(model[5:](values), split.labels)

        for unit in range(0, 100, 9):
            shrunk = hidden.clone()
            shrunk[:, unit] *= 1 - step
            slope = float(loss(hidden) - loss(shrunk)) / step
            assert abs(slope) == pytest.approx(float(scores[unit]), rel=1e-3, abs=1e-8)


class Doubled:
    """A split in float64, which Split itself does not allow."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)


@pytest.mark.parametrize("score", [activation_scores, oracle_scores, taylor_scores])
def test_scoring_changes_nothing(score, mnist):
    model = load_trained("vgg_mini").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = score(model, mnist.validation[:100])
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert [len(value) for value in found.values()] == [
        layer.weight.shape[0] for layer in prunable_layers(model).values()][:-1]
    with pytest.raises(ValueError, match=r"len\(split\) is 0; allowed is 1 or more"):
        score(model, mnist.validation[:0])
    assert not any(part._forward_hooks for part in model.modules())


def test_an_unknown_statistic_is_refused(mnist):
    with pytest.raises(ValueError, match="by is 'max'; allowed is 'mean' or 'apoz'"):
        activation_scores(load_trained("lenet_5"), mnist.validation[:10], by="max")


def loss_without(model, layer, unit, split):
    units = prunable_layers(model)[layer].weight.shape[0]
    keep = torch.tensor([other for other in range(units) if other != unit])
    with torch.no_grad():
        answers = zero_units(model, {layer: keep})(split.images)
    return float(torch.nn.functional.cross_entropy(answers, split.labels))


def test_oracle_scores_are_the_losses_without_each_unit_on_random_chains():
    split = Split(torch.rand(7, 1, 28, 28), torch.arange(7))
    for seed in range(60):
        model = random_chain(seed, dtype=torch.float32)
        scores, layers = oracle_scores(model, split), prunable_layers(model)
        assert list(scores) == list(layers)[:-1]
        for layer, found in scores.items():
            assert len(found) == layers[layer].weight.shape[0]
            if len(found) > 1:
                wanted = [loss_without(model, layer, unit, split) for unit in range(len(found))]
                assert found.tolist() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_oracle_scores_average_over_batches(mnist):
    model, split = load_trained("lenet_300_100"), mnist.validation[:1100]  # more than one batch
    found = oracle_scores(model, split)
    for layer, unit in (("fc1", 5), ("fc1", 299), ("fc2", 40)):
        wanted = loss_without(model, layer, unit, split)
        assert float(found[layer][unit]) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("score", [activation_scores, taylor_scores])
def test_networks_with_branches_have_scores_too(score, mnist):
    model, split = load_trained("resnet_mini"), mnist.validation[:60]
    found = score(model, split)
    assert {name: len(values) for name, values in found.items()} == {
        name: layer.weight.shape[0] for name, layer in prunable_layers(model).items()
        if name != "fc"}
    with torch.no_grad():
        wanted = model.stem(split.images).mean((0, 2, 3))
    if score is activation_scores:
        torch.testing.assert_close(found["stem.conv"], wanted)
    assert not any(part._forward_hooks for part in model.modules())
