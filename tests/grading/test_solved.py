"""Solved lessons get all points, lessons as they are get none. `make test-grading` runs this."""

import os
import shutil

import pytest

from course_tools.checks.solutions import write_solutions
from course_tools.exercises import of_lesson
from course_tools.grading.grade import verdicts_of
from course_tools.grading.isolation import Limits
from course_tools.lessons.notebooks import find_lessons

pytestmark = [pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here"),
              pytest.mark.skipif("GRADING" not in os.environ, reason="make test-grading")]
LESSONS = ("00", "01", "02", "03", "04", "09")  # of 05 and 10 the networks take minutes


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    return {path.stem[:2]: path for path in write_solutions(tmp_path_factory.mktemp("solved"))}


def states(path):
    return {verdict.number: verdict.state for verdict in verdicts_of(path, Limits())}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_solved_lesson_gets_all_points(solved, lesson):
    assert states(solved[lesson]) == {one.number: "right" for one in of_lesson(lesson)}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_as_it_is_gets_none(lesson):
    path, = find_lessons(lesson)
    assert states(path) == {one.number: "not attempted yet" for one in of_lesson(lesson)}
