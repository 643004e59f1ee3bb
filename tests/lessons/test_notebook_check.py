"""The check itself: each kind of broken notebook must fail it, and the message names the cell."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from notebooks_made_here import code, printed, write

from course_tools.lessons.notebooks import HOME, find

GOOD = [code("print('a')", printed("a\n")), code("x = 2")]
CALLBACK = """import ipywidgets
slider = ipywidgets.IntSlider()
slider.observe(lambda change: 1 / 0, "value")
slider.value = 3"""
CLICK = """import ipywidgets
button = ipywidgets.Button()
button.on_click(lambda button: 1 / 0)
button.click()"""
BROKEN = {  # name: (the third cell, what the report says of it)
    "raising": (code("1 / 0"), "ZeroDivisionError"),
    "changed": (code("print(x + 1)", printed("4\n")), "Cell outputs differ"),
    "hanging": (code("while True: pass"), "Timeout of 10 seconds exceeded"),
    "killed": (code("import os; os._exit(1)"), ""),
    "cleared": (code("print(x)", count=1), "Unexpected output fields"),
    "unrun": (code("print(x)", printed("2\n"), count=None), "Unrun reference cell has outputs"),
    "callback": (code(CALLBACK, tags=["nbval-ignore-output"]), "ZeroDivisionError"),
    "click": (code(CLICK, tags=["nbval-ignore-output"]), "ZeroDivisionError"),
    "reworded": (code("from IPython.display import display\ndisplay({'text/html': '<img alt=\"a\" "
                      "src=\"data:image/png;base64,AA\">'}, raw=True)",
                      __import__("nbformat").v4.new_output(
                          "display_data",
                          data={"text/html": '<img alt="b" src="data:image/png;base64,BB">'})),
                 "mismatch 'text/html'"),
}
FINE = {  # what differs from machine to machine and may
    "ignored": code("print(3)", printed("4\n"), tags=["nbval-ignore-output"]),
    "redrawn": code("from IPython.display import display\ndisplay({'text/html': '<img alt=\"a\" "
                    "src=\"data:image/png;base64,AA\">'}, raw=True)",
                    __import__("nbformat").v4.new_output(
                        "display_data",
                        data={"text/html": '<img alt="a" src="data:image/png;base64,BB">'})),
}


def check(folder, *paths, build, extra=(), **environment):
    """Run the project's own check on notebooks below the folder; return exit code and report."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", HOME / "pyproject.toml", "--rootdir", folder, "-q",
         "-p", "no:cacheprovider", "--color=no", f"--junitxml={build / 'junit.xml'}",
         f"--nbval-sanitize-with={HOME / 'tests' / 'sanitize.cfg'}", *extra, *paths],
        cwd=folder, capture_output=True, text=True, env=os.environ | environment)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    for name, (cell, _) in BROKEN.items():
        write(folder / f"{name}.ipynb", *GOOD, cell, code("print(x)", printed("2\n")))
    for name, cell in FINE.items():
        write(folder / f"{name}.ipynb", *GOOD, cell, code("print(x)", printed("2\n")))
    status, text = check(folder, *sorted(folder.glob("*.ipynb")), build=folder,
                         extra=["--nbval-cell-timeout=10"])
    assert status == 1
    return text


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_fails_at_its_cell(report, name):
    assert re.search(rf"FAILED \S*{name}\.ipynb::Cell 2", report)
    part = re.search(rf"(?s)_+ \S*{name}\.ipynb::Cell 2 _+\n(.*?)\n[_=]{{5,}}", report)[1]
    assert BROKEN[name][1] in part
    for earlier in (0, 1):
        assert not re.search(rf"FAILED \S*{name}\.ipynb::Cell {earlier}", report)


@pytest.mark.parametrize("name", FINE)
def test_what_may_differ_passes(report, name):
    assert not re.search(rf"FAILED \S*{name}\.ipynb", report)


def test_a_broken_library_breaks_a_lesson(tmp_path):
    """With keep_top keeping the wrong end, lesson 02 fails the check."""
    (tmp_path / "sitecustomize.py").write_text(
        "import course_lib.masks as masks\n"
        "right = masks.keep_top\n"
        "masks.keep_top = lambda scores, sparsity: right(-scores, sparsity)\n")
    status, text = check(HOME, *find("02"), build=tmp_path, extra=["-x"], PYTHONPATH=str(tmp_path))
    assert status == 1
    assert re.search(r"FAILED notebooks/02_weights_and_masks.ipynb::Cell \d+", text)
    assert "Cell outputs differ" in text
    stored, left = (nbformat.read(path, as_version=4).cells for path in (
        find("02")[0], tmp_path / "executed" / "02_weights_and_masks.ipynb"))
    texts = [[output.get("data", {}).get("text/plain") for cell in (was, now) for output in
              cell.get("outputs", [])] for was, now in zip(stored, left, strict=True)]
    assert any(len(pair) == 2 and pair[0] != pair[1] for pair in texts)
    assert "ipynb" in (tmp_path / "junit.xml").read_text("utf-8")
