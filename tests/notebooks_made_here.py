"""Small notebooks for the tests of the check, and the check of them."""

import os
import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib._files import HOME


def code(source, *outputs, count=1, tags=()):
    return new_code_cell(source, outputs=list(outputs), execution_count=count,
                         metadata={"tags": list(tags)} if tags else {})


def printed(text):
    return new_output("stream", name="stdout", text=text)


def write(path, *cells):
    for number, cell in enumerate(cells, start=1):
        cell.execution_count = cell.execution_count and number
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def check(folder, *paths, build, extra=(), **environment):
    """Run the project's own check on notebooks below the folder; return exit code and report."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", HOME / "pyproject.toml", "--rootdir", folder, "-q",
         "-p", "no:cacheprovider", "--color=no", f"--junitxml={build / 'junit.xml'}",
         f"--basetemp={build / 'basetemp'}",
         f"--nbval-sanitize-with={HOME / 'tests' / 'sanitize.cfg'}", *extra, *paths],
        cwd=folder, capture_output=True, text=True, env=os.environ | environment)
    return done.returncode, done.stdout + done.stderr
