"""The lessons as the site shows them: the stored notebooks, with pictures as files, with tasks.

Nothing is executed. A cell that asks an exercise gives way to the task itself.
"""

import base64
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import nbformat
import tasks
from exercises import EXERCISES, Quiz
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from places import NOTEBOOKS, live_at, table_row

ASKS = re.compile(r'\b(?:check|quiz)\("(\d+\.\d+)"')
TASK = re.compile(r"\n\n(?=\*\*Exercise \d+\.\d+\*\* \()")
PICTURE = re.compile(r'<img ([^>]*?)decoding="sync" style="[^"]*" '
                     r'src="data:image/png;base64,([^"]+)">')
FIGURE = "# figure: "


@dataclass
class Figures:
    """Collect the figures of a lesson: their numbers, anchors and captions."""

    lesson: str
    folder: Path
    found: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, caption: str, png: bytes) -> tuple[str, str]:
        """Write a picture; return its number, such as "2.3", and its file."""
        number = f"{int(self.lesson)}.{len(self.found) + 1}"
        name = f"{self.lesson}-{len(self.found) + 1}.png"
        (self.folder / name).write_bytes(png)
        self.found.append((number, f"figure-{number.replace('.', '-')}", caption))
        return number, f"pictures/{name}"


def write_lesson(path: Path, sources: Path) -> Figures:
    """Write one lesson into the sources of the site; return its figures."""
    notebook = nbformat.read(path, as_version=4)
    lesson = path.stem[:2]
    (sources / "pictures").mkdir(exist_ok=True)
    figures = Figures(lesson, sources / "pictures")
    cells = [shown for cell in notebook.cells for shown in (
        _prose(cell) if cell.cell_type == "markdown" else [_code(cell, figures)])]
    cells[0:1] = _with_line(cells[0].source, path)
    _require_all_tasks(cells, lesson)
    notebook.cells = cells
    nbformat.write(notebook, sources / path.name)
    return figures


def _with_line(source: str, path: Path) -> list[NotebookNode]:
    """Put below the title how long the lesson takes, and how to run it."""
    title, rest = source.split("\n", 1)
    row = table_row(path)
    line = (f'<p class="lesson-line">For a learner {row.minutes} · runs in {row.seconds} · '
            f'to run it yourself: <code>make lab</code>, then open <code>{path.name}</code></p>')
    return [new_markdown_cell(f"{title}\n\n{line}\n\n{rest}")]


def _prose(cell: NotebookNode) -> list[NotebookNode]:
    """Return a cell of prose, linked; one that sets an exercise is divided where that begins."""
    parts = TASK.split(_linked(cell.source))
    if not parts[0].startswith("**Exercise "):
        return [new_markdown_cell(parts[0]), *map(_task, parts[1:])]
    return [*map(_task, parts)]


def _task(source: str) -> NotebookNode:
    number = re.match(r"\*\*Exercise (\d+\.\d+)", source)[1]
    titled = source.replace(f"Exercise {number}", f"Exercise {number} · "
                            f"{EXERCISES[number].title}", 1)
    return new_markdown_cell(f"{tasks.opening(EXERCISES[number])}{titled}")


def _linked(source: str) -> str:
    """Link the names of other lessons' files to their pages."""
    return re.sub(r"`(\d\d_\w+\.ipynb)`", lambda name: (
        f"[{name[0]}]({name[1]})" if (NOTEBOOKS / name[1]).is_file() else name[0]), source)


def _code(cell: NotebookNode, figures: Figures) -> NotebookNode:
    asks = ASKS.search(cell.source)
    if asks:
        exercise = EXERCISES[asks[1]]
        task = tasks.quiz if isinstance(exercise, Quiz) else tasks.closing
        return new_markdown_cell(task(exercise, figures.lesson))
    caption = live_at(figures.lesson, cell.source).title
    if cell.source.startswith(FIGURE):
        caption = cell.source.splitlines()[0].removeprefix(FIGURE)
        cell.metadata = {"tags": ["hide-input"], "mystnb": {
            "code_prompt_show": f"Code of this figure: {caption}",
            "code_prompt_hide": f"Code of this figure: {caption}"}}
    for output in cell.outputs:
        html = output.get("data", {}).get("text/html", "")
        if PICTURE.search(html):
            output.data = {"text/html": _figure(html, caption, cell.source, figures)}
    return cell


def _figure(html: str, caption: str, source: str, figures: Figures) -> str:
    """Return a picture as <figure>, its PNG in a file; where a live one comes, inside its place."""
    attributes, content = PICTURE.search(html).groups()
    number, file = figures.add(caption, base64.b64decode(content))
    image = f'<img {attributes}loading="lazy" decoding="async" src="{file}">'
    if name := live_at(figures.lesson, source).name:
        image = f'<div class="live" data-live="{name}" data-static="{file}">{image}</div>'
    return (f'<figure class="picture" id="{figures.found[-1][1]}">{image}'
            f"<figcaption>Figure {number}: {escape(caption)}</figcaption></figure>")


def _require_all_tasks(cells: list[NotebookNode], lesson: str) -> None:
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for number in EXERCISES:
        if number.split(".")[0].zfill(2) == lesson and f'id="{tasks.anchor(number)}"' not in text:
            raise ValueError(f"exercise {number} has no place in lesson {lesson}; allowed is a "
                             "task that begins with its number in bold, or a quiz")
