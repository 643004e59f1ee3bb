"""What every lesson keeps to, beside running: see CONTRIBUTING."""

import re
import statistics
from pathlib import Path

import nbformat
import pytest
from notebooks_made_here import code, printed, write
from stored import KNOWN_TAG, minutes, problems

from course_tools.lessons.notebooks import HOME, find_lessons

LESSONS = find_lessons()
lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells_of(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@lessons
def test_nothing_switches_the_comparison_off(path):
    assert problems(nbformat.read(path, as_version=4)) == []


@lessons
def test_at_least_five_cells_are_compared(path):
    compared = [cell for cell in cells_of(path)
                if cell.outputs and KNOWN_TAG not in cell.metadata.get("tags", [])]
    assert len(compared) >= 5


def told(path):
    """Return the code that a lesson tells its story with: not the programs that are exercises."""
    return [cell for cell in cells_of(path) if not cell.source.startswith("def my_")]


@lessons
def test_cells_are_short(path):
    assert max(cell.source.strip().count("\n") + 1 for cell in cells_of(path)) <= 25
    assert statistics.median(cell.source.strip().count("\n") + 1 for cell in told(path)) <= 6


@lessons
def test_there_is_more_prose_than_code(path):
    prose, code = (sum(len(cell.source.split()) for cell in cells)
                   for cells in (cells_of(path, "markdown"), told(path)))
    assert prose > code


@lessons
def test_no_claim_fails(path):
    for cell in cells_of(path):
        for output in cell.outputs:
            assert "DOES NOT HOLD" not in output.get("text", "")


@lessons
def test_no_path_of_a_machine_is_stored(path):
    text = path.read_text("utf-8")
    for place in (str(HOME), "/home/", "/root/", "/Users/", "site-packages", "C:\\\\", "/tmp/"):
        assert place not in text


@lessons
def test_it_has_the_parts_of_a_lesson(path):
    text = "\n".join(cell.source for cell in cells_of(path, "markdown"))
    assert text.startswith(f"# {path.stem[:2]} · ")
    for part in ("**The question", "**Predict first", "**Exercise", "## In five lines",
                 "**The next question:**"):
        assert part in text
    recap = text.split("## In five lines")[1]
    assert re.findall(r"^(\d)\. ", recap, re.MULTILINE) == list("12345")


@lessons
def test_it_is_in_the_readme_with_its_minutes(path):
    row = re.search(rf"^\|.*\(notebooks/{path.name}\).*$", (HOME / "README.md").read_text("utf-8"),
                    re.MULTILINE)
    assert row, f"{path.name} is not in README's table"
    assert int(re.search(r"(\d+) min", row[0])[1]) == minutes(nbformat.read(path, as_version=4))
    assert re.search(r"\d+ s\b", row[0])


def on_the_path(words):
    """Return the lessons that a row of README's short path names, as "00 to 07, 10" or "all"."""
    numbers = [path.stem[:2] for path in LESSONS]
    if words.strip() == "all":
        return numbers
    ends = [part.strip().split(" to ") for part in words.split(",")]
    return [number for first, *last in ends for number in numbers
            if first <= number <= (last or [first])[0]]


def test_the_hours_of_the_short_path_are_what_the_minutes_add_up_to():
    section = (HOME / "README.md").read_text("utf-8").split("### A short path")[1]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| (\d+) \|$", section.split("\n\nThe")[0],
                      re.MULTILINE)
    assert len(rows) == 3
    each = {path.stem[:2]: minutes(nbformat.read(path, as_version=4)) for path in LESSONS}
    for words, hours in rows:
        chosen = on_the_path(words)
        assert len(chosen) >= 4
        assert int(hours) == round(sum(each[number] for number in chosen) / 60), words


def test_no_script_holds_lesson_text():
    sentences = [line for path in LESSONS for cell in cells_of(path, "markdown")
                 for line in cell.source.splitlines() if len(line) > 60]
    assert len(sentences) > 100
    # site/wording.py names the sentences that a page says otherwise, and ends with ValueError where
    # a lesson has changed one
    for script in set(HOME.rglob("*.py")) - {HOME / "site" / "wording.py"}:
        if not {".venv", "build"} & set(script.relative_to(HOME).parts):
            text = script.read_text("utf-8")
            assert not any(sentence in text for sentence in sentences), script


def sick(tmp_path, *cells, **metadata):
    notebook = nbformat.read(write(tmp_path / "sick.ipynb", *cells), as_version=4)
    notebook.metadata.update(metadata)
    return problems(notebook)


def picture(html):
    return nbformat.v4.new_output("display_data", data={"image/png": "AAAA"} | html)


def shown(text):
    return nbformat.v4.new_output("execute_result", execution_count=1, data={"text/plain": text})


@pytest.mark.parametrize(("cell", "message"), [
    (code("1", count=None), "cell 2 has execution count None: store the lesson with make refresh"),
    (code("1", tags=["raises-exception"]), "cell 2 has the tag 'raises-exception'; allowed is"),
    (code("1", tags=["nbval-skip"]), "cell 2 has the tag 'nbval-skip'"),
    (code("1", nbformat.v4.new_output("error", ename="KeyError")), "cell 2 stores an error: Key"),
    (code("1", printed("x" * 600_000)), "cell 2 stores more than 500,000 bytes"),
    (code("1", picture({})), "cell 2 has a figure without a text alternative"),
    (code("1", picture({"text/html": "<img src=''>"})), "cell 2 has a figure without a text"),
    (code("1", picture({"text/html": '<img alt="">'})), "cell 2 has a figure without a text"),
    (code("1", picture({"text/html": '<img alt="a"><img>'})), "cell 2 has a figure without"),
    (code("1", nbformat.v4.new_output("display_data", data={"image/svg+xml": "<svg/>"})),
     "cell 2 has a figure without a text alternative"),
    (code("1", picture({"text/html": '<img alt="x">',
                        "application/vnd.jupyter.widget-view+json": {}})), "cell 2 stores a live"),
    (code("a = 1\ntrain(net, split, epochs=4)"), "cell 2 ends in a call of train, whose losses"),
    (code("course_lib.training.train(net, split, epochs=4)"), "cell 2 ends in a call of train"),
    (code("[train(net, split, epochs=1)[0] for _ in range(3)]"), "cell 2 ends in a call of train"),
    (code("losses", shown("[0.3719062700076537,\n 0.1]")), "cell 2 shows 0.3719062700076537, wh"),
    (code("print(worst)", printed("at most 1.69e-07\n")), "cell 2 shows 1.69e-07, whose last dig"),
    (code("table", picture({"text/html": '<td>0.84215371</td><img alt="a">'})),
     "cell 2 shows 0.84215371, whose last digits"),
])
def test_a_sick_notebook_is_told_by_cell(tmp_path, cell, message):
    found = sick(tmp_path, code("0"), cell)
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize("cell", [
    code("train(net, split, epochs=4)", tags=[KNOWN_TAG]),  # it is not compared
    code("train(net, split, epochs=4);"),  # it shows nothing
    code("losses = train(net, split, epochs=4)"),
    code("claim('it learns', train(net, split, epochs=4)[-1] < 0.2)", printed("holds: it learns")),
    code("%time train(net)"),  # no Python, so it is not read; it shows nothing
    code("x", shown("0.5, 12.3456, 55000, 1e-5")),
    code("x", shown("0.3719062700076537"), tags=[KNOWN_TAG]),
    code("x", picture({"text/html": '<img alt="a" src="data:image/png;base64,1.2345678">'})),
])
def test_what_any_processor_prints_alike_is_no_problem(tmp_path, cell):
    assert sick(tmp_path, cell) == []


def test_a_healthy_one_has_no_problems(tmp_path):
    assert sick(tmp_path, code("1", printed("a")), code("2", tags=[KNOWN_TAG])) == []
    assert sick(tmp_path, code("1"), widgets={"state": {}}) == ["the notebook stores widget state"]
    assert sick(tmp_path, code("1")) == []


def test_the_folder_holds_lessons_only():
    assert [path.name for path in sorted(Path(HOME / "notebooks").iterdir())
            if path.suffix != ".ipynb" and path.name != ".ipynb_checkpoints"] == []
