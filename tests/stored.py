"""The rules of a stored lesson: what would switch its comparison off, or not last."""

import ast
import json
import math
import re

from nbformat import NotebookNode

from course_tools.lessons.notebooks import WIDGET

KNOWN_TAG = "nbval-ignore-output"  # the cell must run; its output differs between machines
OUTPUT_BYTES = 500_000


def problems(notebook: NotebookNode) -> list[str]:
    """Say what would silently switch the comparison of a stored lesson off, or not last.

    nbval passes over a cell whose execution count is empty, so a lesson whose outputs were cleared
    would pass: here it does not.
    """
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = []
    for number, cell in enumerate(codes, start=1):
        if cell.execution_count != number:
            found.append(f"cell {number} has execution count {cell.execution_count}: "
                         "store the lesson with make refresh")
        tags = cell.metadata.get("tags", [])
        found += [f"cell {number} has the tag {tag!r}; allowed is {KNOWN_TAG!r}"
                  for tag in tags if tag != KNOWN_TAG]
        found += [f"cell {number} stores an error: {output.ename}"
                  for output in cell.outputs if output.output_type == "error"]
        if WIDGET in json.dumps(cell.outputs):
            found.append(f"cell {number} stores a live widget")
        if len(json.dumps(cell.outputs)) > OUTPUT_BYTES:
            found.append(f"cell {number} stores more than {OUTPUT_BYTES:,} bytes")
        if KNOWN_TAG not in tags:
            found += [f"cell {number} {why}" for why in _machine_bound(cell)]
        found += [f"cell {number} has a figure without a text alternative"
                  for output in cell.outputs if _speechless(output.get("data", {}))]
    if notebook.metadata.get("widgets"):
        found.append("the notebook stores widget state")
    return found


def _machine_bound(cell: NotebookNode) -> list[str]:
    """Say what in a compared cell another processor would print differently."""
    found = []
    if _ends_in_training(cell.source):
        found.append("ends in a call of train, whose losses differ from one processor to the next: "
                     f"give them a name, or the cell the tag {KNOWN_TAG!r}")
    shown = "\n".join(text for output in cell.outputs for text in _texts(output))
    if digits := re.search(r"\b\d+\.\d{6,}(e[-+]\d+)?|\b\d(\.\d+)?e[-+]\d\d", shown):
        found.append(f"shows {digits[0]}, whose last digits differ from one processor to the next: "
                     f"round it, or give the cell the tag {KNOWN_TAG!r}")
    return found


def _ends_in_training(source: str) -> bool:
    """Tell whether what a cell shows last is what `train` returned, also as part of a list."""
    try:
        last = ast.parse(source).body[-1]
    except (SyntaxError, IndexError):
        return False
    return isinstance(last, ast.Expr) and not source.rstrip().endswith(";") and _is_trained(last)


def _is_trained(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):  # what another function makes of it is not looked into
        return getattr(node.func, "id", getattr(node.func, "attr", "")) == "train"
    return any(map(_is_trained, ast.iter_child_nodes(node)))


def _texts(output: NotebookNode) -> list[str]:
    """Return what an output says in words, pictures left out."""
    data = output.get("data", {})
    return [output.get("text", ""), data.get("text/plain", ""),
            re.sub(r"data:image/[^\"']*", "", data.get("text/html", ""))]


def _speechless(data: dict) -> bool:
    """Tell whether an output is a figure, and some picture in it has no text alternative."""
    pictures = re.findall(r"<(?:img|svg)\b[^>]*>", data.get("text/html", ""))
    drawn = any(kind.startswith("image/") for kind in data)
    return any(not re.search(r'\balt="[^"]', tag) for tag in pictures) or (drawn and not pictures)


def minutes(notebook: NotebookNode) -> int:
    """Estimate a learner's minutes, to the next five.

    200 words of prose a minute, half a minute a code cell, and what the exercises say they take.
    An estimate until a class has been timed.
    """
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    codes = sum(cell.cell_type == "code" for cell in notebook.cells)
    exercises = sum(map(int, re.findall(r"difficulty \d\s+of\s+3,\s+(\d+)\s+minutes?\b", prose)))
    return 5 * math.ceil((len(prose.split()) / 200 + codes / 2 + exercises) / 5)
