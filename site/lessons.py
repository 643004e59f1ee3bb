"""The lessons as the site shows them: the stored notebooks, with pictures as files, with tasks.

Nothing is executed. A cell that asks an exercise gives way to the task itself.
"""

import base64
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat
import tasks
from exercises import EXERCISES, Quiz
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from places import NOTEBOOKS, live_at, table_row
from wording import worded

ASKS = re.compile(r'\b(?:check|quiz)\("(\d+\.\d+)"')
TASK = re.compile(r"\n\n(?=\*\*Exercise \d+\.\d+\*\* \()")
PICTURE = re.compile(r'<img ([^>]*?)decoding="sync" style="[^"]*" '
                     r'src="data:image/png;base64,([^"]+)">')
FIGURE, HIDDEN = "# figure: ", re.compile(r"# (?:claim: )?(.+)")
BOX = re.compile(r"^- \[ \] ", re.MULTILINE)
COLUMNS = re.compile(r"\S {2,}\S|^\s+\S", re.MULTILINE)  # words one below the other
TITLE = re.compile(r'title(?:\(|=)f?"([^"{}]+)"')


@dataclass(frozen=True)
class Figure:
    """Hold a figure: its lesson and page, number, caption, file, <img>, and name where it lives."""

    lesson: str
    page: str
    number: str
    caption: str
    file: str
    image: str
    live: str

    @property
    def anchor(self) -> str:
        """Return its anchor, "figure-2-1" for 2.1."""
        return f"figure-{self.number.replace('.', '-')}"

    @property
    def title(self) -> str:
        """Return number and caption, "Figure 2.1: three inputs"."""
        return f"Figure {self.number}{': ' if self.caption else ''}{self.caption}"


def write_lesson(path: Path, sources: Path) -> list[Figure]:
    """Write one lesson and its pictures into the sources of the site; return its figures."""
    (sources / "pictures").mkdir(exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    page, figures, cells = Page(path, sources), [], []
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell, source in zip(prose, worded([cell.source for cell in prose], page.lesson),
                            strict=True):
        cell.source = source
    for cell in notebook.cells:
        cells += _prose(cell) if cell.cell_type == "markdown" else [_code(cell, page, figures)]
    cells[0:1] = _with_line(cells[0].source, path)
    _require_all_tasks(cells, page.lesson)
    notebook.cells = cells
    nbformat.write(notebook, sources / path.name)
    return figures


@dataclass(frozen=True)
class Page:
    """Hold which lesson is written, and where to."""

    path: Path
    sources: Path

    @property
    def lesson(self) -> str:
        """Return the number of the lesson, such as "02"."""
        return self.path.stem[:2]


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
    """Link the names of other lessons' files to their pages; draw the boxes of a checklist."""
    source = BOX.sub("- ☐ ", source)
    return re.sub(r"`(\d\d_\w+\.ipynb)`", lambda name: (
        f"[{name[0]}]({name[1]})" if (NOTEBOOKS / name[1]).is_file() else name[0]), source)


def _code(cell: NotebookNode, page: Page, figures: list[Figure]) -> NotebookNode:
    if asks := ASKS.search(cell.source):
        exercise = EXERCISES[asks[1]]
        task = tasks.quiz if isinstance(exercise, Quiz) else tasks.closing
        return new_markdown_cell(task(exercise, page.lesson))
    live = live_at(page.lesson, cell.source)
    caption = live.shown or (title[1] if (title := TITLE.search(cell.source)) else "")
    if cell.source.startswith(FIGURE):
        caption = cell.source.splitlines()[0].removeprefix(FIGURE)
        _fold(cell, f"Code of figure {int(page.lesson)}.{len(figures) + 1}")
    elif cell.metadata.get("jupyter", {}).get("source_hidden"):
        _fold(cell, f"Code: {HIDDEN.match(cell.source)[1]}".replace(" %", "\u00a0%"))
    if cell.outputs and all(map(_is_sentences, cell.outputs)):
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), "sentences"]
    for output in cell.outputs:
        if image := PICTURE.search(output.get("data", {}).get("text/html", "")):
            figures.append(_lifted(image, page, f"{len(figures) + 1}", caption, live.name))
            output.data = {"text/html": figure_html(figures[-1])}
    return cell


def _fold(cell: NotebookNode, words: str) -> None:
    """Fold a cell's code behind a line that says what it is."""
    prompts = dict.fromkeys(("code_prompt_show", "code_prompt_hide"), words)
    cell.metadata = {"tags": ["hide-input"], "mystnb": prompts}


def _is_sentences(output: NotebookNode) -> bool:
    """Return whether an output is text without columns, which may break wherever a line ends."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return bool(text) and "text/html" not in output.get("data", {}) and not COLUMNS.search(text)


def _lifted(image: re.Match, page: Page, count: str, caption: str, live: str) -> Figure:
    """Write a picture into a file of its own; return the figure that shows it."""
    file = f"pictures/{page.lesson}-{count}.png"
    (page.sources / file).write_bytes(base64.b64decode(image[2]))
    return Figure(page.lesson, f"{page.path.stem}.html", f"{int(page.lesson)}.{count}", caption,
                  file, f'<img {image[1]}loading="lazy" decoding="async" src="{file}">', live)


def figure_html(figure: Figure) -> str:
    """Return a figure with its caption; where a live one comes, the picture holds its place."""
    image = figure.image
    if figure.live:
        image = (f'<div class="live" data-live="{figure.live}" data-static="{figure.file}">'
                 f"{image}</div>")
    larger = "" if figure.live else (
        f' <a class="enlarge" href="{figure.file}" aria-label="Enlarge figure {figure.number}">'
        "Enlarge</a>")
    return (f'<figure class="picture" id="{figure.anchor}">{image}'
            f"<figcaption>{escape(figure.title)}{larger}</figcaption></figure>")


def _require_all_tasks(cells: list[NotebookNode], lesson: str) -> None:
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for number in EXERCISES:
        if number.split(".")[0].zfill(2) == lesson and f'id="{tasks.anchor(number)}"' not in text:
            raise ValueError(f"exercise {number} has no place in lesson {lesson}; allowed is a "
                             "task that begins with its number in bold, or a quiz")
