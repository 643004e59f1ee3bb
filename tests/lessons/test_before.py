"""Learners lose nothing: copies and progress of the version with one package, of November 2026.

In before/ is what that version wrote: lesson 00 as `course lab` laid it, with its ledger, and a
progress file; and every import that the lessons of then held.
"""

import ast
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from course_tools.checks import progress
from course_tools.lessons.copies import lay_copies
from course_tools.lessons.execution import execute
from course_tools.lessons.imports import MOVED, renewed
from course_tools.lessons.notebooks import find_lessons

BEFORE = Path(__file__).parent / "before"
ANSWER = "def my_share_of_zeros(numbers):\n    return (numbers == 0).double().mean()  # mine"


@pytest.fixture
def work(tmp_path):
    """Return a folder as `course lab` of then left it."""
    shutil.copy(BEFORE / "00_start_here.json", tmp_path / "00_start_here.ipynb")
    shutil.copy(BEFORE / "laid.json", tmp_path / ".laid.json")
    return tmp_path


@pytest.fixture
def copy(work):
    """Return a copy of lesson 00 in which a learner has answered."""
    path = work / "00_start_here.ipynb"
    notebook = nbformat.read(path, as_version=4)
    stub, = (cell for cell in notebook.cells if "return ..." in cell.source)
    stub.source = stub.source.replace("def my_share_of_zeros(numbers):\n    return ...", ANSWER)
    nbformat.write(notebook, path)
    return path


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_changed_copy_keeps_every_answer_and_runs_again(copy):
    before = copy.read_bytes()
    said = "\n".join(lay_copies(copy.parent))
    assert "00_start_here.ipynb: you have changed your copy, so it stays" in said
    assert "00_start_here.ipynb: its imports name the course's modules of today; what you" in said
    run = execute(copy)
    assert run.failure == ""
    assert any(ANSWER in cell.source for cell in run.notebook.cells)
    assert "✓ right" in json.dumps(run.notebook, ensure_ascii=False)
    backup, = copy.parent.glob("00_start_here with old imports 2*.ipynb")
    assert backup.read_bytes() == before


def test_it_is_done_once(copy):
    lay_copies(copy.parent)
    files = {path.name: path.read_bytes() for path in copy.parent.glob("*.ipynb")}
    lay_copies(copy.parent)
    assert {path.name: path.read_bytes() for path in copy.parent.glob("*.ipynb")} == files


def test_nothing_but_names_of_modules_changes(copy):
    old = sources(copy)
    lay_copies(copy.parent)
    for was, now in zip(old, sources(copy), strict=True):
        same = [line for line in was.splitlines() if "course_lib" not in line]
        assert [line for line in now.splitlines()
                if "course_lib" not in line and "course_tools" not in line] == same


def test_a_renamed_copy_is_renewed_too_and_a_file_that_is_no_notebook_is_not(copy):
    mine = copy.rename(copy.with_name("my lesson.ipynb"))
    (copy.parent / "notes.ipynb").write_text("from course_lib.checks import check")
    lay_copies(copy.parent)
    assert "from course_lib.checks" not in "".join(sources(mine))
    assert (copy.parent / "notes.ipynb").read_text() == "from course_lib.checks import check"


def test_an_unchanged_copy_becomes_the_lesson_of_today(work):
    """Nothing of a learner's is in it, so it needs no copy beside it."""
    assert "00_start_here.ipynb: updated" in lay_copies(work)
    assert sources(work / "00_start_here.ipynb") == sources(find_lessons("00")[0])
    assert list(work.glob("* with old imports *")) == []


@pytest.mark.parametrize("line", (BEFORE / "imports.txt").read_text("utf-8").splitlines())
def test_every_import_of_then_finds_its_names_today(line):
    was, = ast.parse(line).body
    known = {}
    exec(renewed(line), known)
    wanted = {alias.name for alias in was.names if MOVED.get(f"{was.module}.{alias.name}") != ""}
    assert wanted <= set(known)


def test_what_is_gone_is_said_where_it_was_imported(monkeypatch):
    monkeypatch.setitem(MOVED, "course_lib.masks.keep_top", "")
    assert renewed("    from course_lib.masks import keep_top, sparsity") == (
        "    # keep_top: gone since, see the lesson of today\n"
        "    from course_lib.masks import sparsity")


@pytest.mark.parametrize(("old", "new"), [
    ("from course_lib import checks", "from course_tools import checks"),
    ("from course_lib import masks", "from course_lib import masks"),
    ("import course_lib.plots as p; p.bars", "import course_tools.plots as p; p.bars"),
    ("course_lib.measure.measure(model)", "course_lib.measure.measure(model)"),
    ("!python -m course_lib.experiments han", "!python -m course_tools.experiments han"),
    ("if True:\n    from course_lib.measure import claim as say, measure  # both",
     "if True:\n    from course_tools.checks import claim as say\n"
     "    from course_lib.measure import measure  # both"),
    ("from course_lib.removal import (build_chain,\n    remove_units,\n)",
     "from course_lib.chains import build_chain\nfrom course_lib.removal import remove_units"),
    ("from course_lib.sizes import load_arrays",
     "from safetensors.numpy import load as load_arrays"),
    ("def f(:\n    from course_lib.checks import check",
     "def f(:\n    from course_tools.checks import check"),
])
def test_how_names_are_renewed(old, new):
    assert renewed(old) == new


def test_the_lessons_of_today_hold_no_old_name():
    for path in find_lessons():
        assert all(renewed(source) == source for source in sources(path)), path


# Progress

def test_a_progress_file_of_then_is_read(tmp_path, monkeypatch):
    file = shutil.copy(BEFORE / "progress.json", tmp_path)
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    assert progress.read() == {"0.1": "right", "2.3": "tried"}
    progress.record("2.3", "right")
    assert progress.read() == {"0.1": "right", "2.3": "right"}


def test_progress_follows_an_exercise_that_changes_its_number(tmp_path, monkeypatch):
    """First 2.3 and 2.4 change places and 2.6 goes; later 2.4 becomes 2.5."""
    monkeypatch.setattr(progress, "RENUMBERED", ())
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    monkeypatch.setattr(progress, "RENUMBERED", ())
    progress.record("2.3", "right")
    progress.record("2.1", "tried")
    progress.record("2.6", "right")
    monkeypatch.setattr(progress, "RENUMBERED", (
        {"2.3": "2.4", "2.4": "2.3", "2.6": ""}, {"2.4": "2.5"}))
    assert progress.read() == {"2.5": "right", "2.1": "tried"}
    progress.record("2.4", "tried")
    assert progress.read() == {"2.5": "right", "2.1": "tried", "2.4": "tried"}
    assert json.loads(file.read_text())["schema"] == 3
