"""What `make test` adds to pytest: quiet progress bars, and the executed notebook of a failure."""

import copy
import os
from pathlib import Path

import nbformat
import pytest

FAILED = set()

os.environ["TQDM_DISABLE"] = "1"  # kernels inherit it; a progress bar is no result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember the notebook of a failed cell."""
    report = yield
    if report.failed and hasattr(item, "cell_num"):
        FAILED.add(item.parent)
    return report


def pytest_sessionfinish(session):
    """Write the outputs that a failed notebook gave this time, beside the JUnit report."""
    folder = Path(session.config.option.xmlpath or "build/junit.xml").parent / "executed"
    for file in FAILED:
        notebook = copy.deepcopy(file.nb)
        codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for item in session.items:
            if item.parent is file:
                codes[item.cell_num].outputs = item.test_outputs or []
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / file.path.name)
