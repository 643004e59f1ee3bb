"""What `make test` adds to pytest: a place of its own, a failed notebook, and three last words."""

import copy
import os
import re
import tempfile
from itertools import takewhile, zip_longest
from pathlib import Path

import nbformat
import pytest

HOME = Path(__file__).resolve().parent
OWN = HOME / "build" / "own"
(OWN / "tmp").mkdir(parents=True, exist_ok=True)
FAILED = set()  # notebook files
LONG = ("04_filters_and_channels", "07_what_is_saved", "10_capstone", "test_capstone",
        "test_experiments", "test_notebook_check", "test_sliders", "test_spread", "test_exercises")
OFFLINE = HOME / "tests" / "lessons" / "offline"
collect_ignore = [str(OFFLINE)]  # it is for kernels, and would block this process
TOLD = []  # for each failure, in three lines: what, why, and where to look

# Kernels inherit these. A progress bar is no result, no check counts as a learner's progress, and
# what Jupyter, Matplotlib, ONNX Runtime, Chromium and others keep or forget stays in the checkout.
tempfile.tempdir = str(OWN / "tmp")
os.environ |= {"TQDM_DISABLE": "1", "COURSE_PROGRESS": "off", "TMPDIR": tempfile.tempdir} | {
    name: str(OWN / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NPM_CONFIG_CACHE")}
if "PYTEST_XDIST_WORKER" in os.environ:  # several run at once: each takes one core
    os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no worker is left with it at the end."""
    def place(item):
        name = item.path.stem
        return (name not in LONG, not hasattr(item, "cell_num"))
    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """Start the kernels of the lessons with every address but loopback blocked."""
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(item, "cell_num"):
            path = [os.environ.get("PYTHONPATH"), str(OFFLINE)]
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        return (yield)


def pytest_report_header():
    """Name the instructions that torch computes with: PROCESSOR=... simulates others."""
    import torch

    return (f"processor: torch computes with {torch.backends.cpu.get_cpu_capability()} "
            "instructions; see PROCESSOR in CONTRIBUTING")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember a failed notebook, and put what a newcomer should be told into the report."""
    report = yield
    if report.failed and hasattr(item, "cell_num"):
        FAILED.add(item.parent)
        report.told = _told(item, call.excinfo.value)
    return report


def pytest_runtest_logreport(report):
    """Collect what is told, also from workers."""
    if report.failed:
        TOLD.append(getattr(report, "told", None) or _told_of_test(report))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    """Write the outputs that a failed notebook gave this time; end with three lines."""
    for file in FAILED:
        _write_executed(file, session)
    result = yield
    if TOLD and not hasattr(session.config, "workerinput"):
        first, *rest = TOLD[0]
        more = f" (the first of {len(TOLD)} failures)" if len(TOLD) > 1 else ""
        session.config.get_terminal_writer().write("\n".join([f"\n{first}{more}", *rest, ""]))
    return result


def _executed(file):
    """Return where the executed copy of a failed notebook goes: beside the JUnit report."""
    reports = Path(file.config.option.xmlpath or "build/junit.xml").parent
    return reports / "executed" / file.path.name


def _write_executed(file, session):
    notebook = copy.deepcopy(file.nb)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for item in session.items:
        if item.parent is file:
            codes[item.cell_num].outputs = item.test_outputs or []
    _executed(file).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, _executed(file))


def _told(item, error):
    """Return three lines: which lesson and cell, what differed, where the executed notebook is."""
    cell = f"cell [{item.cell_num + 1}], \"{item.cell.source.strip().splitlines()[0]}\""
    return [f"FAILED lesson {item.parent.path.stem}, {cell}: {error}",
            f"  {_what_differed(item)}",
            f"  the notebook as it ran here: {_executed(item.parent)}"]


def _told_of_test(report):
    """Return three lines for a failure outside the lessons."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return [f"FAILED {report.nodeid}: no lesson, but the code under the lessons",
            f"  {(crash.message if crash else str(report.longrepr)).strip().splitlines()[0]}",
            "  the whole report stands above"]


def _what_differed(item):
    """Return the first line that is not as stored, or the error that the cell raised."""
    here = item.test_outputs or []
    for output in here:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
    stored, found = (_lines(item, outputs) for outputs in (item.cell.outputs, here))
    pairs = zip_longest(stored, found, fillvalue="(nothing)")
    return next((f'stored "{_short(was, now)}", here "{_short(now, was)}"'
                 for was, now in pairs if was != now), "no output of it came back")


def _lines(item, outputs):
    texts = [text for output in outputs for text in (
        output.get("text", ""), *(output.get("data", {}).get(kind, "") for kind in (
            "text/plain", "text/html")))]
    return item.sanitize("\n".join(texts)).splitlines()


def _short(text, other):
    """Return 60 characters of a line at most, from a little before the two differ."""
    pairs = zip(text, other, strict=False)
    begin = max(0, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) - 20)
    return ("…" if begin else "") + re.sub(r"\s+", " ", text[begin:begin + 60])
