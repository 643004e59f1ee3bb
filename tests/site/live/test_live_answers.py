"""What the live figures say is what the library says, position by position."""

import re
import runpy

import pytest
import torch
from live_page import LIVE, line, move

from course_lib.data import load_mnist
from course_lib.intervals import paired_drop
from course_lib.masks import magnitude_masks, masked, sparsity, threshold_masks, units_to_keep
from course_lib.measure import measure
from course_lib.models import load_trained, prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import taylor_scores, wanda_scores
from course_lib.search import smallest_within
from course_lib.surgery import row_masks
from course_lib.training import evaluate

from course_tools.experiments import load_results
from course_tools.sliders import neuron_slider, sparsity_slider, surgery_slider, threshold_slider

CLOSE = 1e-4  # images whose two largest outputs are closer may be read either way


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def split(mnist):
    return mnist.validation[:2_000]


@pytest.fixture(scope="module")
def model():
    return load_trained("lenet_300_100")


@pytest.fixture(scope="module")
def taylor(model, mnist):
    return {"fc1": taylor_scores(model, mnist.train[:2_000])["fc1"]}


def outputs(network, split):
    with torch.inference_mode():
        return network(split.images)


def agrees(live, network, split, key="right") -> bool:
    """Compare the right answers counted; only images with two outputs that close may differ."""
    counted = round(evaluate(network, split) * len(split))
    top = outputs(network, split).topk(2, dim=1).values
    close = int((top[:, 0] - top[:, 1] < CLOSE).sum())
    assert close < 5 or (top[:, 0] == top[:, 1]).all(), f"{close} images decide nothing"
    return abs(int(live.get_attribute(f"data-{key}")) - counted) <= close


def same_words(live, view, value) -> bool:
    """Move the notebook's slider there too; compare its line with the page's, times apart."""
    view.slider.value = value
    said, here = (re.sub(" Latency: .*", "", text) for text in (view.text, line(live)))
    return said == here or f"{said} | {here}"


@pytest.mark.parametrize("at", [0, 3, 7, 10, 15, 22, 30, 45, 70, 99])
def test_threshold(at, opened, model, split):
    live = opened("threshold")
    move(live.page, live, at)
    value = at * (float(model.fc1.weight.detach().abs().max()) / 100)
    masks = threshold_masks(model, {"fc1": value})
    assert live.get_attribute("data-kept") == ",".join(str(int(m.sum())) for m in masks.values())
    assert agrees(live, masked(model, masks), split)


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("at", [0, 10, 30, 50, 65, 80, 88, 93, 97, 99])
def test_sparsity(at, scope, opened, model, split):
    live = opened("sparsity")
    live.locator(f"input[value={scope}]").check()
    move(live.page, live, at)
    live.page.wait_for_function("live => live.dataset.by", arg=live.element_handle())
    masks = magnitude_masks(model, at / 100, scope=scope)
    assert live.get_attribute("data-by") == scope
    assert live.get_attribute("data-kept") == ",".join(str(int(m.sum())) for m in masks.values())
    assert agrees(live, masked(model, masks), split)


@pytest.mark.parametrize("at", [0, 1, 50, 100, 150, 180, 225, 270, 290, 299])
def test_neurons(at, opened, model, split, taylor):
    live = opened("neurons")
    move(live.page, live, at)
    smaller = remove_units(model, units_to_keep(model, {"fc1": at / 300}, scores=taylor))
    assert int(live.get_attribute("data-bytes")) == measure(smaller).dense_bytes
    assert agrees(live, smaller, split)


def test_rounds(opened, model, split):
    live = opened("rounds")
    stored = runpy.run_path(str(LIVE / "rounds.py"))["stored_rounds"]()
    networks = [model, *(network for network, _ in stored)]
    for number, (_, masks) in enumerate(stored, start=1):
        for at, network in ((2 * number - 1, masked(networks[number - 1], masks)),
                            (2 * number, networks[number])):
            move(live.page, live, at)
            assert live.get_attribute("data-kept") == ",".join(
                str(int(mask.sum())) for mask in masks.values())
            assert agrees(live, network, split), at
    assert "84.6 times fewer weights" in line(live)


def test_stored_rounds_read_as_they_did_when_they_were_made(mnist):
    """They are rounded to 255 levels: that costs less than a tenth of a point on validation."""
    rounds = runpy.run_path(str(LIVE / "rounds.py"))
    after = rounds["stored_accuracies"]()
    for (network, _), accuracy in zip(rounds["stored_rounds"](), after, strict=True):
        assert abs(evaluate(network, mnist.validation) - accuracy) < 0.001


@pytest.fixture(scope="module")
def values():
    return runpy.run_path(str(LIVE / "surgery.py"))


def test_what_was_solved_reads_as_it_did_and_as_the_library_reads_it(values, opened, split):
    shown = opened("surgery").get_attribute("data-solved").split(",")
    before = values["stored_right"]()
    networks = values["stored_networks"]()
    for way, of_way in networks.items():
        for share, (network, masks) in of_way.items():
            here, counted = int(shown.pop(0)), round(evaluate(network, split) * len(split))
            assert abs(here - counted) <= 1
            assert counted == before[f"{way}.{share}"]
            assert sparsity(masks) == pytest.approx(share, abs=1e-5)
    assert shown == []


@pytest.mark.parametrize("at", [0, 30, 50, 70, 80, 85, 90, 95, 97, 98])
def test_surgery(at, opened, model, split, values):
    live = opened("surgery")
    move(live.page, live, at)
    masks = magnitude_masks(model, at / 100)
    assert live.get_attribute("data-kept") == ",".join(str(int(m.sum())) for m in masks.values())
    assert agrees(live, masked(model, masks), split)
    norms, tensors = {}, values["stored_tensors"]()
    for name, layer in prunable_layers(model).items():
        norms[name] = layer.weight.detach().abs() * tensors[f"norms.{name}"]
    within = {name: row_masks({name: score}, 1 - float(masks[name].double().mean()))[name]
              for name, score in norms.items()}
    assert agrees(live, masked(model, within), split, key="wanda")


def test_stored_norms_are_those_of_wanda(model, mnist, values):
    tensors, scores = values["stored_tensors"](), wanda_scores(model, mnist.train.images[:1_000])
    for name, layer in prunable_layers(model).items():
        torch.testing.assert_close(layer.weight.abs() * tensors[f"norms.{name}"], scores[name])


def test_the_line_of_lesson_12_is_the_notebooks(opened, model, mnist, split, values):
    networks = {way: {share: network for share, (network, _) in of_way.items()}
                for way, of_way in values["stored_networks"]().items()}
    view = surgery_slider(model, split, mnist.train.images[:1_000], networks)
    live = opened("surgery")
    for at in (90, 95, 83):
        move(live.page, live, at)
        assert same_words(live, view, at / 100) is True


@pytest.mark.parametrize("name", ["threshold", "sparsity", "neurons"])
def test_the_line_is_the_notebooks(name, opened, model, split, taylor):
    top = float(model.fc1.weight.detach().abs().max())
    view, step = {
        "threshold": lambda: (threshold_slider(model, "fc1", split), top / 100),
        "sparsity": lambda: (sparsity_slider(model, split), 0.01),
        "neurons": lambda: (neuron_slider(model, split, scores=taylor["fc1"]), 1)}[name]()
    live = opened(name)
    if name == "sparsity":
        live.locator("input[value=global]").check()
    for at in (7, 90):
        move(live.page, live, at)
        if name == "neurons":
            live.page.wait_for_function("live => /Latency: [0-9]/.test(live.textContent)",
                                        arg=live.element_handle())
        assert same_words(live, view, at * step) is True


TRIALS = load_results("tradeoff", partial=True)


@pytest.mark.parametrize("network", sorted({row["network"] for row in TRIALS}))
def test_bound(network, opened):
    live = opened("bound")
    live.locator(f"input[value={network}]").check()
    rows = [row for row in TRIALS if row["network"] == network and row["seed"] == 0]
    for at in (0, 1, 4, 10, 20, 40, 100):
        for kind in ("weight", "neuron"):
            for retrained in (True, False):
                live.locator(f"input[value={kind}]").check()
                live.locator(f"input[value={'yes' if retrained else 'no'}]").check()
                move(live.page, live, at)
                assert line(live) == expected(rows, at / 20, kind, retrained)


def expected(rows, points, kind, retrained):
    """Say what the notebook's slider would, of these rows."""
    def lost(row):
        return paired_drop(*row["validation"], 5_000)

    found = [row for row in rows if row["granularity"] == kind and row["retrained"] == retrained]
    best = smallest_within(found, points / 100, drop=lambda row: lost(row).value,
                           size=lambda row: row["nonzero"])
    if best is None:
        return f"bound {points:.2f} points: no trial fits, the original stays."
    return (f"bound {points:.2f} points: {best['nonzero']:,} weights left, a file of "
            f"{best['bytes']['zstd'] / 1000:.0f} kB instead of "
            f"{rows[0]['bytes']['zstd'] / 1000:.0f}, "
            f"drop on validation {lost(best).points:.2f} points.")


def test_a_digit_from_mnist_at_a_hundred_sparsities(opened, model, split):
    live = opened("draw")
    live.get_by_role("button", name="A digit from MNIST").click()
    live.page.wait_for_function("live => live.dataset.digits", arg=live.element_handle())
    one = split[int(live.get_attribute("data-place")):][:1]
    for share in range(0, 100, 9):
        answer = outputs(masked(model, magnitude_masks(model, share / 100)), one)[0]
        first, second = answer.topk(2).values.tolist()
        read = int(live.get_attribute("data-digits")[share])
        assert read == int(answer.argmax()) or first - second < CLOSE
