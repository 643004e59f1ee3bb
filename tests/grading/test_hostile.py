"""Ten hostile notebooks in a class with an honest one: no grade changes, and nothing outside.

Each answers an exercise rightly if its attack succeeds, so that one that does shows in the grades;
without isolation, or with more memory, those that can be tried do. `make test-grading` runs this.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from classes import CHECK, IMPORT, attacks, honest, hostile, notebook, sources

from course_lib._files import HOME

from course_tools.grading.grade import grade_folder, verdicts_of
from course_tools.grading.isolation import Limits

pytestmark = [pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here"),
              pytest.mark.skipif("GRADING" not in os.environ, reason="make test-grading")]
NAMES = list(attacks("", "", 0))
LIMITS = Limits(seconds=100)
OPEN = ("reads another's", "writes outside", "forks", "opens a socket", "edits the checker",
        "fills the disk")  # they do no harm, and succeed where nothing isolates


def fingerprints(*folders):
    return {path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for folder in folders for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Return a folder, its attacks, and a port at which this process listens."""
    folder = tmp_path_factory.mktemp("class")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield folder, attacks(folder / "anna.ipynb", folder / "outside.txt",
                              server.getsockname()[1])


@pytest.fixture(scope="module")
def graded(room):
    """Return {learner: Grade} of the whole class, and what lay there before and after."""
    folder, all_attacks = room
    honest(folder / "anna.ipynb")
    for name, attack in all_attacks.items():
        hostile(folder / f"{name}.ipynb", attack)
    (folder / "link.ipynb").symlink_to(folder / "anna.ipynb")
    watched = (folder, HOME / "course_tools", HOME / "course_lib")
    before, began = fingerprints(*watched), time.monotonic()
    grades = {grade.learner: grade for grade in grade_folder(folder, LIMITS, jobs=2)}
    return grades, before, fingerprints(*watched), time.monotonic() - began


def states(grade):
    return {number: verdict.state for number, verdict in grade.verdicts.items()}


def test_the_honest_learner_gets_all_points(graded):
    assert states(graded[0]["anna"]) == {"0.2": "right", "0.6": "right"}


@pytest.mark.parametrize("name", NAMES)
def test_no_attack_succeeds(graded, name):
    assert states(graded[0][name])["0.2"] in ("raised", "not yet")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "kills its parent"])
def test_and_what_else_is_in_the_notebook_is_graded(graded, name):
    assert states(graded[0][name])["0.6"] == "right"


def test_nothing_outside_has_changed(graded):
    _, before, after, _ = graded
    assert before == after


def test_a_link_to_anothers_notebook_is_not_graded(graded):
    link = graded[0]["link"]
    assert link.verdicts == {}
    assert link.problems == ("link.ipynb: it is a link, or no file",)


def test_what_ended_itself_or_had_no_end_says_so(graded):
    assert "no end within 10 seconds" in graded[0]["sleeps for ever"].verdicts["0.2"].text
    assert "its process ended before it" in graded[0]["kills its parent"].verdicts["0.2"].text


@pytest.mark.parametrize("name", OPEN)
def test_the_attack_is_one_where_nothing_isolates(room, tmp_path, name):
    folder, all_attacks = room
    honest(folder / "anna.ipynb")
    attack = all_attacks[name].replace("/usr/written", "/nowhere/at/all")
    attack = attack.replace('.parent / "written.py"', "")  # opened, and nothing is written
    path = hostile(tmp_path / "eve.ipynb", attack)
    verdict = verdicts_of(path, Limits(seconds=100, isolated=False))[0]
    assert (verdict.number, verdict.state) == ("0.2", "right")


def test_ten_gigabytes_are_there_for_one_who_may_take_them(room, tmp_path):
    path = hostile(tmp_path / "eve.ipynb", room[1]["takes 10 GB"])
    assert verdicts_of(path, Limits(seconds=100, memory=40_000_000_000))[0].state == "right"


def test_an_edited_checker_lies_in_the_learners_own_kernel(room, tmp_path):
    """So the verdict must come from elsewhere."""
    path = hostile(tmp_path / "eve.ipynb", room[1]["edits the checker"])
    answer, asks = sources(path)[:2]
    wrong = answer.replace("succeeded = bool(attack())", "succeeded = attack() and False")
    done = subprocess.run([sys.executable, "-c", f"{wrong}\n{asks.replace(CHECK, '')}"
                           f"print({CHECK})"], capture_output=True, text=True, check=True)
    assert "✓ right" in done.stdout


def test_a_time_limit_ends_the_notebook_and_what_came_before_counts(tmp_path):
    path = honest(tmp_path / "a.ipynb")
    first, asks = sources(path)[:2]
    stuck = "import re\n\nre.match('(a+)+$', 'a' * 60 + 'b')"  # in C, where nothing stops it
    notebook(path, first, asks, "# Next", stuck, IMPORT + 'check("0.6", my_report)')
    began = time.monotonic()
    found = {one.number: one.state for one in verdicts_of(path, Limits(seconds=30))}
    assert found == {"0.2": "right", "0.6": "raised"}
    assert time.monotonic() - began < 80
