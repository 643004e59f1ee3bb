"""The sliders of lesson 12."""

import numpy as np
import pytest

from course_lib.masks import magnitude_masks, masked, sparsity
from course_lib.models import load_trained
from course_lib.scores import wanda_scores
from course_lib.surgery import refit, row_masks
from course_lib.training import evaluate

from course_tools.sliders import surgery_slider, two_weights_slider
from course_tools.sliders.surgery import TRAINED, price


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.8])
def test_the_price_is_half_the_mean_square_of_what_changes(likeness):
    inputs = np.random.default_rng(0).standard_normal((200_000, 2))
    inputs[:, 1] = likeness * inputs[:, 0] + (1 - likeness ** 2) ** 0.5 * inputs[:, 1]
    change = inputs @ (np.array([0.0, 0.9]) - TRAINED)
    assert price(likeness, 0.0, 0.9) == pytest.approx((change ** 2).mean() / 2, rel=0.02)


def test_the_two_weights_slider_is_lowest_where_the_surgeon_ends():
    live = two_weights_slider()
    costs = {}
    for second in (0.5, 0.9, 0.98, 1.06):
        live.sliders["w2"].value = second
        costs[second] = float(live.text.split("error ")[1].split(" ")[0])
        assert live.text in live.picture.value
    assert min(costs, key=costs.get) == 0.98  # w2 + likeness · w1
    assert costs[0.98] / costs[0.5] == pytest.approx(1 - 0.8 ** 2, abs=0.005)
    live.sliders["likeness"].value = 0.0
    live.sliders["w2"].value = 0.5
    assert "error 0.180 (with w2 as it was 0.180)" in live.text


def test_the_surgery_slider_cuts_real_networks(mnist):
    model, split, inputs = load_trained("lenet_300_100"), mnist.validation[:500], mnist.train.images
    masks = magnitude_masks(model, 0.9)
    solved = {"refit": {0.9: refit(model, masks, inputs[:300]), 0.98: model}}
    live = surgery_slider(model, split, inputs[:300], solved)
    live.slider.value = 0.92
    masks = magnitude_masks(model, 0.92)
    assert f"magnitude {100 * evaluate(masked(model, masks), split):.1f}," in live.text
    scores = wanda_scores(model, inputs[:300])
    within = {name: row_masks({name: score}, sparsity({name: masks[name]}))[name]
              for name, score in scores.items()}
    assert f"Wanda {100 * evaluate(masked(model, within), split):.1f};" in live.text
    fitted = evaluate(solved["refit"][0.9], split)
    assert f"at 90%: refit {100 * fitted:.1f} %" in live.text
