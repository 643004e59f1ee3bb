"""The lessons as notebooks: lay working copies, execute, time, store, and say what is amiss."""

import copy
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

HOME = Path(__file__).resolve().parent.parent
NOTEBOOKS = HOME / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
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
    """Execute a lesson from a clean kernel, progress bars off; `tell` hears of each cell."""
    os.environ["TQDM_DISABLE"] = "1"
    notebook = _without_outputs(nbformat.read(path, as_version=4))
    codes = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    clock = [time.perf_counter()]  # the start, then the end of each cell
    cells = iter(range(1, len(codes) + 1))

    def begin(cell: NotebookNode, cell_index: int) -> None:
        if cell_index in codes:
            tell(f"{path.stem}: cell {next(cells)} of {len(codes)}")

    def end(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        if cell_index in codes:
            clock.append(time.perf_counter())

    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}},
                            on_cell_execute=begin, on_cell_executed=end)
    try:
        client.execute(stderr=subprocess.DEVNULL)
        failure = _stored_error(notebook)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        last = str(error).strip().splitlines()[-1]
        failure = f"cell {len(clock) - isinstance(error, CellExecutionError)}: {last}"
    lengths = tuple(after - before for before, after in pairwise(clock))
    return Run(path.stem, notebook, time.perf_counter() - clock[0], lengths, failure)


def _stored_error(notebook: NotebookNode) -> str:
    """Find an error that a cell shows without failing, as one in a widget's callback does."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(codes, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                return f"cell {number}: {output.ename}: {output.evalue}"
    return ""


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
    """Write an executed lesson where it is kept: no timing, no widget state, no versions.

    A live widget's output is stored as its static twin alone, which every viewer can show.
    """
    notebook = copy.deepcopy(run.notebook)
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    nbformat.write(notebook, path)


def page(run: Run) -> str:
    """Return an executed lesson as one HTML page that needs no network."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    html, _ = exporter.from_notebook_node(run.notebook, {"metadata": {"name": run.lesson}})
    return html
