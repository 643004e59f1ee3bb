"""A network as a file: back from it the same, and everything else is turned away by name."""

import copy
import json
import pickle
from collections import OrderedDict

import pytest
import torch
from chains import random_chain
from safetensors.torch import load, save
from torch import nn
from torch.nn.functional import relu

from course_lib.chains import chain_config
from course_lib.models import ARCHITECTURES, load_trained
from course_lib.removal import remove_units

from course_tools.capstone import read_submission, submission
from course_tools.capstone.submission import FILE_BYTES, LAYERS


def answers(model):
    with torch.no_grad():
        return model.eval()(torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_comes_back_bit_for_bit(name):
    model = load_trained(name)
    content = submission(model)
    back = read_submission(content)
    assert torch.equal(answers(back), answers(model))
    assert submission(back) == content
    assert not back.training


def test_so_do_random_chains():
    for seed in range(40):
        model = random_chain(seed, dtype=torch.float32)
        assert torch.equal(answers(read_submission(submission(model))), answers(model))


def test_the_file_is_the_weights_and_a_header():
    model = load_trained("lenet_5")
    content = submission(model)
    assert all(torch.equal(value, model.state_dict()[name])
               for name, value in load(content).items())
    assert 4 * 431_080 < len(content) < 4 * 431_080 + 2_000
    smaller = submission(remove_units(model, {"fc1": torch.arange(100)}))
    assert len(content) - len(smaller) == pytest.approx(4 * 400 * 811, abs=100)


class Own(nn.ReLU):
    def forward(self, signal):
        return relu(signal)


def tail(*layers, width=784):
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, 10))


def shared():
    act = nn.ReLU()
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), act, nn.Linear(8, 8), act,
                         nn.Linear(8, 10))


def tied():
    model = tail(nn.Linear(784, 10), nn.Linear(10, 10), width=10)
    model[2].weight = model[3].weight
    return model


def with_weight(value):
    model = tail()
    model[1].weight.data[0, 0] = value
    return model


def by_hand():
    model = nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc1=nn.Linear(784, 8),
                                      fc2=nn.Linear(8, 10)))
    model.fc1.weight.data, model.fc1.bias.data = torch.ones(4, 784), torch.ones(4)
    return model


def variance_below_zero():
    model = tail(nn.BatchNorm1d(784))
    model[1].running_var.fill_(-1)
    return model


@pytest.mark.parametrize(("model", "message"), [
    (tail(nn.Sigmoid()), r"layer '1' is a Sigmoid; allowed is one of Linear, Conv2d, BatchNorm1d"),
    (tail(Own()), r"layer '1' is a Own; allowed is one of"),
    (nn.Sequential(nn.Sequential(nn.Flatten()), nn.Linear(784, 10)), "layer '0' is a Sequential"),
    (nn.Linear(784, 10), "model is a Linear; allowed is an nn.Sequential"),
    (shared(), "different layers in model is [0-9]+; allowed is [0-9]+, each layer once"),
    (tied(), "model cannot be written: "),
    (tail(width=100), "layer '1' cannot read what the one before gives: "),
    (nn.Sequential(nn.Flatten(), nn.Linear(784, 9)),
     r"gives an output of shape \(1, 9\) for one image; allowed is \(1, 10\)"),
    (nn.Sequential(nn.Conv2d(1, 10, 28)), r"gives an output of shape \(1, 10, 1, 1\)"),
    (with_weight(float("nan")), "1.weight holds NaN or infinite numbers"),
    (with_weight(float("inf")), "1.weight holds NaN or infinite numbers"),
    (variance_below_zero(), "the outputs for a white image are NaN"),
    (tail().half(), r"1.weight is torch.float16; allowed is torch.float32"),
    (tail().double(), r"1.weight is torch.float64; allowed is torch.float32"),
    (by_hand(), r"fc1.* has the shape \(4.*; allowed is what its layer says, \(8"),
    (nn.Sequential(nn.Conv2d(1, 1, 1, padding=600), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                   nn.Linear(1, 10)), "layer '0' gives 1,507,984 values for an image; allowed is"),
    (tail(*(nn.ReLU() for _ in range(LAYERS))), "allowed is 1 to 200 of them"),
    (tail(nn.Linear(784, 1300), width=1300), "the file has .* bytes; allowed is 4,000,000"),
])
def test_what_may_not_fly_is_turned_away(model, message):
    with pytest.raises(ValueError, match=message):
        submission(model)


# Files that nobody got from submission()

LINEAR = {"name": "fc", "kind": "Linear", "in_features": 784, "out_features": 10, "bias": True}
FLATTEN = {"name": "flatten", "kind": "Flatten"}


def file(*layers, state=None, metadata=None):
    good = {"fc.weight": torch.ones(10, 784), "fc.bias": torch.ones(10)}
    return save(good if state is None else state,
                {"layers": json.dumps(layers)} if metadata is None else metadata)


def test_the_hand_made_file_is_fine_as_such():
    assert read_submission(file(FLATTEN, LINEAR))(torch.ones(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("content", "message"), [
    (b"", "no submission"),
    (pickle.dumps(nn.Flatten()), "no submission"),
    (file(FLATTEN, LINEAR)[:-1], "no submission"),
    (save({"a": torch.ones(1)}), "no submission"),
    (file(metadata={"layers": "[" * 100_000}), "no submission"),
    (bytes(FILE_BYTES + 1), "has 4,000,001 bytes"),
    (file(), "no list of layers"),
    (file(metadata={"layers": '"Linear"'}), "no list of layers"),
    (file("Linear"), "a layer is 'None'; allowed is one of Linear"),
    (file({"name": "a", "kind": "Sigmoid"}), "a layer is 'Sigmoid'; allowed is one of Linear"),
    (file({"name": "a", "kind": "Module.__init__"}), "a layer is 'Module.__init__'"),
    (file(FLATTEN, LINEAR | {"device": "cuda"}), "a Linear has the options .*'device'"),
    (file(FLATTEN, {"name": "a", "kind": "Linear"}), "a Linear has the options"),
    (file(FLATTEN, LINEAR | {"in_features": "784"}), "a Linear has in_features '784'"),
    (file(FLATTEN, LINEAR | {"in_features": {"a": 1}}), "a Linear has in_features"),
    (file(FLATTEN, LINEAR | {"name": 7}), "a Linear has the options"),
    (file(FLATTEN, LINEAR | {"name": "forward"}), "the layers cannot be built: "),
    (file(FLATTEN, LINEAR | {"name": "a.b"}), "the layers cannot be built: "),
    (file(FLATTEN, LINEAR | {"in_features": 0.5}), "the layers cannot be built: "),
    (file(FLATTEN, LINEAR | {"out_features": 10**12}), "layer .fc. gives 1,000,000,000,000 values"),
    (file(FLATTEN, LINEAR | {"out_features": 10**30}), "the layers cannot be built: "),
    (file(FLATTEN, LINEAR | {"out_features": -1}), "the layers cannot be built: "),
    (file({"name": "p", "kind": "AdaptiveAvgPool2d", "output_size": 10**6}, FLATTEN, LINEAR),
     "layer 'p' gives 1,000,000,000,000 values for an image"),
    (file(FLATTEN, LINEAR, state={"fc.weight": torch.ones(10, 784)}), "lacks fc.bias"),
    (file(FLATTEN, LINEAR, state={"fc.weight": torch.ones(10, 784), "fc.bias": torch.ones(10),
                                  "more": torch.ones(1)}), "holds more beyond its layers"),
])
def test_other_files_are_turned_away(content, message):
    with pytest.raises(ValueError, match=message):
        read_submission(content)


def test_writing_leaves_the_network_as_it_was():
    model = load_trained("lenet_300_100").train()
    before = copy.deepcopy(model.state_dict())
    submission(model)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert chain_config(model)[1]["in_features"] == 784
