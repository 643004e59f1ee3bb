"""Working copies: what a learner works on, laid into work/ and never overwritten."""

import hashlib
import json
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib._allowed import require

from course_tools.aside import aside
from course_tools.lessons.imports import renew_imports
from course_tools.lessons.notebooks import NOTEBOOKS, exercise_cells, find_lessons, without_outputs


def lay_copies(work: Path, folder: Path = NOTEBOOKS) -> list[str]:
    """Lay copies of the lessons into `work`; return what was done, a sentence each.

    A copy whose cells a learner has changed stays as it is, but for the names of modules that have
    moved since; running a copy does not count as changing it. Copies come without outputs, so that
    a prediction comes before its result.
    """
    work.mkdir(exist_ok=True)
    ledger = work / ".laid.json"  # lesson -> fingerprint of the version that was laid
    laid = _read_ledger(ledger)
    said = [_lay(lesson, work / lesson.name, laid) for lesson in find_lessons(folder=folder)]
    ledger.write_text(json.dumps(laid, indent=1), "utf-8")
    said += map(renew_imports, sorted(work.glob("*.ipynb")))
    return [sentence for sentence in said if sentence]


def _lay(lesson: Path, mine: Path, laid: dict[str, str]) -> str:
    notebook = nbformat.read(lesson, as_version=4)
    newest, before, found = _fingerprint(notebook), laid.get(lesson.name), _fingerprint_of(mine)
    if found is None or found == before != newest:
        nbformat.write(without_outputs(notebook), mine)
        laid[lesson.name] = newest
        return f"{lesson.name}: {'new' if found is None else 'updated'}"
    if found == newest:
        laid[lesson.name] = newest
    elif before != newest:
        return (f"{lesson.name}: you have changed your copy, so it stays; the lesson has changed "
                "too (to get it, rename your copy and call again)")
    return ""


def _read_ledger(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _fingerprint(notebook: NotebookNode) -> str:
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return _fingerprint(nbformat.read(path, as_version=4))
    except Exception:  # whatever is in it, it is the learner's
        return "unreadable"


def reset(lesson: str, work: Path, exercise: str = "", folder: Path = NOTEBOOKS) -> str:
    """Lay a pristine copy of a lesson, or its cells of one exercise; keep the old one, dated.

    Return what was done. A lesson, copy, exercise or cell that is not there raises ValueError.
    """
    pristine = find_lessons(lesson, folder)
    require(len(pristine) == 1, "lesson", lesson, "one lesson, such as 03")
    mine = work / pristine[0].name
    if not mine.is_file():
        raise ValueError(f"{mine} is not there; course lab lays it")
    new = without_outputs(nbformat.read(pristine[0], as_version=4))
    ledger, fingerprint = work / ".laid.json", _fingerprint(new)
    restored = _with_cells_of(new, mine, exercise) if exercise else new
    kept = aside(mine)
    shutil.copy2(mine, kept)
    nbformat.write(restored, mine)
    if not exercise:
        ledger.write_text(json.dumps(_read_ledger(ledger) | {mine.name: fingerprint}, indent=1),
                          "utf-8")
    return (f"{f'exercise {exercise} in ' if exercise else ''}{mine.name} is as it was laid; what "
            f"you had is in {kept.name}. If the lesson is open, reload it: File, Reload.")


def _with_cells_of(pristine: NotebookNode, mine: Path, exercise: str) -> NotebookNode:
    fresh = {cell.id: cell for cell in exercise_cells(pristine, exercise)}
    require(bool(fresh), "exercise", exercise, "one of this lesson, such as 3.2")
    try:
        notebook = nbformat.read(mine, as_version=4)
    except Exception:  # whatever is in it, it is no notebook
        raise ValueError(f"{mine} is no notebook any more; reset the whole lesson") from None
    if not set(fresh) <= {cell.get("id") for cell in notebook.cells}:
        raise ValueError(f"{mine} has lost cells of exercise {exercise}; reset the whole lesson")
    notebook.cells = [fresh.get(cell.id, cell) for cell in notebook.cells]
    return notebook
