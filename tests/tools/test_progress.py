"""Progress: one file, whole or not at all, tolerant, and never touched by a check of the course."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import platformdirs
import pytest

from course_lib._files import HOME

from course_tools import __main__
from course_tools.checks import check, progress_panel
from course_tools.checks.progress import progress_file, read, record
from course_tools.exercises import all_exercises


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "data" / "mine.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.delenv("CI", raising=False)
    return path


def test_a_check_is_kept_and_right_stays_right(file):
    check("0.1", ...)
    assert not file.exists()
    check("0.1", "a")
    assert json.loads(file.read_text("utf-8")) == {"schema": 1, "exercises": {"0.1": "tried"}}
    check("0.1", "b")
    check("0.1", "a")
    check("2.2", "a")
    assert read() == {"0.1": "right", "2.2": "tried"}
    assert [path.name for path in file.parent.iterdir() if path.suffix != ".lock"] == ["mine.json"]


def test_where_it_is_kept(monkeypatch):
    for name in ("COURSE_PROGRESS", "CI"):
        monkeypatch.delenv(name, raising=False)
    usual = Path(platformdirs.user_data_dir("pruning-course", False))
    assert progress_file() == usual / "progress.json"
    monkeypatch.setenv("CI", "true")
    assert progress_file() is None
    monkeypatch.setenv("COURSE_PROGRESS", "/somewhere/p.json")
    assert progress_file() == Path("/somewhere/p.json")
    monkeypatch.setenv("COURSE_PROGRESS", "Off")
    assert progress_file() is None


def test_it_is_off_in_these_tests_and_in_the_kernels_of_run_and_refresh(tmp_path, monkeypatch):
    from notebooks_made_here import code, write

    from course_tools.lessons.execution import execute

    assert os.environ["COURSE_PROGRESS"] == "off"
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "touched.json"))
    path = write(tmp_path / "0.ipynb", code("from course_tools.checks.answers import check"),
                 code("check('0.1', 'b')"))
    assert "right" in execute(path).notebook.cells[1].outputs[0].data["text/plain"]
    assert not (tmp_path / "touched.json").exists()


@pytest.mark.parametrize("content", [
    "", "{", "[]", '"a"', "null", '{"exercises": []}', '{"exercises": {"0.1": "done"}}', "\udcff",
    '{"exercises": {"0.1": ["right"]}}'])
def test_a_file_that_cannot_be_read_is_moved_aside_and_said(file, content, capsys):
    file.parent.mkdir()
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    record("0.1", "right")
    assert read() == {"0.1": "right"}
    aside, = file.parent.glob("mine 2*.json")
    assert aside.read_bytes() == content.encode("utf-8", "surrogateescape")
    assert re.fullmatch(r"mine \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.json", aside.name)
    assert capsys.readouterr().out == (
        f"Your progress could not be read, so it begins anew. The old file is now {aside}\n")


def test_an_answer_is_judged_where_nothing_can_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "a file" / "p.json"))
    assert check("0.1", "b").state == "right"
    assert capsys.readouterr().out.startswith("Your progress could not be kept (")


def test_a_write_that_fails_leaves_the_old_file(file, monkeypatch):
    record("0.1", "right")
    before = file.read_bytes()

    def full(*paths):
        raise OSError(28, "full")

    monkeypatch.setattr(Path, "replace", full)
    record("0.2", "right")
    assert file.read_bytes() == before


def test_two_at_a_time_lose_nothing(file):
    code = ("import sys; from course_tools.checks.progress import record\n"
            "for number in range(30): record(f'{sys.argv[1]}.{number}', 'right')")
    both = [subprocess.Popen([sys.executable, "-c", code, name], cwd=HOME)
            for name in ("7", "8")]
    assert [one.wait() for one in both] == [0, 0]
    assert len(read()) == 60


# Shown

def test_the_panel_of_a_beginner(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    text = repr(progress_panel())
    assert re.search(r"^00 start here +0 of 6 +0 of 9 +○( ○){5}$", text, re.MULTILINE)
    assert re.search(rf"^in all +0 of {len(all_exercises())} +0 of \d+$", text, re.MULTILINE)
    assert text.endswith("Next: 0.1, Misread digits (difficulty 1 of 3, 1 minute).")


def test_the_panel_counts_points_by_difficulty_and_names_what_is_next(file):
    for number, state in (("0.1", "right"), ("0.2", "tried"), ("2.1", "right"), ("99.9", "right")):
        record(number, state)
    text = repr(progress_panel())
    assert re.search(r"^00 start here +1 of 6 +1 of 9 +✓ ✗( ○){4}$", text, re.MULTILINE)
    assert re.search(r"^02 weights and masks +1 of \d +2 of \d+ +✓( ○)+$", text, re.MULTILINE)
    assert re.search(r"^in all +2 of \d+ +3 of \d+$", text, re.MULTILINE)
    assert "Next: 0.2, Share of zeros (difficulty 1 of 3, 2 minutes)." in text


def test_the_panel_of_who_is_through(file):
    for number in all_exercises():
        record(number, "right")
    assert repr(progress_panel()).endswith("All exercises are right.")


class Table(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.words = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes).get("scope")))

    def handle_data(self, data):
        self.words += data.split()


def test_the_table_is_one_for_a_screen_reader_and_says_the_same(file):
    record("0.1", "right")
    panel, table = progress_panel(), Table()
    table.feed(panel._repr_html_())
    rows = len(panel.rows) + 1
    assert table.tags.count(("th", "row")) == rows
    assert table.tags.count(("th", "col")) == 4
    assert ("caption", None) in table.tags
    for word in repr(panel).split():
        assert word in table.words


def test_the_command(file, capsys):
    record("0.1", "right")
    assert __main__.main(["progress"]) == 0
    said = capsys.readouterr().out
    assert "1 of 6" in said
    assert said.endswith(f"Kept in {file}\n")


def test_the_command_where_it_is_off(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    assert __main__.main(["progress"]) == 0
    assert capsys.readouterr().out.endswith("Progress is not kept here.\n")
