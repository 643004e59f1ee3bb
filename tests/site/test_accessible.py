"""axe-core finds nothing against WCAG 2.2 A and AA on any page, light or dark, wide or narrow."""

import pytest
from built import AXE, every_lesson, every_page

from course_tools.exercises import of_lesson

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
SETTINGS = {"runOnly": TAGS, "preload": False, "resultTypes": ["violations"]}
PRESSED = ("button", "link", "slider", "radio", "textbox", "searchbox", "DisclosureTriangle")
NARROW = SETTINGS | {"rules": {"color-contrast": {"enabled": False}}}  # the same at every width


def opened_folds(page):
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.wait_for_timeout(600)  # the theme looks a moment later which code scrolls


def violations(page, settings):
    found = page.evaluate("settings => axe.run(settings)", settings)
    assert len(found["passes"]) > 10
    return [(one["id"], node["html"]) for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@every_page
def test_axe_finds_no_violation(name, scheme, opened):
    page = opened(name, color_scheme=scheme)
    assert page.locator("html").get_attribute("data-theme") == scheme
    page.evaluate(AXE.read_text("utf-8"))
    opened_folds(page)
    assert violations(page, SETTINGS) == []
    if scheme == "light":
        page.set_viewport_size({"width": 360, "height": 900})
        page.wait_for_timeout(600)
        assert violations(page, NARROW) == []


@every_lesson
def test_what_can_be_pressed_has_a_name_and_tasks_say_which_they_are(name, opened):
    page = opened(name)
    cdp = page.context.new_cdp_session(page)
    tree = cdp.send("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value")) for node in tree
             if not node["ignored"]]
    assert all(words for role, words in named if role in PRESSED)
    groups = {words for role, words in named if role == "group"}
    for exercise in of_lesson(name[:2]):
        assert any(words and f" {exercise.number} · " in words for words in groups)
    folds = page.locator("summary", has_text="Code of figure").all_inner_texts()
    assert len(set(folds)) == len(folds)
