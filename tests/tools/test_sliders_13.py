"""The slider of lesson 13."""

import html

from course_lib import language
from course_lib.masks import magnitude_masks, masked

from course_tools.sliders import sentence_slider
from course_tools.sliders.sentence import said


def test_the_sentence_slider_cuts_and_writes():
    model, text = language.load_char_gpt(), language.load_plays().validation[:3_000]
    live = sentence_slider(model, text, "ROMEO.\n", {0.6: model, 0.9: masked(
        model, magnitude_masks(model, 0.9))})
    assert {*live.sliders} == {"sparsity", "seed"}
    live.sliders["seed"].value = 4
    live.sliders["sparsity"].value = 0.5
    cut = masked(model, magnitude_masks(model, 0.5, scope="layer"))
    words = said(cut, "ROMEO.\n", 4)
    assert f"50%, magnitude, loss {language.loss(cut, text):.2f}: “{words}”" in (
        live.text)
    assert f"at 60%, loss {language.loss(model, text):.2f}" in live.text
    assert html.escape(live.text) in live.picture.value
    live.sliders["sparsity"].value = 0.85
    assert "refitted at 90%" in live.text
