"""The live figures in a page: by keyboard, mouse and finger, read aloud, and where things fail."""

import base64
import re
import shutil

import pytest
from browsing import served
from live_page import LIVE, NAMES, arrived, figure, line, move, right

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SLIDERS = {"threshold": 20, "sparsity": 60, "neurons": 120, "rounds": 3, "bound": 30, "draw": 40,
           "surgery": 80}


def url(folder, page):
    return (folder / f"{page}.html").as_uri()


@pytest.mark.parametrize("name", NAMES)
def test_by_keyboard(name, folder, fresh):
    page, amiss, _ = fresh(url(folder, f"light-{name}"))
    live = figure(page, name)
    if name == "draw":
        live.get_by_role("button", name="A digit from MNIST").press("Enter")
        page.wait_for_function("live => live.dataset.digits", arg=live.element_handle())
    slider = live.get_by_role("slider")
    begin, before = int(slider.input_value()), line(live)
    slider.focus()
    for step in range(1, 4):
        page.keyboard.press("ArrowRight")
        arrived(page, live, begin + step)
    assert line(live) != before
    page.keyboard.press("End")
    arrived(page, live, int(slider.get_attribute("max")))
    page.keyboard.press("Home")
    arrived(page, live, int(slider.get_attribute("min")))
    assert slider.get_attribute("aria-valuetext")
    assert amiss == []


@pytest.mark.parametrize("name", NAMES)
def test_by_mouse_and_read_aloud(name, folder, fresh):
    page, amiss, _ = fresh(url(folder, f"light-{name}"))
    live = figure(page, name)
    if name == "draw":
        draw(page, live, [[(0.3, 0.25), (0.72, 0.25), (0.6, 0.5), (0.45, 0.85)]])
    slider = live.get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    begin = int(slider.input_value()) / int(slider.get_attribute("max"))
    page.mouse.move(box["x"] + 8 + begin * (box["width"] - 16), middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], middle, steps=5)
    page.mouse.up()
    arrived(page, live, int(slider.input_value()))
    assert 0.6 < int(slider.input_value()) / int(slider.get_attribute("max")) < 0.8
    page.wait_for_function(  # announced once the hand rests
        "live => live.querySelector('[role=status]').textContent.length > 20",
        arg=live.element_handle())
    page.wait_for_timeout(1500)
    assert live.get_by_role("status").text_content() == line(live)
    assert amiss == []


def test_by_finger(folder, fresh):
    page, amiss, _ = fresh(url(folder, "light-sparsity"), has_touch=True,
                           viewport={"width": 360, "height": 740})
    live = figure(page, "sparsity")
    box = live.get_by_role("slider").bounding_box()
    page.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    arrived(page, live, int(live.get_by_role("slider").input_value()))
    assert 40 < int(live.get_by_role("slider").input_value()) < 60
    live.get_by_label("per layer").tap()
    page.wait_for_function("live => live.dataset.by === 'layer'", arg=live.element_handle())
    assert amiss == []


def test_rounds_step_by_buttons(folder, fresh):
    page, _, _ = fresh(url(folder, "light-rounds"))
    live = figure(page, "rounds")
    assert live.get_by_role("button", name="Back").is_disabled()
    for at, (pressed, then) in enumerate([("Cut", "Retrain"), ("Retrain", "Cut")], start=1):
        live.get_by_role("button", name=pressed).press("Enter")
        arrived(page, live, at)
        assert live.get_by_role("button", name=then).count() == 1
    assert "round 1, retrained: 3.6 times fewer weights" in line(live)
    assert " % → " in line(live)


def test_time_is_measured_and_a_small_network_is_quicker(folder, fresh):
    page, _, _ = fresh(url(folder, "light-neurons"))
    live = figure(page, "neurons")
    move(page, live, 290)
    page.wait_for_function("live => / ms for/.test(live.textContent)", arg=live.element_handle())
    whole, removed = (float(live.get_attribute(f"data-{key}")) for key in ("whole", "removed"))
    assert 0 < removed < whole
    assert f"{removed:.2f} ms for 256 images." in line(live)


# Drawing

def draw(page, live, strokes):
    """Draw by mouse; points are shares of the drawing area."""
    pad = live.locator(".live-canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for stroke in strokes:
        for place, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
            if place == 0:
                page.mouse.down()
        page.mouse.up()
    page.wait_for_function("live => live.dataset.digits", arg=live.element_handle())
    page.wait_for_timeout(500)


DIGITS = {
    "1": [[(0.5, 0.2), (0.48, 0.8)]],
    "7": [[(0.3, 0.25), (0.72, 0.25), (0.6, 0.5), (0.45, 0.85)]],
    "3": [[(0.3, 0.2), (0.5, 0.14), (0.66, 0.24), (0.62, 0.4), (0.46, 0.48), (0.64, 0.54),
           (0.7, 0.7), (0.56, 0.84), (0.3, 0.8)]],
    "4": [[(0.35, 0.15), (0.3, 0.5), (0.7, 0.5)], [(0.68, 0.15), (0.66, 0.85)]],
}


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("corner", [0.0, 0.45])
def test_a_drawing_is_centred_as_mnist_and_read(digit, corner, folder, fresh):
    page, amiss, _ = fresh(url(folder, "light-draw"))
    live = figure(page, "draw")
    draw(page, live, [[(corner + 0.55 * x, corner + 0.55 * y) for x, y in stroke]
                      for stroke in DIGITS[digit]])
    pixels = [int(value) for value in live.get_attribute("data-pixels").split(",")]
    inked = [(at % 28, at // 28) for at, value in enumerate(pixels) if value > 25]
    for side in zip(*inked, strict=True):
        assert max(side) - min(side) + 1 <= 21  # 20, or one more where it begins between two
    assert max(max(side) - min(side) for side in zip(*inked, strict=True)) + 1 >= 19
    for k in (0, 1):
        middle = sum(value * ((at % 28, at // 28)[k] + 0.5) for at, value in enumerate(pixels))
        assert abs(middle / sum(pixels) - 14) < 0.1
    assert live.get_attribute("data-digits")[0] == digit
    assert f"it reads {digit}" in line(live)
    live.get_by_role("button", name="Clear").click()
    page.wait_for_function("live => live.textContent.includes('Draw a digit, or take one')",
                           arg=live.element_handle())
    assert amiss == []


def test_a_drawing_by_keyboard(folder, fresh):
    page, _, _ = fresh(url(folder, "light-draw"))
    live = figure(page, "draw")
    live.locator(".live-canvas").focus()
    for key in [" ", *["ArrowDown"] * 15, " "]:
        page.keyboard.press(key)
    page.wait_for_function("live => live.dataset.digits", arg=live.element_handle())
    assert live.get_attribute("data-digits")[0] == "1"


# What the page promises

def test_every_figure_lives_on_one_page_from_a_folder(folder, fresh):
    page, amiss, asked = fresh(url(folder, "light"))
    for name in NAMES:
        figure(page, name)
    assert amiss == []
    assert all(each.startswith((folder.as_uri(), "blob:")) for each in asked)
    assert sum("network.js" in each for each in asked) == 1


def test_data_come_only_when_the_reader_does(folder, fresh):
    page, _, asked = fresh(url(folder, "light-sparsity"), script="""
        addEventListener('DOMContentLoaded', () => document.body.style.paddingTop = '3000px')""")
    page.wait_for_timeout(800)
    assert not any("/data/" in each for each in asked)
    figure(page, "sparsity")
    assert any("/data/network.js" in each for each in asked)


def test_from_a_server_and_then_without_network(folder, fresh):
    with served(folder) as base:
        page, amiss, asked = fresh(f"{base}light.html")
        for name in NAMES:
            figure(page, name)
        page.context.set_offline(True)
        so_far = len(asked)
        for name, at in SLIDERS.items():
            if name != "draw":
                move(page, figure(page, name), at)
        draw(page, figure(page, "draw"), DIGITS["7"])
        assert len(asked) == so_far
        assert all(each.startswith((base, "blob:")) for each in asked)
        assert amiss == []


def test_without_scripts_the_fallback_stays(folder, fresh):
    page, _, asked = fresh(url(folder, "light"), java_script_enabled=False)
    for name in NAMES:
        assert page.get_by_text(f"What {name} looks like at rest.").is_visible()
    assert not any("/data/" in each for each in asked)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 360])
def test_axe_finds_nothing(theme, width, folder, fresh):
    page, _, _ = fresh(url(folder, theme), viewport={"width": width, "height": 900})
    for name in NAMES:
        figure(page, name)
    draw(page, figure(page, "draw"), DIGITS["7"])
    page.evaluate((LIVE / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", [*WCAG, "best-practice"])
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_no_text_is_below_12_pixels(folder, fresh):
    page, _, _ = fresh(url(folder, "light"), viewport={"width": 360, "height": 900})
    for name in NAMES:
        figure(page, name)
    sizes = page.evaluate("""() => [...document.querySelectorAll('.live-figure *')]
        .filter(each => each.childNodes.length && [...each.childNodes].some(
            child => child.nodeType === 3 && child.textContent.trim()))
        .map(each => parseFloat(getComputedStyle(each).fontSize))""")
    assert min(sizes) >= 12


# Where things fail

def sorry(page):
    page.wait_for_selector(".live-sorry")
    return page.locator(".live-sorry").first.inner_text()


def harmed(folder, tmp_path, harm, name="network"):
    copy = shutil.copytree(folder, tmp_path / "harmed", dirs_exist_ok=True)
    file = copy / "_static" / "live" / "data" / f"{name}.js"
    harm(file)
    return copy


def flip(file):
    """Turn one byte of the packed content into another one."""
    blob = re.search(r'"([A-Za-z0-9+/=]{1000,})"', file.read_text())[1]
    content = bytearray(base64.b64decode(blob))
    content[len(content) // 2] ^= 255
    file.write_text(file.read_text().replace(blob, base64.b64encode(content).decode()))


@pytest.mark.parametrize("harm", [
    flip,
    lambda file: file.write_text(file.read_text()[:5_000]),
    lambda file: file.write_text('courseLive("network", "not base64!");'),
    lambda file: file.write_text('courseLive("network", {"a": 1});'),
    lambda file: file.write_text(""),
    lambda file: file.unlink(),
], ids=["flipped", "cut off", "no base64", "no text", "empty", "missing"])
@pytest.mark.parametrize("online", [False, True], ids=["folder", "server"])
def test_a_broken_weights_file_is_a_sentence(harm, online, folder, fresh, tmp_path):
    copy = harmed(folder, tmp_path, harm)
    with served(copy) as base:
        page, amiss, _ = fresh(f"{base}light-sparsity.html" if online
                               else url(copy, "light-sparsity"))
        assert sorry(page).startswith("The live figure stops here: ")
        assert page.get_by_text("What sparsity looks like at rest.").is_visible()
        assert [each for each in amiss if "Failed to load resource" not in each] == []


def test_without_webassembly_it_runs_in_plain_javascript(folder, fresh):
    page, amiss, _ = fresh(url(folder, "light-sparsity"), script="delete window.WebAssembly")
    live = figure(page, "sparsity")
    usual, _, _ = fresh(url(folder, "light-sparsity"))
    wanted = figure(usual, "sparsity")
    for at in (0, 80, 95):
        move(page, live, at)
        move(usual, wanted, at)
        assert abs(right(live) - right(wanted)) <= 1
        assert live.get_attribute("data-kept") == wanted.get_attribute("data-kept")
    assert "lacks WebAssembly" in live.inner_text()
    assert "lacks WebAssembly" not in wanted.inner_text()
    assert amiss == []


@pytest.mark.parametrize("lacking", ["DecompressionStream", "Worker", "IntersectionObserver",
                                     "ResizeObserver"])
def test_an_old_browser_is_told_in_a_sentence(lacking, folder, fresh):
    page, amiss, asked = fresh(url(folder, "light-sparsity"), script=f"delete window.{lacking}")
    assert f"no {lacking}" in sorry(page)
    assert page.get_by_text("What sparsity looks like at rest.").is_visible()
    assert not any("/data/" in each for each in asked)
    assert amiss == []


def test_where_workers_are_forbidden_it_says_so(folder, fresh, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "strict")
    page = copy / "light-sparsity.html"
    page.write_text(page.read_text().replace("worker-src blob:", "worker-src 'none'"))
    page, _, _ = fresh(page.as_uri())
    assert sorry(page).startswith("The live figure stops here: ")
    assert page.get_by_text("What sparsity looks like at rest.").is_visible()
