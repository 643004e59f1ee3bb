"""What is built for a class that holds solutions back, and the course as one PDF."""

import os
import re
import subprocess

import pytest
from built import SITE

from course_tools.exercises import all_exercises
from course_tools.exercises.kinds import Quiz, written
from course_tools.lessons.notebooks import HOME


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """Write the sources of a site with solutions held back; return all their text."""
    folder = tmp_path_factory.mktemp("held")
    python, build = HOME / "build/site-venv/bin/python", HOME / "site/build.py"
    subprocess.run([python, build, "--sources", folder], check=True,
                   env=os.environ | {"COURSE_SOLUTIONS": "hold"})
    return "\n".join(path.read_text("utf-8") for path in folder.glob("*.ipynb"))


@pytest.mark.parametrize("exercise", all_exercises().values(), ids=lambda one: one.number)
def test_held_back_solutions_are_not_in_the_pages(exercise, held):
    assert exercise.why not in held
    assert exercise.hints[-1] not in held
    if not isinstance(exercise, Quiz):
        assert "\\n".join(written(exercise))[:200] not in held


def test_the_pdf_has_the_whole_course_with_outline_and_tags():
    content = (SITE / "course.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in content
    assert b"/Outlines" in content
    pages = max(map(int, re.findall(rb"/Type /Pages\s*/Count (\d+)", content)))
    assert 80 < pages < 400


def test_the_pdf_says_each_title_once():
    """Chromium says a heading twice whose letters reach over the edge of a page."""
    content = (SITE / "course.pdf").read_bytes()
    titles = [title.decode("latin-1") for title in re.findall(rb"/Title \((.*?)(?<!\\)\)", content)]
    titles += [bytes.fromhex(title.decode()).decode("utf-16") for title in re.findall(
        rb"/Title <([0-9A-F]+)>", content)]
    assert len(titles) > 100
    assert [title for title in titles if title == 2 * title[:len(title) // 2]] == []
