"""Execute lessons without a browser: time them, store them, show them as a page."""

import copy
import itertools
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_tools.lessons.notebooks import WIDGET, without_outputs

FIGURE = "# figure: "  # how a cell begins that is stored folded: see plots.picture
FOLDED = (FIGURE, "# claim: ")  # a claim, where its sentence would tell what was to be predicted
PAGE = """{% extends 'lab/index.html.j2' %}{% block input %}
{% if cell.metadata.get('jupyter', {}).source_hidden %}<details><summary>
<code>{{ cell.source.splitlines()[0] | escape }}</code></summary>{{ super() }}</details>
{% else %}{{ super() }}{% endif %}{% endblock input %}"""
CELL_SECONDS = 120
LESSON_SECONDS = 60


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
    notebook = without_outputs(nbformat.read(path, as_version=4))
    codes = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    clock = {index: [] for index in codes}  # for each code cell, when it began and when it ended

    def note(cell: NotebookNode, cell_index: int, execute_reply: dict | None = None) -> None:
        if cell_index in codes:
            clock[cell_index].append(time.perf_counter())
            if execute_reply is None:
                tell(f"{path.stem}: cell {codes.index(cell_index) + 1} of {len(codes)}")

    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}},
                            on_cell_execute=note, on_cell_executed=note)
    started = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL,
                       env=os.environ | {"TQDM_DISABLE": "1", "COURSE_PROGRESS": "off"})
        failure = _stored_error(notebook)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        last = max(index for index in codes if clock[index])
        failure = f"cell {codes.index(last) + 1}: {_why(error, timeout)}"
    seconds = tuple(times[1] - times[0] if len(times) == 2 else 0.0 for times in clock.values())
    return Run(path.stem, notebook, time.perf_counter() - started, seconds, failure)


def _why(error: Exception, timeout: int) -> str:
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}"
    return f"no end after {timeout} s" if isinstance(error, CellTimeoutError) else "the kernel died"


def _stored_error(notebook: NotebookNode) -> str:
    """Find an error that a cell shows without failing, as one in a widget's callback does."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return next((f"cell {number}: {output.ename}: {output.evalue}"
                 for number, cell in enumerate(codes, start=1) for output in cell.outputs
                 if output.output_type == "error"), "")


def table(runs: list[Run]) -> str:
    """Return one line a lesson: cells, seconds, slowest cell, verdict."""
    lines = [f"{'lesson':<24}{'cells':>6}{'seconds':>9}{'slowest cell':>16}  verdict"]
    for run in runs:
        seconds, slowest = max(zip(run.cell_seconds, itertools.count(1)), default=(0.0, 0))
        where = f"{slowest} ({seconds:.1f} s)" if slowest else ""
        over = f", over {LESSON_SECONDS} s" if run.seconds > LESSON_SECONDS else ""
        lines.append(f"{run.lesson:<24}{len(run.cell_seconds):>6}{run.seconds:>9.1f}{where:>16}"
                     f"  {run.verdict}{over}")
        if run.failure:
            lines.append(f"    {run.failure}")
    return "\n".join(lines)


def store(run: Run, path: Path) -> None:
    """Write an executed lesson where it is kept."""
    nbformat.write(_lasting(run.notebook), path)


def page(run: Run) -> str:
    """Return an executed lesson as one HTML page that needs no network."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", raw_template=PAGE)
    names = {"metadata": {"name": run.lesson}}
    return exporter.from_notebook_node(_lasting(run.notebook), names)[0]


def _lasting(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook without what is true only today: times, versions, live widgets.

    A live widget's output stays as its static twin alone, which every viewer can show. Cells whose
    words a learner should not read before they have predicted are folded.
    """
    lasting = copy.deepcopy(notebook)
    lasting.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    for cell in lasting.cells:
        cell.metadata.pop("execution", None)
        if cell.source.startswith(FOLDED):
            cell.metadata["jupyter"] = {"source_hidden": True}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return lasting
