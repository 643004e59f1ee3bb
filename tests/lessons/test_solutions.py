"""Solved copies: every stub replaced, "right" stored, and a wrong reference fails the check."""

import ast
import builtins
import re

import nbformat
import pytest
import torch
from notebooks_made_here import check, code, write

from course_tools import __main__
from course_tools.checks import solutions as solved
from course_tools.checks.solutions import solution_source, solve, write_solutions
from course_tools.exercises import all_exercises, find
from course_tools.exercises.kinds import Exercise, Project
from course_tools.lessons.notebooks import exercise_cells, find_lessons


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solutions")
    (folder / "99_old.ipynb").write_text("from before")
    list(write_solutions(folder))
    return folder


def notebook(folder, number):
    return nbformat.read(next(folder.glob(f"{int(number.split('.')[0]):02}_*")), as_version=4)


def test_there_is_one_for_each_lesson_with_exercises(folder):
    lessons = {int(number.split(".")[0]) for number in all_exercises()}
    assert {int(path.name[:2]) for path in folder.iterdir()} == lessons


@pytest.mark.parametrize("number", all_exercises())
def test_each_exercise_is_solved_and_its_verdict_is_right(folder, number):
    cells = exercise_cells(notebook(folder, number), number)
    said = cells[-1].outputs[0].data
    lines = [f"\n    {line}" for line in getattr(find(number), "met", ())]
    assert said["text/plain"].endswith("".join([f"✓ right: {find(number).right}", *lines]))
    assert "✓ right" in said["text/html"]
    assert "not attempted" not in said["text/plain"] + said["text/html"]
    assert not any("return ..." in cell.source or "= ..." in cell.source for cell in cells)


def test_all_else_is_the_learners(folder):
    for path in folder.iterdir():
        mine, = find_lessons(path.stem)
        theirs, ours = (nbformat.read(file, as_version=4).cells for file in (mine, path))
        touched = {cell.id for number in all_exercises()
                   for cell in exercise_cells(nbformat.read(mine, as_version=4), number)}
        assert [c for c in ours if c.id not in touched] == [
            c for c in theirs if c.id not in touched]


def test_a_library_function_is_imported_under_the_learners_name():
    assert solution_source(find("2.1")) == "from course_lib.masks import keep_top as my_keep_top"


@pytest.mark.parametrize("number", [number for number, one in all_exercises().items()
                                    if isinstance(one, Exercise)])
def test_a_solution_stands_by_itself(number):
    names = {"torch": torch}
    if find(number).broken:  # it may use what its lesson imports
        lesson, = find_lessons(f"{int(number.split('.')[0]):02}")
        cells = nbformat.read(lesson, as_version=4).cells
        exec(next(cell.source for cell in cells if cell.cell_type == "code"), names)
    exec(solution_source(find(number)), names)
    assert callable(names[find(number).name])


@pytest.mark.parametrize("number", [number for number, one in all_exercises().items()
                                    if isinstance(one, Project)])
def test_a_projects_solution_needs_only_what_its_lesson_has(folder, number):
    """Making it takes long, so that `make test-solutions` does; here its names are looked up."""
    solution = ast.parse(solution_source(find(number)))
    assert solution.body[-1].targets[0].id == find(number).name
    lesson = ast.parse("\n".join(cell.source for cell in notebook(folder, number).cells
                                 if cell.cell_type == "code"))
    known = {alias.asname or alias.name for node in lesson.body
             if isinstance(node, ast.ImportFrom | ast.Import) for alias in node.names}
    made = {name.id for node in lesson.body if isinstance(node, ast.Assign)
            for name in node.targets if isinstance(name, ast.Name)}
    known |= made | {node.name for node in solution.body if isinstance(node, ast.FunctionDef)}
    used = {name.id for name in ast.walk(solution) if isinstance(name, ast.Name)}
    inside = {name.id for name in ast.walk(solution)
              if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    inside |= {argument.arg for argument in ast.walk(solution) if isinstance(argument, ast.arg)}
    assert used & made  # it begins from what the lesson has made
    assert used - inside <= known | set(dir(builtins))


def test_a_lesson_without_the_cells_is_refused():
    with pytest.raises(ValueError, match=r"exercise 2.4 has no cell of its own in its lesson"):
        solve(nbformat.v4.new_notebook(), find("2.4"))


def test_a_reference_that_is_wrong_fails_the_check(folder, tmp_path):
    """The exercises of lesson 00 alone, right and then with a reference that returns one more."""
    cells = []
    for wrong in ("", " + 1"):
        for cell in (cell for number in ("0.1", "0.2")
                     for cell in exercise_cells(notebook(folder, number), number)):
            cells.append(code(cell.source.replace(".mean()", f".mean(){wrong}"), *cell.outputs))
            for output in cells[-1].outputs:
                output.execution_count = len(cells)
    path = write(tmp_path / "both.ipynb", *cells)
    status, text = check(tmp_path, path, build=tmp_path)
    assert status == 1
    failed = [int(cell) for cell in re.findall(r"FAILED both.ipynb::Cell (\d+)", text)]
    assert failed == [len(cells) - 1]


def test_an_instructor_can_hold_them_back(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_SOLUTIONS", "hold")
    monkeypatch.setattr(__main__, "HOME", tmp_path)
    with pytest.raises(SystemExit, match="2"):
        __main__.main(["solutions"])
    assert "solutions are held back here" in capsys.readouterr().err
    assert list(tmp_path.rglob("*.ipynb")) == []


def test_the_command_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "HOME", tmp_path)
    monkeypatch.setattr(solved.lessons, "find_lessons", lambda: find_lessons("00"))
    assert __main__.main(["solutions"]) == 0
    assert capsys.readouterr().out == "build/solutions/00_start_here.ipynb\n"
