"""A learner's session in a real browser: lesson 02 from top to bottom, a slider by keyboard.

Skipped, and says so, where no Chromium is installed. Screenshots go to build/browser.
"""

import re
import signal
import subprocess
import sys
import time

import pytest
from browsing import CHROMIUM, chromium

from course_tools.lessons.notebooks import HOME

SHOTS = HOME / "build" / "browser"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here")


@pytest.fixture
def url(tmp_path):
    """Start `course lab` on copies in a folder of its own; return the URL it prints."""
    log = tmp_path / "log.txt"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "course_tools", "lab", "--no-browser", "--work",
             str(tmp_path / "work")],
            stdout=stream, stderr=stream, cwd=tmp_path)
    try:
        for _ in range(300):
            found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+", log.read_text())
            if found or server.poll() is not None:
                break
            time.sleep(0.2)
        assert found, log.read_text()
        yield found[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


@pytest.fixture
def page():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        page.on("console", lambda message: print(message.type, message.text))
        yield page


def shoot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png")


def wait_until_all_ran(page, lesson):
    """Wait for a number in front of every code cell of the lesson that is not folded."""
    try:
        page.wait_for_function("""() => {
            const prompts = [...document.querySelectorAll(
                '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputArea-prompt')]
            return prompts.length > 0 && prompts.every(p => /\\[\\d+\\]/.test(p.textContent))
        }""", timeout=240_000)
    except Exception:
        shoot(page, "0_not_all_ran")
        print(lesson.locator(".jp-InputPrompt").all_text_contents())
        raise
    assert lesson.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).count() > 30


def test_lesson_02_in_jupyterlab(url, page, tmp_path):
    page.goto(url)
    page.locator("strong", has_text="does everything work?").wait_for()  # it opens at lesson 00
    page.wait_for_timeout(3000)  # for what might pop up
    shoot(page, "1_opened")
    assert page.get_by_text("Would you like").count() == 0

    page.goto(url.replace("00_start_here", "02_weights_and_masks"))
    page.locator("strong", has_text="what happens when one weight becomes zero?").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    lesson = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    wait_until_all_ran(page, lesson)
    said = lesson.locator(".jp-OutputArea-output").all_text_contents()
    assert any("holds: the file has not shrunk by a single byte" in text for text in said)
    assert not any("DOES NOT HOLD HERE" in text for text in said)
    assert lesson.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert lesson.locator(".jp-OutputArea img[alt]:not([alt=''])").count() >= 6

    slider = lesson.get_by_role("slider").first
    line = lesson.locator(".widget-html-content", has_text="of all weights are zero").first
    image = lesson.locator(".widget-html-content img").first
    slider.focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "End"):  # where nearly nothing is left
        seen.append((line.text_content(), image.get_attribute("src")))
        page.keyboard.press(key)
        page.wait_for_function(  # the line comes first, then the picture that says the same
            """([line, before]) => line.textContent !== before && [...document.images].some(
                image => image.alt.includes(line.textContent))""",
            arg=[line.element_handle(), seen[-1][0]])
    seen.append((line.text_content(), image.get_attribute("src")))
    slider.evaluate("slider => slider.scrollIntoView({block: 'center'})")
    shoot(page, "2_slider")
    accuracies = [re.search(r"accuracy ([\d.]+) %", text)[1] for text, _ in seen]
    assert len(set(accuracies)) > 1, seen
    assert len({source for _, source in seen}) == 5
    assert line.text_content() in image.get_attribute("alt")
    assert list((tmp_path / "work" / ".jupyterlab" / "workspaces").iterdir())  # not the user's own
