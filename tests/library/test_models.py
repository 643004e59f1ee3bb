import hashlib
import json

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm, conv2d, linear, max_pool2d, relu

from course_lib import models
from course_lib.models import (
    ARCHITECTURES,
    NETWORKS,
    ResNet,
    load_trained,
    prunable_layers,
    resnet_mini,
)
from course_lib.training import evaluate

WEIGHTS = {"lenet_300_100": 266_200, "lenet_5": 430_500, "alexnet_mini": 427_040,
           "vgg_mini": 123_464, "resnet_mini": 77_328}
FLOORS = {"lenet_300_100": 0.984, "lenet_5": 0.991, "alexnet_mini": 0.992, "vgg_mini": 0.993,
          "resnet_mini": 0.992}
networks = pytest.mark.parametrize("name", NETWORKS)


@networks
def test_weights_are_as_many_as_the_docstring_says(name):
    weights = sum(layer.weight.numel() for layer in prunable_layers(NETWORKS[name]()).values())
    assert weights == WEIGHTS[name]
    assert f"{weights:,}" in " ".join(NETWORKS[name].__doc__.split())


def test_the_two_papers_networks_have_the_papers_parameters():
    # Han et al. 2015 count biases too: 267 K and 431 K
    sizes = [sum(p.numel() for p in ARCHITECTURES[name]().parameters()) for name in
             ("lenet_300_100", "lenet_5")]
    assert [round(size / 1000) for size in sizes] == [267, 431]


@networks
def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_alone(name):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    one, same, other = (NETWORKS[name](seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_lenet_5_is_caffes(mnist):
    model, images = ARCHITECTURES["lenet_5"](), mnist.test.images[:5]
    p = model.state_dict()
    x = max_pool2d(conv2d(images, p["conv1.weight"], p["conv1.bias"]), 2)
    x = max_pool2d(conv2d(x, p["conv2.weight"], p["conv2.bias"]), 2).flatten(1)
    x = linear(relu(linear(x, p["fc1.weight"], p["fc1.bias"])), p["fc2.weight"], p["fc2.bias"])
    torch.testing.assert_close(model(images), x)


def test_resnet_mini_adds_what_its_blocks_make(mnist):
    model, images = resnet_mini(3).eval(), mnist.test.images[:5]
    for part in model.modules():  # a batch norm that does nothing would hide its own absence
        if isinstance(part, nn.BatchNorm2d):
            for values in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
    p = model.state_dict()

    def conv(x, name, norm, **options):
        x = conv2d(x, p[f"{name}.weight"], **options)
        return batch_norm(x, p[f"{norm}.running_mean"], p[f"{norm}.running_var"],
                          p[f"{norm}.weight"], p[f"{norm}.bias"])

    x = relu(conv(images, "stem.conv", "stem.norm", stride=2, padding=2))
    for place, stride in enumerate((1, 2, 2)):
        at = f"blocks.{place}"
        made = relu(conv(x, f"{at}.conv1", f"{at}.norm1", stride=stride, padding=1))
        made = conv(made, f"{at}.conv2", f"{at}.norm2", padding=1)
        kept = conv(x, f"{at}.shortcut.conv", f"{at}.shortcut.norm", stride=2) if place else x
        x = relu(made + kept)
    assert x.shape == (5, 64, 4, 4)
    torch.testing.assert_close(model(images), linear(x.mean((2, 3)), p["fc.weight"], p["fc.bias"]))


def test_a_residual_network_is_built_from_its_numbers():
    model = ResNet(5, [(3, 5, 1), (2, 7, 2), (4, 7, 1), (2, 9, 1)])
    shapes = {name: tuple(part.weight.shape[:2]) for name, part in prunable_layers(model).items()}
    assert shapes == {
        "stem.conv": (5, 1), "blocks.0.conv1": (3, 5), "blocks.0.conv2": (5, 3),
        "blocks.1.conv1": (2, 5), "blocks.1.conv2": (7, 2), "blocks.1.shortcut.conv": (7, 5),
        "blocks.2.conv1": (4, 7), "blocks.2.conv2": (7, 4), "blocks.3.conv1": (2, 7),
        "blocks.3.conv2": (9, 2), "blocks.3.shortcut.conv": (9, 7), "fc": (10, 9)}
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_long_runs_prune_the_four_chains_only():
    assert all(type(build()) is nn.Sequential for build in ARCHITECTURES.values())
    assert [*NETWORKS] == [*ARCHITECTURES, "resnet_mini"]


@networks
def test_the_trained_network_reaches_its_floor(name, mnist):
    model = load_trained(name)
    assert not model.training
    accuracy = evaluate(model, mnist.test)
    assert accuracy >= FLOORS[name]
    record = json.loads((models.RESULTS / f"train_{name}.json").read_text())
    assert accuracy == pytest.approx(record["test_accuracy"], abs=5e-4)  # 5 images of 10,000


def test_checkpoints_are_small():
    sizes = [path.stat().st_size for path in models.CHECKPOINTS.glob("*.safetensors")]
    assert len(sizes) == len(NETWORKS) + 1  # and char_gpt
    assert sum(sizes) < 10e6


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name is 'lenet'; allowed is one of lenet_300_100, lenet"):
        load_trained("lenet")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    content = (models.CHECKPOINTS / "vgg_mini.safetensors").read_bytes()
    (tmp_path / "vgg_mini.safetensors").write_bytes(content)
    (tmp_path / "train_vgg_mini.json").write_text(
        json.dumps({"sha256": hashlib.sha256(content).hexdigest()}))
    monkeypatch.setattr(models, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(models, "RESULTS", tmp_path)
    return tmp_path


def test_a_damaged_checkpoint_is_refused(elsewhere):
    load_trained("vgg_mini")
    path = elsewhere / "vgg_mini.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)vgg_mini.safetensors is damaged.*git checkout"):
        load_trained("vgg_mini")


@pytest.mark.parametrize("name", ["vgg_mini.safetensors", "train_vgg_mini.json"])
def test_a_missing_file_is_named(elsewhere, name):
    (elsewhere / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing; restore it with: git"):
        load_trained("vgg_mini")
