"""On a page stands what holds there, and the lesson keeps its own words."""

import sys

import pytest
from built import HOME, SITE, every_lesson

sys.path.insert(0, str(HOME / "site"))

import wording
from bs4 import BeautifulSoup


@pytest.fixture
def said(monkeypatch, tmp_path):
    """Give the function with one sentence to change in lesson 05, live figures built."""
    (tmp_path / "live.js").touch()
    monkeypatch.setattr(wording, "LIVE", tmp_path)
    monkeypatch.setattr(wording, "PAGE", {"05": {"Run it now.": "It was run."}})
    monkeypatch.setattr(wording, "BESIDE_LIVE", {"05": {"Drag it.": "Step on."}})
    return wording.worded


def test_a_sentence_is_found_across_lines_and_the_rest_stays(said):
    found = said(["Well. Run\nit now. Yes.", "Drag it."], "05")
    assert found == ["Well. It was run. Yes.", "Step on."]
    assert said(["Run it now. Drag it."], "06") == ["Run it now. Drag it."]


@pytest.mark.parametrize("prose", [["Drag it."], ["Run it now. Run it now. Drag it."]])
def test_a_sentence_that_is_not_there_once_is_refused(prose, said):
    with pytest.raises(ValueError, match=r"lesson 05 says [02] times: 'Run it now.'"):
        said(prose, "05")


def test_where_nothing_lives_the_lesson_keeps_its_words(said, monkeypatch, tmp_path):
    (tmp_path / "live.js").unlink()
    assert said(["Run it now. Drag it."], "05") == ["It was run. Drag it."]


@every_lesson
def test_the_pages_say_it(name):
    text = " ".join(BeautifulSoup((SITE / name).read_text("utf-8"), "html.parser").article
                    .get_text().split())
    for old in [*wording.PAGE.get(name[:2], {}), *wording.BESIDE_LIVE.get(name[:2], {})]:
        assert old.replace("*", "").replace("`", "") not in text


@every_lesson
def test_a_slider_that_stands_still_says_so(name):
    for figure in BeautifulSoup((SITE / name).read_text("utf-8"), "html.parser").find_all("figure"):
        if "a slider" in figure.figcaption.get_text():
            lives = figure.select_one("div.live") is not None
            assert lives != ("it moves in JupyterLab" in figure.figcaption.get_text())
