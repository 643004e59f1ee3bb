"""Figures in the lessons: their title and words are folded, so that none is read before it is seen.

So are claims that begin with "# claim: ", whose sentence answers what was to be predicted.

See `picture` in course_tools/plots/base.py.
"""

import nbformat
import pytest
from notebooks_made_here import code, write

from course_tools.lessons.execution import FIGURE, Run, page, store
from course_tools.lessons.notebooks import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


def figures(path):
    """Return the cells of a lesson that make a picture."""
    return [cell for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code" and "picture(" in cell.source]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_folds_all_its_figures(path):
    for cell in figures(path):
        first = cell.source.splitlines()[0]
        assert first.startswith(FIGURE), f"{first!r}: begin the cell with {FIGURE!r}"
        assert cell.metadata.get("jupyter", {}).get("source_hidden"), f"{first!r}: make refresh"


def executed(tmp_path):
    path = write(tmp_path / "one.ipynb", code("ax = 1"),
                 code("# figure: a < b\npicture(ax, 'b is larger')"),
                 code("# claim: of a and b\nclaim('b is', True)"))
    return Run("one", nbformat.read(path, as_version=4), 0.0, (), ""), path


def test_a_figure_is_stored_folded_and_nothing_else(tmp_path):
    run, path = executed(tmp_path)
    store(run, path)
    hidden = [cell.metadata.get("jupyter", {}).get("source_hidden", False)
              for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert hidden == [False, True, True]


def test_on_a_page_it_opens_at_a_click(tmp_path):
    html = page(executed(tmp_path)[0])
    assert html.count("<details>") == 2
    folded = html.split("<details>")[1].split("</details>")[0]
    assert "<code># figure: a &lt; b</code></summary>" in folded
    assert "is larger" in folded
    assert "is larger" not in html.replace(folded, "")
