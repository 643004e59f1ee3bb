"""Solved copies of the lessons: the reference in each stub's place, "right" as stored verdict.

All other outputs are the learner's. Nothing is executed here: `make test-solutions` runs the copies
and compares, so that a reference that is not right fails there.
"""

import html
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_lib._allowed import require

from course_tools.checks.answers import held_back
from course_tools.checks.judge import Verdict
from course_tools.exercises import of_lesson
from course_tools.exercises.kinds import Exercise, Project, Quiz, written
from course_tools.lessons import notebooks as lessons

UNTOUCHED = repr(Verdict("", "not attempted yet"))


def write_solutions(folder: Path) -> Iterator[Path]:
    """Write a solved copy of each lesson that has exercises; yield where.

    Where solutions are held back it raises ValueError.
    """
    require(not held_back(), "COURSE_SOLUTIONS", "hold",
            "anything else: solutions are held back here")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for lesson in lessons.find_lessons():
        if exercises := of_lesson(lesson.stem[:2]):
            notebook = nbformat.read(lesson, as_version=4)
            for exercise in exercises:
                solve(notebook, exercise)
            nbformat.write(notebook, folder / lesson.name)
            yield folder / lesson.name


def solve(notebook: NotebookNode, exercise: Exercise | Quiz | Project) -> None:
    """Put the solution of one exercise into a lesson, and the verdict it must get."""
    cells = lessons.exercise_cells(notebook, exercise.number)
    right = Verdict(exercise.number, "right", exercise.right,
                    exercise.met if isinstance(exercise, Project) else ())
    if isinstance(exercise, Quiz):
        asks = f'quiz("{exercise.number}"'
        _replace(cells, f"{asks})", f"{asks}, {exercise.answer!r})", exercise)
        data = cells[-1].outputs[0].data
        data["text/plain"] = data["text/plain"].replace(UNTOUCHED, repr(right))
        data["text/html"] = data["text/html"].replace(UNTOUCHED, html.escape(repr(right)))
    else:
        begins = (f"{exercise.name} = ..." if isinstance(exercise, Project) else
                  f"def {exercise.name}(")
        stub = next((cell.source for cell in cells if begins in cell.source), None)
        _replace(cells, stub, solution_source(exercise), exercise)
        cells[-1].outputs = [new_output(
            "execute_result", execution_count=cells[-1].execution_count,
            data={"text/plain": repr(right), "text/html": right._repr_html_()})]


def solution_source(exercise: Exercise | Project) -> str:
    """Return code that defines the learner's function or thing: the reference, or its import."""
    module, name = exercise.reference.__module__, exercise.reference.__name__
    if module.startswith("course_tools.exercises."):
        return "\n".join(written(exercise))
    return f"from {module} import {name} as {exercise.name}"


def _replace(cells: list[NotebookNode], old: str | None, new: str,
             exercise: Exercise | Quiz | Project) -> None:
    for cell in cells:
        if old is not None and old in cell.source:
            cell.source = cell.source.replace(old, new)
            return
    raise ValueError(f"exercise {exercise.number} has no cell of its own in its lesson; allowed is "
                     "a stub with a check below it, or a quiz")
