"""The check itself: each kind of broken notebook must fail it, and the message names the cell."""

import re

import nbformat
import pytest
from notebooks_made_here import check, code, printed, write

from course_tools.lessons.notebooks import HOME, find_lessons

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
    "hanging": (code("while True: pass"), "Timeout of 6 seconds exceeded"),
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


ALONE = ("hanging", "killed")  # after these nothing runs any more


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Check all broken cells; each of ALONE is the last of a notebook, the others share one."""
    folder = tmp_path_factory.mktemp("check")
    together = [cell for name, (cell, _) in BROKEN.items() if name not in ALONE]
    write(folder / "together.ipynb", *GOOD, *together, *FINE.values(),
          code("print(x)", printed("2\n")))
    for name in ALONE:
        write(folder / f"{name}.ipynb", *GOOD, BROKEN[name][0], code("print(x)", printed("2\n")))
    status, text = check(folder, *sorted(folder.glob("*.ipynb")), build=folder,
                         extra=["--nbval-cell-timeout=6"])
    assert status == 1
    return text


def place(name):
    """Return the notebook and the number of a cell, as pytest names it."""
    if name in ALONE:
        return rf"{name}\.ipynb::Cell {len(GOOD)}"
    shared = [each for each in [*BROKEN, *FINE] if each not in ALONE]
    return rf"together\.ipynb::Cell {len(GOOD) + shared.index(name)}"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_cell_fails_with_its_reason(report, name):
    assert re.search(rf"FAILED \S*{place(name)}\b", report)
    part = re.search(rf"(?s)_+ \S*{place(name)} _+\n(.*?)\n[_=]{{5,}}", report)[1]
    assert BROKEN[name][1] in part


@pytest.mark.parametrize("name", FINE)
def test_what_may_differ_passes(report, name):
    assert not re.search(rf"FAILED \S*{place(name)}\b", report)


@pytest.mark.parametrize("notebook", ["together", *ALONE])
def test_the_cells_before_a_broken_one_pass(report, notebook):
    assert not re.search(rf"FAILED \S*{notebook}\.ipynb::Cell [01]\b", report)


def test_the_cells_after_a_broken_one_are_run(report):
    last = len(GOOD) + len(BROKEN) - len(ALONE) + len(FINE)
    assert not re.search(rf"FAILED \S*together\.ipynb::Cell {last}\b", report)
    assert len(re.findall(r"FAILED \S*together\.ipynb::Cell", report)) == (
        len(BROKEN) - len(ALONE))


def test_a_broken_library_breaks_a_lesson(tmp_path):
    """With keep_top keeping the wrong end, lesson 02 fails the check."""
    (tmp_path / "sitecustomize.py").write_text(
        "import course_lib.masks as masks\n"
        "right = masks.keep_top\n"
        "masks.keep_top = lambda scores, sparsity: right(-scores, sparsity)\n")
    status, text = check(HOME, *find_lessons("02"), build=tmp_path, extra=["-x"],
                         PYTHONPATH=str(tmp_path))
    assert status == 1
    assert re.search(r"FAILED notebooks/02_weights_and_masks.ipynb::Cell \d+", text)
    assert "Cell outputs differ" in text
    stored, left = (nbformat.read(path, as_version=4).cells for path in (
        find_lessons("02")[0], tmp_path / "executed" / "02_weights_and_masks.ipynb"))
    texts = [[output.get("data", {}).get("text/plain") for cell in (was, now) for output in
              cell.get("outputs", [])] for was, now in zip(stored, left, strict=True)]
    assert any(len(pair) == 2 and pair[0] != pair[1] for pair in texts)
    assert "ipynb" in (tmp_path / "junit.xml").read_text("utf-8")
    failed, why, where = text.splitlines()[-3:]
    assert re.match(r'FAILED lesson 02_weights_and_masks, cell \[\d+\], "\S.*": Cell out', failed)
    assert re.match(r'  stored "tensor.*", here "tensor', why)
    assert where.startswith(f"  the notebook as it ran here: {tmp_path}/executed/02_weights_and")


def last_lines(tmp_path, name, content):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    else:
        write(path, *GOOD, content)
    status, text = check(tmp_path, path, build=tmp_path, extra=["-p", "conftest"],
                         PYTHONPATH=str(HOME))
    assert status == 1
    return text.splitlines()[-3:]


def test_a_cell_that_raises_is_told_in_three_lines(tmp_path):
    """It raises since it reaches out: the kernels of the check are blocked as those of lessons."""
    cell = code("import socket\nsocket.create_connection(('example.invalid', 80))")
    assert last_lines(tmp_path, "07_x.ipynb", cell) == [
        'FAILED lesson 07_x, cell [3], "import socket": Cell execution caused an exception',
        "  OSError: blocked: socket.getaddrinfo to example.invalid",
        f"  the notebook as it ran here: {tmp_path}/executed/07_x.ipynb"]


def test_a_difference_is_told_by_its_line(tmp_path):
    then, now = "the same\n" + "x" * 40 + "123 then\n", "the same\n" + "x" * 40 + "124 now"
    assert last_lines(tmp_path, "07_x.ipynb", code(f"print({now!r})", printed(then)))[1] == (
        f'  stored "…{"x" * 18}123 then", here "…{"x" * 18}124 now"')


def test_a_test_that_fails_is_told_in_three_lines(tmp_path):
    assert last_lines(tmp_path, "test_x.py", "def test_one():\n    assert 1 == 2\n") == [
        "FAILED test_x.py::test_one: no lesson, but the code under the lessons",
        "  assert 1 == 2",
        "  the whole report stands above"]
