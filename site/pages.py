"""The pages beside the lessons: what stands between @@ in them is filled in from the repository."""

import re
from html import escape
from pathlib import Path

from lessons import Figure
from places import LIVE, NOTEBOOKS, rows, section

PLACE = re.compile(r"^@@(\w+) ?(.*?)@@$", re.MULTILINE)
DRAW = ("Here you write a digit with mouse or finger, once scripts run: the network reads it, and "
        "you see at which sparsity it no longer can.")


def write_pages(folder: Path, sources: Path, figures: list[Figure], pdf: str) -> None:
    """Write all pages of a folder into the sources, filled in; `pdf` is the PDF's name or ""."""
    fillers = {"lessons": lambda _: lesson_table(), "figures": lambda _: figure_list(figures),
               "section": quoted, "live": lambda name: live(name, figures),
               "pdf": lambda _: pdf_line(pdf)}
    for page in folder.glob("*.md"):
        filled = PLACE.sub(lambda place: fillers[place[1]](place[2]), page.read_text("utf-8"))
        (sources / page.name).write_text(filled, "utf-8")


def lesson_table() -> str:
    """Return README's table of the lessons, linked to the pages."""
    lines = ["| lesson | the question | for a learner | runs in |", "|---|---|---|---|"]
    lines += [f"| [{row.title}]({row.file}) | {row.question} | {row.minutes} | {row.seconds} |"
              for row in rows()]
    return "\n".join(lines)


def figure_list(figures: list[Figure]) -> str:
    """Return links to all figures, lesson by lesson."""
    lines, lesson = [], ""
    for figure in figures:
        if figure.lesson != lesson:
            lesson = figure.lesson
            lines += ["", f"## {next(row.title for row in rows() if row.file[:2] == lesson)}", ""]
        lines.append(f'- <a href="{figure.page}#{figure.anchor}">{escape(figure.title)}</a>')
    return "\n".join(lines)


def live(name: str, figures: list[Figure]) -> str:
    """Return the place of a live figure: with its picture from a lesson, or with a sentence.

    Where the live figures are not built, one without a picture leaves no trace.
    """
    still = next((figure for figure in figures if figure.live == name), None)
    if still is not None:
        return (f'<figure class="picture"><div class="live" data-live="{name}" '
                f'data-static="{still.file}">{still.image}</div></figure>')
    if not (LIVE / "live.js").is_file():
        return ""
    return f'<div class="live" data-live="{name}" data-static=""><p>{DRAW}</p></div>'


def quoted(place: str) -> str:
    """Return a section of a document, given as "FILE | HEADING", with links that hold here."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)([^)]+)\)", _link, section(*place.split(" | ")))


def _link(link: re.Match) -> str:
    name = Path(link[2]).name
    if (NOTEBOOKS / name).is_file():
        return f"[{link[1]}]({name})"
    return f"[{link[1]}](true.md)" if name == "CONTRIBUTING.md" else link[1]


def pdf_line(pdf: str) -> str:
    """Return a link to the course as one PDF; nothing where it cannot be printed."""
    return f'\n<p>The whole course on paper: <a href="{pdf}">one PDF</a>.</p>' if pdf else ""
