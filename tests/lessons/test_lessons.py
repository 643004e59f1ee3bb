import json
import os
import re

import nbformat
import pytest
from notebooks_made_here import code, printed, write

from course_tools import __main__
from course_tools.lessons import execution, notebooks
from course_tools.lessons.copies import lay_copies, reset
from course_tools.lessons.execution import execute, page, store, table
from course_tools.lessons.notebooks import find_lessons


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notebooks").mkdir()
    write(tmp_path / "notebooks" / "00_one.ipynb", code("1 + 1", printed("old\n")))
    write(tmp_path / "notebooks" / "01_two.ipynb", code("2 + 2"))
    return tmp_path / "notebooks"


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def change(path, source):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = source
    nbformat.write(notebook, path)


def source(path):
    return nbformat.read(path, as_version=4).cells[0].source


def test_copies_are_laid_once_and_without_outputs(folder, work):
    assert lay_copies(work, folder) == ["00_one.ipynb: new", "01_two.ipynb: new"]
    cell = nbformat.read(work / "00_one.ipynb", as_version=4).cells[0]
    assert (cell.source, cell.outputs, cell.execution_count) == ("1 + 1", [], None)
    assert lay_copies(work, folder) == []


def test_an_untouched_copy_follows_a_newer_lesson_even_if_it_was_run(folder, work):
    lay_copies(work, folder)
    ran = nbformat.read(work / "00_one.ipynb", as_version=4)
    ran.cells[0].update(execution_count=7, outputs=[printed("2\n")])
    nbformat.write(ran, work / "00_one.ipynb")
    assert lay_copies(work, folder) == []
    assert nbformat.read(work / "00_one.ipynb", as_version=4).cells[0].execution_count == 7
    change(folder / "00_one.ipynb", "1 + 2")
    assert lay_copies(work, folder) == ["00_one.ipynb: updated"]
    assert source(work / "00_one.ipynb") == "1 + 2"


def test_a_touched_copy_stays_and_a_newer_lesson_is_mentioned(folder, work):
    lay_copies(work, folder)
    change(work / "00_one.ipynb", "mine")
    assert lay_copies(work, folder) == []
    change(folder / "00_one.ipynb", "1 + 2")
    for _ in range(2):  # and again at the next call
        said, = lay_copies(work, folder)
        assert "00_one.ipynb: you have changed your copy, so it stays" in said
        assert source(work / "00_one.ipynb") == "mine"


def test_a_copy_that_a_learner_set_back_follows_again(folder, work):
    lay_copies(work, folder)
    change(work / "00_one.ipynb", "mine")
    change(work / "00_one.ipynb", "1 + 1")
    change(folder / "00_one.ipynb", "1 + 2")
    assert lay_copies(work, folder) == ["00_one.ipynb: updated"]


@pytest.mark.parametrize("ledger", ["", "{", None])
def test_without_a_ledger_nothing_of_the_learners_is_overwritten(folder, work, ledger):
    lay_copies(work, folder)
    change(work / "00_one.ipynb", "mine")
    if ledger is None:
        (work / ".laid.json").unlink()
    else:
        (work / ".laid.json").write_text(ledger)
    lay_copies(work, folder)
    assert source(work / "00_one.ipynb") == "mine"


def test_a_file_that_is_no_notebook_is_the_learners(folder, work):
    work.mkdir()
    (work / "00_one.ipynb").write_text("my notes")
    lay_copies(work, folder)
    assert (work / "00_one.ipynb").read_text() == "my notes"


# Reset

STUB, CHECK = "def my_f():\n    return ...", 'check("3.2", my_f)'
SOURCES = ("a = 1", STUB, CHECK, 'check("3.1", my_g)')


@pytest.fixture
def spoilt(folder, work):
    """Lay a lesson with exercises, and change every cell of the copy."""
    cells = [code(source) for source in SOURCES]
    cells.insert(1, nbformat.v4.new_markdown_cell("**Exercise 3.2**"))
    cells.insert(4, nbformat.v4.new_markdown_cell("**Exercise 3.1**"))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "03_three.ipynb")
    lay_copies(work, folder)
    notebook = nbformat.read(work / "03_three.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = f"mine {cell.source}"
    nbformat.write(notebook, work / "03_three.ipynb")
    return work / "03_three.ipynb"


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def kept(work):
    old, = work.glob("03_three 2*.ipynb")
    assert re.fullmatch(r"03_three \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.ipynb", old.name)
    return old


def test_reset_lays_a_lesson_anew_and_keeps_a_dated_copy(folder, work, spoilt):
    before = spoilt.read_bytes()
    assert reset("03", work, folder=folder).startswith("03_three.ipynb is as it was laid; what you")
    assert sources(spoilt) == sources(folder / "03_three.ipynb")
    assert kept(work).read_bytes() == before
    change(folder / "03_three.ipynb", "b = 2")
    assert lay_copies(work, folder) == ["03_three.ipynb: updated"]  # it counts as untouched again


def test_reset_of_one_exercise_leaves_the_rest(folder, work, spoilt):
    before = spoilt.read_bytes()
    said = reset("03", work, "3.2", folder=folder)
    assert said.startswith("exercise 3.2 in 03_three.ipynb is as it was laid; what you had is in ")
    assert sources(spoilt) == ["mine a = 1", "mine **Exercise 3.2**", STUB, CHECK,
                               "mine **Exercise 3.1**", 'mine check("3.1", my_g)']
    assert kept(work).read_bytes() == before


def test_reset_takes_what_is_no_notebook_any_more(folder, work, spoilt):
    spoilt.write_text("spoilt")
    with pytest.raises(ValueError, match="is no notebook any more; reset the whole lesson"):
        reset("03", work, "3.2", folder=folder)
    reset("03", work, folder=folder)
    assert sources(spoilt) == sources(folder / "03_three.ipynb")
    assert kept(work).read_text() == "spoilt"


@pytest.mark.parametrize(("lesson", "exercise", "message"), [
    ("42", "", "lesson is '42'; allowed is the beginning of one of 00_one, 01_two, 03_three"),
    ("0", "", "lesson is '0'; allowed is one lesson, such as 03"),
    ("03", "3.9", "exercise is '3.9'; allowed is one of this lesson, such as 3.2"),
])
def test_reset_refuses_what_is_not_there(folder, work, spoilt, lesson, exercise, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        reset(lesson, work, exercise, folder=folder)
    assert list(work.glob("* 2*")) == []


def test_reset_says_where_a_copy_or_its_cells_are_missing(folder, work, spoilt):
    notebook = nbformat.read(spoilt, as_version=4)
    del notebook.cells[2]
    nbformat.write(notebook, spoilt)
    with pytest.raises(ValueError, match=r"has lost cells of exercise 3.2; reset the whole lesson"):
        reset("03", work, "3.2", folder=folder)
    spoilt.unlink()
    with pytest.raises(ValueError, match=r"03_three.ipynb is not there; course lab lays it"):
        reset("03", work, folder=folder)


def test_an_unknown_lesson_is_refused(folder):
    with pytest.raises(ValueError, match="lesson is '42'; allowed is the beginning of one of 00_o"):
        find_lessons("42", folder)
    assert [path.stem for path in find_lessons("01", folder)] == ["01_two"]


def test_execution_times_cells_tells_of_them_and_leaves_the_file_alone(tmp_path):
    path = write(tmp_path / "00.ipynb", code("import time; time.sleep(0.4)"), code("print(6 * 7)"))
    before, environment, told = path.read_bytes(), dict(os.environ), []
    run = execute(path, told.append)
    assert path.read_bytes() == before
    assert dict(os.environ) == environment
    assert told == ["00: cell 1 of 2", "00: cell 2 of 2"]
    assert run.cell_seconds[0] >= 0.4  # it sleeps so long
    assert sum(run.cell_seconds) < run.seconds
    assert (run.verdict, run.failure) == ("ok", "")
    assert run.notebook.cells[1].outputs[0].text == "42\n"


@pytest.mark.parametrize(("cell", "message"), [
    ("1 / 0", "cell 3: ZeroDivisionError: division by zero"),
    ("import time; time.sleep(60)", "cell 3: no end after 4 s"),
    ("import os; os._exit(1)", "cell 3: the kernel died"),
    ("import ipywidgets\nb = ipywidgets.Button()\nb.on_click(lambda b: 1 / 0)\nb.click()",
     "cell 3: ZeroDivisionError: division by zero"),
])
def test_a_failure_names_the_cell_and_the_error(tmp_path, cell, message):
    path = write(tmp_path / "07.ipynb", code("1"), code(""), code(cell), code("3"))
    run = execute(path, timeout=4 if "sleep" in cell else 60)
    assert run.verdict == "FAILED"
    assert run.failure == message
    assert run.failure in table([run])


def test_the_table_says_what_was_slow(tmp_path):
    run = execution.Run("02", nbformat.v4.new_notebook(), 61.5, (1.0, 44.25), "")
    line = table([run]).splitlines()[1].split()
    assert line == ["02", "2", "61.5", "2", "(44.2", "s)", "slow,", "over", "60", "s"]


@pytest.fixture
def course(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(__main__, "HOME", tmp_path)
    return tmp_path


def test_run_writes_pages_and_a_table(course, capsys):
    assert __main__.main(["run"]) == 0
    said = capsys.readouterr()
    assert [line.split()[-1] for line in said.out.splitlines()] == [
        "verdict", "ok", "ok", "build/html/"]
    assert "01_two: cell 1 of 1" in said.err
    html = (course / "build" / "html" / "00_one.html").read_text("utf-8")
    assert "2</pre>" in html
    assert 'src="http' not in html


def test_run_fails_where_a_cell_fails_and_goes_on(course, folder, capsys):
    write(folder / "00_one.ipynb", code("nonsense"))
    assert __main__.main(["run"]) == 1
    said = capsys.readouterr().out
    assert "cell 1: NameError: name 'nonsense' is not defined" in said
    assert "01_two" in said
    assert __main__.main(["run", "01"]) == 0


def test_refresh_stores_outputs_but_not_those_of_a_failure(course, folder):
    write(folder / "01_two.ipynb", code("nonsense", printed("as it was\n")))
    assert __main__.main(["refresh"]) == 1
    first, second = (nbformat.read(path, as_version=4) for path in find_lessons(folder=folder))
    assert first.cells[0].outputs[0].data["text/plain"] == "2"
    assert first.cells[0].execution_count == 1
    assert second.cells[0].outputs[0].text == "as it was\n"


def test_refreshing_twice_changes_nothing(course, folder):
    __main__.main(["refresh"])
    before = [path.read_bytes() for path in find_lessons(folder=folder)]
    __main__.main(["refresh"])
    assert [path.read_bytes() for path in find_lessons(folder=folder)] == before


def test_what_is_stored_holds_no_times_no_versions_and_no_live_widget(tmp_path):
    path = write(tmp_path / "00.ipynb", code("from IPython.display import display\n"
        f"display({{'{notebooks.WIDGET}': {{'model_id': 'x'}}, 'text/plain': 'twin'}}, raw=True)"))
    run = execute(path)
    store(run, path)
    stored = json.loads(path.read_text())
    assert stored["cells"][0]["outputs"][0]["data"] == {"text/plain": ["twin"]}
    assert stored["cells"][0]["metadata"] == {}
    assert "version" not in json.dumps(stored["metadata"])
    assert "twin" in page(run)


def test_reset_as_a_command(course, work, spoilt, capsys):
    arguments = ["reset", "03", "--exercise", "3.2", "--work", str(work)]
    assert __main__.main(arguments) == 0
    assert capsys.readouterr().out.startswith("exercise 3.2 in 03_three.ipynb is as it was laid")
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["reset", "42", "--work", str(work)])
    assert "lesson is '42'" in capsys.readouterr().err


def test_an_unknown_lesson_is_an_error_of_use(course, capsys):
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["run", "99"])
    assert "lesson is '99'; allowed is the beginning of one of 00_one" in capsys.readouterr().err
