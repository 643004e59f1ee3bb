"""The lessons as notebooks: lay working copies, execute, time, store, and say what is amiss."""

import copy
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

HOME = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = HOME / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
KNOWN_TAG = "nbval-ignore-output"  # the cell must run; its output differs between machines
OUTPUT_BYTES = 500_000
CELL_SECONDS = 120
LESSON_SECONDS = 60


def find(lesson: str = "", folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the lessons whose file name starts with `lesson`, all of them for ""."""
    found = sorted(folder.glob(f"{lesson}*.ipynb"))
    if not found:
        names = ", ".join(path.stem for path in sorted(folder.glob("*.ipynb")))
        raise ValueError(f"lesson is {lesson!r}; allowed is the beginning of one of {names}")
    return found


# Working copies

def lay_copies(work: Path, folder: Path = NOTEBOOKS) -> list[str]:
    """Lay copies of the lessons into `work`; return what was done, a sentence each.

    A copy whose cells a learner has changed stays as it is; running a copy does not count as
    changing it. Copies come without outputs, so that a prediction comes before its result.
    """
    work.mkdir(exist_ok=True)
    ledger = work / ".laid.json"  # lesson -> fingerprint of the version that was laid
    laid = _read_ledger(ledger)
    said = [_lay(lesson, work / lesson.name, laid) for lesson in find(folder=folder)]
    ledger.write_text(json.dumps(laid, indent=1), "utf-8")
    return [sentence for sentence in said if sentence]


def _lay(lesson: Path, mine: Path, laid: dict[str, str]) -> str:
    notebook = nbformat.read(lesson, as_version=4)
    newest, before, found = _fingerprint(notebook), laid.get(lesson.name), _fingerprint_of(mine)
    if found is None or found == before != newest:
        nbformat.write(_without_outputs(notebook), mine)
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


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def reset(lesson: str, work: Path, exercise: str = "", folder: Path = NOTEBOOKS) -> str:
    """Lay a pristine copy of a lesson, or its cells of one exercise; keep the old one, dated.

    Return what was done. A lesson, copy, exercise or cell that is not there raises ValueError.
    """
    pristine = find(lesson, folder)
    if len(pristine) > 1:
        raise ValueError(f"lesson is {lesson!r}; allowed is one lesson, such as 03")
    mine = work / pristine[0].name
    if not mine.is_file():
        raise ValueError(f"{mine} is not there; course lab lays it")
    new = _without_outputs(nbformat.read(pristine[0], as_version=4))
    ledger, fingerprint = work / ".laid.json", _fingerprint(new)
    restored = _with_cells_of(new, mine, exercise) if exercise else new
    kept = mine.with_name(f"{mine.stem} {time.strftime('%Y-%m-%d %H.%M.%S')}.ipynb")
    shutil.copy2(mine, kept)
    nbformat.write(restored, mine)
    if not exercise:
        ledger.write_text(json.dumps(_read_ledger(ledger) | {mine.name: fingerprint}, indent=1),
                          "utf-8")
    return (f"{f'exercise {exercise} in ' if exercise else ''}{mine.name} is as it was laid; what "
            f"you had is in {kept.name}. If the lesson is open, reload it: File, Reload.")


def exercise_cells(notebook: NotebookNode, number: str) -> list[NotebookNode]:
    """Return the cells of an exercise: the one that checks, and the code right before it."""
    asks = (f'check("{number}", ', f'quiz("{number}"')
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and any(ask in cell.source for ask in asks):
            first = place
            while first > 0 and notebook.cells[first - 1].cell_type == "code":
                first -= 1
            return notebook.cells[first:place + 1]
    return []


def _with_cells_of(pristine: NotebookNode, mine: Path, exercise: str) -> NotebookNode:
    fresh = {cell.id: cell for cell in exercise_cells(pristine, exercise)}
    if not fresh:
        raise ValueError(f"exercise is {exercise!r}; allowed is one of this lesson, such as 3.2")
    try:
        notebook = nbformat.read(mine, as_version=4)
    except Exception:  # whatever is in it, it is no notebook
        raise ValueError(f"{mine} is no notebook any more; reset the whole lesson") from None
    if not set(fresh) <= {cell.get("id") for cell in notebook.cells}:
        raise ValueError(f"{mine} has lost cells of exercise {exercise}; reset the whole lesson")
    notebook.cells = [fresh.get(cell.id, cell) for cell in notebook.cells]
    return notebook


# Execution

@dataclass(frozen=True)
class Run:
    """Hold one execution: the notebook with its outputs, seconds for each code cell, a failure."""

    lesson: str
    notebook: NotebookNode
    seconds: float
    cell_seconds: tuple[float, ...]
    failure: str

    @property
    def verdict(self) -> str:
        """Return "ok", "slow" (over a minute) or "FAILED"."""
        if self.failure:
            return "FAILED"
        return "slow" if self.seconds > LESSON_SECONDS else "ok"


def execute(path: Path, tell: Callable[[str], None] = lambda line: None,
            timeout: int = CELL_SECONDS) -> Run:
    """Execute a lesson in a clean kernel without keeping progress; `tell` hears of each cell."""
    os.environ |= {"TQDM_DISABLE": "1", "COURSE_PROGRESS": "off"}  # kernels inherit them
    notebook = _without_outputs(nbformat.read(path, as_version=4))
    codes = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    begun, taken = {}, dict.fromkeys(codes, 0.0)  # seconds, by the cell's place in the notebook

    def begin(cell: NotebookNode, cell_index: int) -> None:
        if cell_index in codes:
            begun[cell_index] = time.perf_counter()
            tell(f"{path.stem}: cell {codes.index(cell_index) + 1} of {len(codes)}")

    def end(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        if cell_index in codes:
            taken[cell_index] = time.perf_counter() - begun[cell_index]

    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}},
                            on_cell_execute=begin, on_cell_executed=end)
    started = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL)
        failure = _stored_error(notebook)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        why = (f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else
               f"no end after {timeout} s" if isinstance(error, CellTimeoutError) else
               "the kernel died")
        failure = f"cell {codes.index(max(begun)) + 1}: {why}"
    return Run(path.stem, notebook, time.perf_counter() - started, tuple(taken.values()), failure)


def _stored_error(notebook: NotebookNode) -> str:
    """Find an error that a cell shows without failing, as one in a widget's callback does."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(codes, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                return f"cell {number}: {output.ename}: {output.evalue}"
    return ""


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
        found += [f"cell {number} has a figure without a text alternative"
                  for output in cell.outputs if _speechless(output.get("data", {}))]
    if notebook.metadata.get("widgets"):
        found.append("the notebook stores widget state")
    return found


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


def table(runs: list[Run]) -> str:
    """Return one line a lesson: cells, seconds, slowest cell, verdict."""
    lines = [f"{'lesson':<24}{'cells':>6}{'seconds':>9}{'slowest cell':>16}  verdict"]
    for run in runs:
        slowest = max(range(len(run.cell_seconds)), key=run.cell_seconds.__getitem__, default=None)
        where = "" if slowest is None else f"{slowest + 1} ({run.cell_seconds[slowest]:.1f} s)"
        over = f", over {LESSON_SECONDS} s" if run.seconds > LESSON_SECONDS else ""
        lines.append(f"{run.lesson:<24}{len(run.cell_seconds):>6}{run.seconds:>9.1f}{where:>16}"
                     f"  {run.verdict}{over}")
        if run.failure:
            lines.append(f"    {run.failure}")
    return "\n".join(lines)


# Storing

def store(run: Run, path: Path) -> None:
    """Write an executed lesson where it is kept."""
    nbformat.write(_lasting(run.notebook), path)


def page(run: Run) -> str:
    """Return an executed lesson as one HTML page that needs no network."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    names = {"metadata": {"name": run.lesson}}
    return exporter.from_notebook_node(_lasting(run.notebook), names)[0]


def _lasting(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook without what is true only today: times, versions, live widgets.

    A live widget's output stays as its static twin alone, which every viewer can show.
    """
    lasting = copy.deepcopy(notebook)
    lasting.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    for cell in lasting.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return lasting
