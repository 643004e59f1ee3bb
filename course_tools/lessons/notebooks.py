"""The lessons as stored notebooks: find them, their exercises, and a copy without outputs."""

import copy
from pathlib import Path

from nbformat import NotebookNode

from course_lib._allowed import require
from course_lib._files import HOME

NOTEBOOKS = HOME / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def find_lessons(lesson: str = "", folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the lessons whose file name starts with `lesson`, all of them for ""."""
    every = sorted(folder.glob("*.ipynb"))
    found = [path for path in every if path.name.startswith(lesson)]
    require(bool(found), "lesson", lesson,
            f"the beginning of one of {', '.join(path.stem for path in every)}")
    return found


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook whose code cells have neither outputs nor counts."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def exercise_cells(notebook: NotebookNode, number: str) -> list[NotebookNode]:
    """Return the cells of an exercise: the one that checks, and the code right before it."""
    asks = (f'check("{number}", ', f'quiz("{number}"')
    for last, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and any(ask in cell.source for ask in asks):
            first = last
            while first > 0 and notebook.cells[first - 1].cell_type == "code":
                first -= 1
            return notebook.cells[first:last + 1]
    return []
