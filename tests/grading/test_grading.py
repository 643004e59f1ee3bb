"""From answers to verdicts: data without code, the judge, the sandbox, the CSV and the pages."""

import csv
import html.parser
import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
import torch
from classes import CHECK, CHECK_REPORT, IMPORT, REPORT, RIGHT, notebook
from safetensors.torch import save
from torch import nn

from course_lib.chains import chain_config
from course_lib.models import lenet_300_100, load_trained, resnet_mini

from course_tools import __main__
from course_tools.checks.judge import Verdict, called, judge
from course_tools.checks.solutions import solution_source
from course_tools.exercises import all_exercises, find
from course_tools.exercises.kinds import Exercise
from course_tools.grading import isolation, wire
from course_tools.grading.grade import grade_folder
from course_tools.grading.isolation import Limits
from course_tools.grading.judging import judged
from course_tools.grading.reports import Grade, file_name, page, table

BWRAP = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")
LONG = ("8.1", "8.2", "12.7")
BEFORE = Path(__file__).parents[1] / "lessons" / "before" / "00_start_here.json"


# Data

@pytest.mark.parametrize("value", [
    None, True, 3, 0.5, "é", [1, (2.0, "x")], {"a": 1, 2: [None]}, 10 ** 50, float("inf")])
def test_plain_values_come_back(value):
    assert wire.read(wire.write(value)) == value
    assert type(wire.read(wire.write(value))) is type(value)


@pytest.mark.parametrize("value", [torch.arange(6).reshape(2, 3).T, torch.tensor(True),
                                   torch.ones(2, requires_grad=True), torch.zeros(0)])
def test_tensors_come_back(value):
    back = wire.read(wire.write({"x": value}))["x"]
    assert torch.equal(back, value)
    assert back.dtype == value.dtype


@pytest.mark.parametrize("model", [
    lenet_300_100(1), load_trained("vgg_mini"), resnet_mini(1), nn.Conv2d(1, 2, 3, bias=False),
    nn.BatchNorm2d(4).eval()], ids=lambda model: type(model).__name__)
def test_networks_come_back(model):
    back = wire.read(wire.write(model))
    assert type(back) is type(model)
    assert back.training == model.training
    assert all(torch.equal(values, back.state_dict()[name])
               for name, values in model.state_dict().items())


def test_what_is_no_data_is_only_named():
    class Strange:
        def __reduce__(self):
            raise AssertionError("pickled")

    found = wire.read(wire.write([Strange(), ..., len]))
    assert type(found[0]).__name__ == "Strange"
    assert found[1] is ...
    assert type(found[2]) is wire.Function


def forged(value, **tensors):
    return save(tensors, {"value": json.dumps(value)})


@pytest.mark.parametrize("message", [
    b"", b"\xff" * 40, forged({"kind": "tensor", "place": "0"}), forged({"kind": "dict"}),
    forged({"kind": "record", "name": "Path", "fields": {"kind": "dict", "parts": []}}),
    forged({"kind": "dict", "parts": [[{"kind": "list", "parts": []}, 1]]}),
    forged({"kind": "chain", "layers": [{"kind": "Module", "name": "0"}], "state": {},
            "training": 1}),
    forged({"kind": "chain", "layers": [{"kind": "Sequential", "name": "0"}], "state": {},
            "training": 1}),
    forged({"kind": "chain", "layers": [chain_config(nn.Sequential(nn.Linear(2, 1)))[0] | {
        "in_features": 10 ** 9, "out_features": 10 ** 9}], "state": {}, "training": True}),
    forged({"kind": "residual", "plan": [10 ** 6, [[10 ** 6, 10 ** 6, 1]]], "state": {},
            "training": True}),
])
def test_a_forged_message_is_refused(message):
    with pytest.raises(wire.UNREADABLE):
        wire.read(message)


def test_frames_end_where_one_is_cut_off():
    content = wire.frame(b"one") + wire.frame(b"") + wire.frame(b"three")
    assert list(wire.frames(content)) == [b"one", b"", b"three"]
    assert list(wire.frames(content[:-1])) == [b"one", b""]
    assert list(wire.frames(b"\xff" * 9)) == []


# The judge

def came(number, function=None, **changed):
    """Return what comes of a function's answer, through the wire."""
    cases = find(number).cases() if function else []
    calls = [called(function, arguments) for arguments in cases]
    return wire.read(wire.write({"number": number, "value": ..., "calls": calls, "error": None,
                                 "line": None, "printed": "", "ended": True} | changed))


@pytest.mark.parametrize("number", [number for number, one in all_exercises().items()
                                    if isinstance(one, Exercise)])
def test_the_verdict_is_the_notebooks_own(number):
    """For the reference and a mistake, through the wire, as `check` says it."""
    if number in LONG and "GRADING" not in os.environ:
        pytest.skip("make test-grading")
    exercise = find(number)
    for function in (exercise.reference, *list(exercise.mistakes.values())[:1]):
        assert repr(judged(number, came(number, function))) == repr(judge(exercise, function))


def test_what_was_changed_is_seen():
    def in_place(numbers):
        share = (numbers == 0).float().mean()
        numbers.zero_()
        return share

    assert "it changed what it was given" in judged("0.2", came("0.2", in_place)).text


@pytest.mark.parametrize(("changed", "state"), [
    ({"calls": []}, "not attempted yet"), ({"ended": False}, "raised"), ({"value": True}, "right"),
    ({"error": ("KeyError", "x"), "line": (2, "numbers[x]")}, "raised")])
def test_what_is_no_whole_answer_is_not_right(changed, state):
    found = judged("0.2", came("0.2", find("0.2").reference, **changed))
    assert found.state == state


@pytest.mark.parametrize("changed", [
    {"calls": [[1, []]]}, {"calls": 3}, {"error": 5}, {"printed": 3},
    {"line": "x", "error": ["a", 1]},
    {"calls": [(torch.tensor(0.6), (torch.tensor([0.0, 2.0, 0.0, 5.0, 0.0]),))]}])
def test_nonsense_is_not_right(changed):
    found = judged("0.2", came("0.2", find("0.2").reference) | changed)
    assert found.state in ("raised", "not yet")


def test_an_answer_that_never_came():
    assert "its process ended before it" in judged("0.2", None).text


# All of it

@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Grade a class of three; return the folder and what was printed."""
    folder = tmp_path_factory.mktemp("class")
    made = [solution_source(find(number)) for number in ("0.2", "0.6")]
    notebook(folder / "submitted" / "anna" / "00" / "a.ipynb", *[
        cell for number in ("0.1", "0.3", "0.4", "0.5")
        for cell in ("# text", f'{IMPORT}quiz("{number}", {find(number).answer!r})')],
        "# text", made[0], IMPORT + CHECK, "# text", made[1], CHECK_REPORT)
    old = nbformat.read(BEFORE, as_version=4)
    for cell in old.cells:
        cell.source = cell.source.replace("def my_share_of_zeros(numbers):\n    return ...", RIGHT)
    old.cells += [nbformat.v4.new_code_cell(source) for source in (
        "def my_dead_units(outputs):\n    return int((outputs <= 0).all(0).sum())",
        'check("1.3", my_dead_units)')]
    path = folder / "submitted" / "ben" / "00" / "b.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(old, path)
    notebook(folder / "submitted" / "=carla" / "00" / "c.ipynb", "def my_share_of_zeros(numbers):\n"
             "    raise ValueError('<script>\\ud800\\x1b[2J')", IMPORT + CHECK, "# text",
             f"%matplotlib inline\n{REPORT}", CHECK_REPORT)
    code = __main__.main(["grade", str(folder), "--csv", str(folder / "grades.csv"), "--jobs", "2"])
    return folder, code


@BWRAP
def test_a_class_is_graded(room):
    folder, code = room
    assert code == 0
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["'=carla", "anna", "ben"]
    wanted = {one.number: str(one.difficulty) for one in all_exercises().values()
              if one.number.startswith("0.")}
    assert {number: rows["anna"][number] for number in wanted} == wanted
    assert rows["anna"]["points"] == str(sum(map(int, wanted.values())))
    assert rows["anna"]["1.1"] == ""
    carla = rows["'=carla"]
    assert (carla["0.2"], carla["0.6"]) == ("0", wanted["0.6"])
    assert {row["of"] for row in rows.values()} == {rows["anna"]["of"]}


@BWRAP
def test_a_notebook_of_an_older_release_still_grades(room):
    """Its imports are of then, and 1.3 is 1.6 today."""
    with (room[0] / "grades.csv").open(encoding="utf-8", newline="") as file:
        ben = next(row for row in csv.DictReader(file) if row["learner"] == "ben")
    wanted = [str(find(number).difficulty) for number in ("0.2", "1.6")]
    assert [ben["0.2"], ben["1.6"], ben["1.3"]] == [*wanted, ""]


class Page(html.parser.HTMLParser):
    """Collect the tags of a page and what stands in them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


@BWRAP
def test_a_page_says_what_was_seen_and_runs_nothing(room):
    found = Page((room[0] / "feedback" / file_name("=carla")).read_text("utf-8"))
    text = " ".join(found.texts)
    assert "ValueError: <script>" in text
    assert "line 2: raise ValueError" in text
    assert "script" not in [tag for tag, _ in found.tags]


def test_a_page_has_a_language_a_title_headings_and_headers_of_columns_and_rows():
    found = Page(page(Grade("Zoë & co", {"0.1": Verdict("0.1", "not attempted yet"),
                                         "0.2": Verdict("0.2", "right", "Good.", ("x < 1",))})))
    tags = [tag for tag, _ in found.tags]
    assert ("html", {"lang": "en"}) in found.tags
    assert [tags.count(tag) for tag in ("title", "main", "h1", "h2", "caption")] == [1] * 5
    assert [each["scope"] for tag, each in found.tags if tag == "th"] == ["col"] * 4 + ["row"] * 6
    assert "Feedback for Zoë & co" in found.texts
    assert 'quiz("0.1", …)' in " ".join(found.texts)
    assert "x < 1" in found.texts


def test_names_make_no_formula_no_path_and_no_escape():
    grades = [Grade(name, {"0.2": Verdict("0.2", "right")}) for name in
              ("@x", "../../y", "\udcff\x1b[2J", "z" * 250)]
    assert [row.split(",")[0] for row in table(grades).splitlines()[1:]] == [
        "'@x", "../../y", "��[2J", "z" * 250]
    files = [file_name(grade.learner) for grade in grades]
    assert all("/" not in name and len(name) < 200 and name.isascii() for name in files)
    assert len(set(files)) == 4


# Isolation that is not there

def test_it_is_refused_where_there_is_no_bubblewrap(tmp_path, monkeypatch, capsys):
    notebook(tmp_path / "anna.ipynb", RIGHT, IMPORT + CHECK)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["grade", str(tmp_path), "--csv", str(tmp_path / "grades.csv")])
    said = capsys.readouterr().err
    assert "bwrap is 'not installed here'" in said
    assert "--no-isolation" in said
    assert not (tmp_path / "grades.csv").exists()


@BWRAP
def test_it_is_refused_where_bubblewrap_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "bubblewrap", lambda rules: ["false"])
    with pytest.raises(ValueError, match="no sandbox"):
        isolation.require_isolation(tmp_path)


@BWRAP
def test_a_folder_that_every_notebook_could_read_is_refused():
    with pytest.raises(ValueError, match="which every notebook can read"):
        list(grade_folder(isolation.HOME / "notebooks", Limits()))
