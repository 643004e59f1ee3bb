"""Read notebooks that were handed in: whose they are, and the cells that answer exercises.

Nothing here runs or parses a learner's code: a notebook is JSON, and cells are found by their ids,
by the numbers that they check, and by the names of the functions.
"""

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

from course_lib._allowed import require

from course_tools.checks.progress import RENUMBERED
from course_tools.exercises import all_exercises, lesson_of
from course_tools.exercises.kinds import Quiz
from course_tools.lessons.notebooks import exercise_cells, find_lessons

FILE_BYTES = 20_000_000  # the most that is read of a notebook
CODE = 1_000_000  # characters, the most that its code cells may hold
ASKS = re.compile(r"""^[^#\n]*?\b(?:check|quiz)\(\s*["'](\d+\.\d+)["'](?:\s*,\s*(\w+))?""",
                  re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """Hold the cells that answer an exercise of today, and the number that they ask for."""

    number: str
    asked: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """Hold a code cell of a notebook; `block` counts the runs of code cells without text."""

    id: str
    source: str
    block: int


# Whose

def handed_in(folder: Path) -> dict[str, list[Path]]:
    """Return {learner: notebooks, the newest last} of a folder, flat or as nbgrader lays it out.

    `submitted/STUDENT/LESSON/x.ipynb`, `STUDENT/x.ipynb` and `02_weights_and_masks_STUDENT.ipynb`
    are found. Links are not followed: one could name the notebook of another.
    """
    require(folder.is_dir(), "folder", folder, "a folder of notebooks")
    root = folder / "submitted" if (folder / "submitted").is_dir() else folder
    found: dict[str, list[Path]] = {}
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(place, name) for name in sorted(files) if name.endswith(".ipynb")):
            found.setdefault(_learner(path.relative_to(root)), []).append(path)
    require(bool(found), "folder", folder, "a folder with notebooks in it")
    return {learner: sorted(found[learner], key=lambda path: path.lstat().st_mtime)
            for learner in sorted(found)}


def _learner(path: Path) -> str:
    """Return whose a notebook is: its first folder, or its name without the lesson's."""
    if len(path.parts) > 1:
        return path.parts[0]
    lessons = "|".join(re.escape(lesson.stem) for lesson in find_lessons())
    return re.sub(lessons, "", path.stem).strip(" _-.") or path.stem


# What

def read(path: Path) -> list[Cell]:
    """Return the code cells of a notebook; what is none, or a link, raises ValueError."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("it is a link, or no file")
    cells, block = [], 0
    size = path.stat().st_size
    require(size <= FILE_BYTES, "its length", size, f"{FILE_BYTES:,} bytes")
    try:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                cells.append(Cell(str(cell.get("id")), source, block))
            else:
                block += 1
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError):
        raise ValueError("it is no notebook that can be read") from None
    size = sum(len(cell.source) for cell in cells)
    require(size <= CODE, "the length of its code", size, f"{CODE:,} characters")
    return cells


def answers(cells: list[Cell]) -> list[Answer]:
    """Return the answers that a notebook holds, of any release, in its order; the last one counts.

    >>> answers([Cell("", 'quiz("0.1", "a")', 0)])
    [Answer(number='0.1', asked='0.1', sources=('quiz("0.1", "a")',))]
    """
    asked = [(at, *match.groups()) for at, cell in enumerate(cells)
             for match in ASKS.finditer(cell.source)]
    changes = RENUMBERED[_release([(number, name) for _, number, name in asked]):]
    last = {_today(number, name, cells[at].id, changes): (number, at)
            for at, number, name in asked}
    return [Answer(today, number, tuple(_sources(cells, at, today)))
            for today, (number, at) in last.items() if today]


def _release(asked: list[tuple[str, str | None]]) -> int:
    """Return how many of the changes of numbers a notebook has seen: its functions tell."""
    def fits(seen: int) -> int:
        return sum(name == _name(_renumbered(number, RENUMBERED[seen:]))
                   for number, name in asked if name)

    return max(range(len(RENUMBERED) + 1), key=lambda seen: (fits(seen), seen))


def _renumbered(number: str, changes: tuple[dict[str, str], ...]) -> str:
    for changed in changes:
        number = changed.get(number, number)
    return number


def _name(number: str) -> str | None:
    return getattr(all_exercises().get(number), "name", None)  # a quiz has none


def _today(number: str, name: str | None, cell: str, changes: tuple) -> str:
    """Return today's number of an exercise: by its function, its cell, or its number of then."""
    renumbered = _renumbered(number, changes)
    named = [one.number for one in all_exercises().values() if name and _name(one.number) == name]
    if named:
        return min(named, key=lambda one: (one != renumbered, lesson_of(one) != lesson_of(number)))
    if cell in _quizzes():
        return _quizzes()[cell]
    known = all_exercises().get(renumbered)
    gone = isinstance(known, Quiz) and (name or "").startswith("my_")  # its number is a quiz's now
    return "" if known is None or gone else renumbered


@cache
def _quizzes() -> dict[str, str]:
    """Return {id of a cell: the quiz that it asks} of our lessons."""
    return {cell: number for number, one in all_exercises().items() if isinstance(one, Quiz)
            for cell in _ours(number)[1]}


@cache
def _ours(number: str) -> tuple[set[str], set[str]]:
    """Return the ids of all cells of an exercise's lesson, and of those that a learner fills in."""
    lesson, = find_lessons(lesson_of(number))
    notebook = nbformat.read(lesson, as_version=4)
    filled = {cell.id for cell in exercise_cells(notebook, number)
              if ASKS.search(cell.source) or _defines(number).search(cell.source)}
    return {cell.id for cell in notebook.cells}, filled


def _defines(number: str) -> re.Pattern:
    """Return what a cell that defines the answer holds; a quiz has no such cell."""
    name = _name(number)
    return re.compile(rf"^(?:def {name}\b|{name}\s*=)" if name else "(?!)", re.MULTILINE)


def _sources(cells: list[Cell], at: int, number: str) -> list[str]:
    """Return the code that answers: the cell that checks, and above it what the learner wrote.

    That is the rest of its block, and the cell that defines the function, wherever it stands. Our
    lesson's own cells, such as one that draws what a broken program did, are left out.
    """
    known, filled = _ours(number)
    above = [cell for cell in cells[:at] if not ASKS.search(cell.source)]
    chosen = [cell.source for cell in above if cell.id in filled
              or _defines(number).search(cell.source)
              or (cell.block == cells[at].block and cell.id not in known)]
    return [*chosen, cells[at].source]
