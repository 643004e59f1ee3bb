"""What the live figures are built from: the kernel's bytes, the sizes, the packed data."""

import base64
import gzip
import json
import os
import re
import subprocess

import numpy as np
import pytest
from live_page import DIST, LIVE, NAMES

from course_lib.data import load_mnist
from course_lib.models import load_trained, prunable_layers

ENVIRONMENT = os.environ | {"PATH": f"{LIVE / 'node_modules' / '.bin'}:{os.environ['PATH']}"}


def stored(name):
    """Return what a data file hands over."""
    text = (DIST / "data" / f"{name}.js").read_text("utf-8")
    return json.loads(re.fullmatch(rf'courseLive\("{name}", (.*)\);\n', text, re.DOTALL)[1])


def unpacked(blob):
    return gzip.decompress(base64.b64decode(blob))


def test_the_kernel_is_what_its_source_gives(folder, tmp_path):
    command = json.loads((LIVE / "package.json").read_text())["scripts"]["kernel"]
    anew = tmp_path / "kernel.wasm"
    subprocess.run(command.replace("src/kernel.wasm", str(anew)), shell=True, check=True, cwd=LIVE,
                   env=ENVIRONMENT)
    assert anew.read_bytes() == (LIVE / "src" / "kernel.wasm").read_bytes()
    assert len(anew.read_bytes()) < 1_000


def test_types_hold(folder):
    subprocess.run(["tsc", "--noEmit"], check=True, cwd=LIVE, env=ENVIRONMENT)


def test_script_and_kernel_are_small(folder):
    assert len(gzip.compress((DIST / "live.js").read_bytes())) < 40_000
    for limit, *page in ((2e6, "network", "digits", "sparsity", "draw"),
                         (2e6, "network", "digits", "rounds"),
                         (3e6, "network", "digits", "surgery")):
        assert sum((DIST / "data" / f"{name}.js").stat().st_size for name in page) < limit


def test_versions_are_pinned_and_no_registry_is_named():
    package = json.loads((LIVE / "package.json").read_text())
    lock = json.loads((LIVE / "package-lock.json").read_text())["packages"]
    for name, version in package["devDependencies"].items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("resolved" not in each for each in lock.values())


def test_weights_travel_without_loss(folder):
    planes = np.frombuffer(unpacked(stored("network")), np.uint8).reshape(4, -1)
    numbers, at = planes.T.copy().view("<f4").ravel(), 0
    for layer in prunable_layers(load_trained("lenet_300_100")).values():
        for part in (layer.weight, layer.bias):
            assert np.array_equal(numbers[at:at + part.numel()], part.detach().numpy().ravel())
            at += part.numel()
    assert at == len(numbers)


def test_digits_are_the_first_of_validation(folder):
    content = np.frombuffer(unpacked(stored("digits")), np.uint8)
    split = load_mnist().validation[:2_000]
    pixels, labels = np.split(content, [2_000 * 784])
    assert np.array_equal(pixels.astype(np.float32) / np.float32(255), split.images.numpy().ravel())
    assert np.array_equal(labels, split.labels.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_says_what_it_needs(name, folder):
    assert all((DIST / "data" / f"{each}.js").is_file() for each in stored(name)["needs"])


def test_no_trial_holds_an_accuracy_on_test(folder):
    """Whoever drags a bound must not see the test split."""
    fields = stored("bound")["fields"]
    assert fields == ["granularity", "way", "retrained", "nonzero", "bytes", "lost", "gained"]
    rows = [row for seeds in stored("bound")["trials"].values() for rows in seeds.values()
            for row in rows]
    assert all(len(row) == len(fields) for row in rows)
    assert len(rows) > 400
