import asyncio
import base64
import copy
import html
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.intervals import Drop
from course_lib.masks import magnitude_masks, masked, threshold_masks
from course_lib.measure import measure
from course_lib.models import load_trained, prunable_layers
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.search import Trial, drop
from course_lib.sizes import FORMATS
from course_lib.training import evaluate

from course_tools.checks import quiz
from course_tools.experiments.lesson_01 import axes_of, in_two_steps
from course_tools.sliders import (
    bound_slider,
    filter_sliders,
    neuron_slider,
    rank_slider,
    sparsity_slider,
    threshold_slider,
)
from course_tools.sliders.latency import Latency


@pytest.fixture
def model():
    return load_trained("lenet_300_100")


def pruned_accuracy(model, masks, split):
    pruned = masked(model, masks)
    return evaluate(pruned, split)


def pixels(live):
    coded = re.search(r"base64,([^\"]*)", live.picture.value)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(coded))))


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_sparsity_slider_moves_the_real_network(model, mnist, scope):
    split = mnist.validation[:500]
    live = sparsity_slider(model, split, scope=scope)
    seen = {}
    for share in (0.5, 0.95, 0.5):
        live.slider.value = share
        wanted = pruned_accuracy(model, magnitude_masks(model, share, scope=scope), split)
        assert f"{100 * share:.1f} % of all weights are zero" in live.text
        assert f"accuracy {100 * wanted:.1f} %" in live.text
        assert live.text in live.picture.value  # as its text alternative
        seen.setdefault(share, pixels(live))
    assert not np.array_equal(seen[0.5], seen[0.95])


def test_the_threshold_slider_moves_the_real_network(model, mnist):
    split = mnist.validation[:500]
    live = threshold_slider(model, "fc1", split)
    live.slider.value = 0.06
    masks = threshold_masks(model, {"fc1": live.slider.value})
    assert f"accuracy {100 * pruned_accuracy(model, masks, split):.1f} %" in live.text
    assert f"{100 * float((~masks['fc1']).float().mean()):.1f} % of weights of fc1" in live.text


def test_the_threshold_slider_counts_what_each_input_keeps(model, mnist):
    live = threshold_slider(model, "fc1", mnist.validation[:100], bands=True)
    whole = pixels(live)
    third = np.s_[:, 2 * whole.shape[1] // 3:]
    live.slider.value = 0.06
    assert not np.array_equal(whole[third], pixels(live)[third])
    assert "weights that each input keeps" in live.picture.value


def test_the_neuron_slider_measures_a_network_that_is_really_smaller(model, mnist):
    split = mnist.validation[:500]
    live = neuron_slider(model, split)
    whole = pixels(live)
    live.slider.value = 200
    keep = unit_scores(model.fc1.weight, "neuron").argsort()[200:].sort().values
    small = remove_units(model, {"fc1": keep})
    assert f"200 removed: accuracy {100 * evaluate(small, split):.1f} %" in live.text
    assert f"{measure(small).dense_bytes / 1000:.0f} kB" in live.text
    assert not np.array_equal(whole, pixels(live))


def test_the_neuron_slider_removes_by_other_scores(model, mnist):
    split, scores = mnist.validation[:500], torch.arange(300.0)
    live = neuron_slider(model, split, scores=scores)
    live.slider.value = 200
    small = remove_units(model, {"fc1": torch.arange(200, 300)})
    assert f"200 removed: accuracy {100 * evaluate(small, split):.1f} %" in live.text


def test_the_rank_slider_squeezes_the_real_matrix(model, mnist):
    split = mnist.validation[:500]
    live = rank_slider(model, split)
    assert f"accuracy {100 * evaluate(model, split):.1f} %" in live.text
    whole = pixels(live)
    live.slider.value = 20
    sums = model[:2](split.images).detach()
    found = in_two_steps(model, axes_of(sums)[:20], sums.mean(dim=0))
    assert live.text.startswith("20 of 300 directions, ")
    assert f" % of the variance: accuracy {100 * evaluate(found, split):.1f} %" in live.text
    assert not np.array_equal(whole, pixels(live))
    with pytest.raises(ValueError, match=r"layer is 'fc2' with weights \(100, 300\); allowed is"):
        rank_slider(model, split, "fc2")


def test_the_rank_slider_takes_its_directions_from_the_images_seen(model, mnist):
    split, seen = mnist.validation[:200], mnist.train[:1_000]
    live = rank_slider(model, split, seen=seen)
    live.slider.value = 5
    sums = model[:2](seen.images).detach()
    variances = torch.linalg.eigvalsh(torch.cov(sums.T.double())).flip(0)
    assert f"{100 * float(variances[:5].sum() / variances.sum()):.1f} % of the var" in live.text


@pytest.mark.parametrize("name", ["vgg_mini", "lenet_5"])
def test_the_filter_sliders_build_a_network_that_is_really_smaller(name, mnist):
    model, split = load_trained(name), mnist.validation[:100]
    view = filter_sliders(model, split)
    hidden = list(prunable_layers(model).items())[:-1]
    assert {layer: slider.max for layer, slider in view.sliders.items()} == {
        layer: part.weight.shape[0] for layer, part in hidden}
    whole = pixels(view)
    first, part = hidden[1]
    view.sliders[first].value = 3
    best = part.weight.detach().abs().flatten(1).sum(1).argsort()[-3:].sort().values
    report = measure(remove_units(model, {first: best}), split)
    assert f"accuracy {100 * report.accuracy:.1f} %" in view.text
    assert f"{report.weights:,} weights" in view.text
    assert f"{report.dense_bytes / 1000:.0f} kB" in view.text
    changed, middle = whole != pixels(view), whole.shape[1] // 2
    assert changed[:, :middle].any()  # the network
    assert changed[:, middle:].any()  # its costs
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "image/png",
            "text/plain"} == set(view._repr_mimebundle_())


def test_latency_is_measured_once_when_the_hand_rests(mnist, monkeypatch):
    monkeypatch.setattr("course_tools.sliders.live.REST", 0.05)
    timed = []
    monkeypatch.setattr("course_tools.sliders.sliders.latency", lambda model, batch, seconds: (
        timed.append((model.conv1.out_channels, batch)) or Latency(1.5, 1, 2, batch, 1)))

    async def drag(view):
        for kept in (15, 10, 5):
            view.sliders["conv1"].value = kept
            assert view.timing.value == "latency: measured when the hand rests"
        await asyncio.sleep(0.2)

    view = filter_sliders(load_trained("lenet_5"), mnist.validation[:50])
    timed.clear()
    asyncio.run(drag(view))
    assert timed == [(5, 1), (5, 256)]
    assert view.timing.value == "latency: 1.50 ms for 1 image, 1.5 ms for 256."


def test_the_bound_slider_chooses_among_real_networks(model, mnist):
    trials = []
    for share in (0.3, 0.8, 0.9):
        pruned = masked(model, magnitude_masks(model, share))
        found = drop(model, pruned, mnist.validation[:500])
        trials.append(Trial(share, round(266_200 * (1 - share)), found, pruned))
    view = bound_slider(model, trials)
    whole = len(FORMATS["zstd"].write(model))
    for points in (5.0, 0.5, 0.25):
        view.slider.value = points
        fitting = [trial for trial in trials if 100 * trial.drop.value <= points]
        best = min(fitting, key=lambda trial: trial.nonzero)
        length = len(FORMATS["zstd"].write(best.model))
        assert view.text.startswith(f"bound {points:.2f} points: {best.nonzero:,} weights left, "
                                    f"a file of {length / 1000:.0f} kB instead of "
                                    f"{whole / 1000:.0f}, drop on validation ")
        assert f"{100 * best.drop.value:.2f} [{100 * best.drop.low:.2f}" in view.text
    view.slider.value = 5.0
    severe = pixels(view)
    view.slider.value = 0.5
    assert not np.array_equal(severe, pixels(view))


def test_where_no_trial_fits_the_original_stays(model):
    view = bound_slider(model, [Trial(0.9, 26_620, Drop(0.02, 0.01, 0.03, 9, 1), model)])
    assert view.text == "bound 0.50 points: no trial fits, the original stays."
    with pytest.raises(ValueError, match="trials is empty; allowed is one trial or more"):
        bound_slider(model, [])


def test_the_learners_model_is_not_touched(model, mnist):
    before = copy.deepcopy(model.state_dict())
    sparsity_slider(model, mnist.validation[:100]).slider.value = 0.9
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_the_picture_is_what_a_full_drawing_would_be(model, mnist):
    live = sparsity_slider(model, mnist.validation[:100])
    live.slider.value = 0.9
    jumped = pixels(live)
    for share in (0.2, 0.97, 0.9):  # the way there leaves no traces but the trail's own points
        live.slider.value = share
    survivors = np.s_[:, 2 * jumped.shape[1] // 3:]
    assert np.array_equal(jumped[survivors], pixels(live)[survivors])


def test_both_the_live_view_and_its_static_twin_are_offered(model, mnist):
    live = sparsity_slider(model, mnist.validation[:100])
    shown = live._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "image/png",
            "text/plain"} == set(shown)
    assert "sparsity 0.9" in shown["text/plain"].replace("\n", " ")


def test_a_network_that_does_not_begin_with_pixels_is_refused(mnist):
    with pytest.raises(ValueError, match="model reads 25 inputs in its first layer; allowed is"):
        sparsity_slider(load_trained("lenet_5"), mnist.validation[:100])


@pytest.mark.parametrize("slider", [
    lambda model, split: threshold_slider(model, "fc7", split),
    lambda model, split: rank_slider(model, split, "fc7"),
    lambda model, split: neuron_slider(model, split, "fc7")])
def test_an_unknown_layer_is_refused(slider, model, mnist):
    with pytest.raises(ValueError, match="layer is 'fc7'; allowed is one of fc1, fc2, fc3"):
        slider(model, mnist.validation[:100])


def told(asked):
    return re.sub("<[^>]*>", "", asked.below.value)


def test_a_quiz_of_letters_has_a_button_for_each():
    asked = quiz("2.2")
    assert [button.description[:2] for button in asked.controls] == ["a)", "b)", "c)", "d)"]
    assert told(asked).strip() == "○ not attempted yet"
    asked.controls[0].click()
    assert told(asked) == f"✗ not yet: {asked.quiz.mistakes['a']}"
    asked.controls[3].click()
    assert told(asked) == f"✓ right: {asked.quiz.right}"


def test_a_quiz_of_a_number_has_a_field():
    asked = quiz("4.1")
    field, answer = asked.controls
    field.value = 0.5
    assert told(asked).strip() == "○ not attempted yet"  # only the button answers
    answer.click()
    assert told(asked).startswith("✗ not yet: It would be so")
    field.value = 0.25
    answer.click()
    assert told(asked).startswith("✓ right: ")


def test_a_quizs_twin_has_choices_and_the_verdict_and_takes_the_answer():
    for asked, verdict in ((quiz("2.2"), "○ not attempted yet"), (quiz("2.2", "d"), "✓ right: ")):
        bundle = asked._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        text = bundle["text/plain"]
        assert html.unescape(re.sub("<[^>]*>", "", bundle["text/html"])) == text
        for letter, choice in asked.quiz.choices.items():
            assert f"{letter}) {choice}" in text
        assert text.splitlines()[-1].startswith(verdict)


def test_a_quiz_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r'number is .2.1., which asks for a function; allowed is'):
        quiz("2.1")
