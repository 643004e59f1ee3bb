
import pytest
import torch

from course_lib.masks import keep_top, masked, random_masks, sparsity
from course_lib.measure import nonzero_weights
from course_lib.models import lenet_5, load_trained, perceptron, prunable_layers
from course_lib.regrowth import effective_weights, regrown

GENERATOR = torch.Generator().manual_seed(1)
WEIGHTS = {"a": torch.randn(30, 20, generator=GENERATOR), "b": torch.randn(7, generator=GENERATOR)}
NOTHING = {name: torch.zeros_like(weight).bool() for name, weight in WEIGHTS.items()}


def test_without_hysteresis_it_is_the_largest_of_all():
    found = regrown(NOTHING, WEIGHTS, 0.8, hysteresis=0.0)
    flat = torch.cat([weight.abs().flatten() for weight in WEIGHTS.values()])
    assert torch.equal(torch.cat([mask.flatten() for mask in found.values()]), keep_top(flat, 0.8))


def test_what_lies_within_the_hysteresis_stays_as_it_was():
    kept = {name: ~mask for name, mask in NOTHING.items()}
    fewer, more = (regrown(masks, WEIGHTS, 0.8, hysteresis=0.2) for masks in (NOTHING, kept))
    sizes = WEIGHTS["a"].abs()
    threshold = torch.cat([weight.abs().flatten() for weight in WEIGHTS.values()]).sort().values[
        round(0.8 * 607)]
    between = (sizes >= 0.8 * threshold) & (sizes < 1.2 * threshold)
    assert between.any()
    assert torch.equal(more["a"] & ~fewer["a"], between)


@pytest.mark.parametrize(("share", "left"), [(0.0, 607), (1.0, 0)])
def test_all_or_nothing(share, left):
    masks = {name: ~mask for name, mask in NOTHING.items()}
    assert sum(int(mask.sum()) for mask in regrown(masks, WEIGHTS, share).values()) == left


def test_a_weight_is_effective_if_its_neuron_has_both_an_input_and_a_reader():
    thin = masked(perceptron(12), random_masks(perceptron(12), {"fc1": 0.999, "fc2": 0.9}))
    paths, stay = effective_weights(thin), {
        name: layer.weight != 0 for name, layer in prunable_layers(thin).items()}
    heard, hears = stay["fc2"].any(0), stay["fc1"].any(1)
    assert not heard.all()
    assert not hears.all()
    assert torch.equal(paths["fc1"], stay["fc1"] & heard[:, None])
    assert torch.equal(paths["fc2"], stay["fc2"] & hears)


def test_without_biases_what_has_no_path_changes_no_answer(mnist):
    model = lenet_5().double()
    for part in prunable_layers(model).values():
        part.bias.data.zero_()  # dead units would emit it
    thin = masked(model, random_masks(model, 0.99, seed=4))
    paths, images = effective_weights(thin), mnist.test.images[:50].double()
    dead = masked(thin, paths)
    assert sum(int(mask.sum()) for mask in paths.values()) < nonzero_weights(thin)
    torch.testing.assert_close(dead(images), thin(images))


def test_batch_norm_hides_no_path():
    paths = effective_weights(load_trained("vgg_mini"))
    assert sparsity(paths) < 0.01
