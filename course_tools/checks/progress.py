"""Progress: which exercises were tried and which are right, in one file that stays on the machine.

It stands in the user's data folder, or where COURSE_PROGRESS says. With COURSE_PROGRESS=off, and
in CI unless a place is given, nothing is read or written.
"""

import html
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock
from platformdirs import user_data_path

from course_lib._files import HOME, write_whole

from course_tools.aside import aside
from course_tools.checks.judge import MARKS
from course_tools.exercises import all_exercises, find, lesson_of, of_lesson

KNOWN = {"tried": MARKS["not yet"], "right": MARKS["right"]}
RENUMBERED: tuple[dict[str, str], ...] = (  # {old number: new}, for each time that numbers changed
    {"1.2": "", "1.3": "1.6", "1.4": "1.7", "2.4": "",  # "" where an exercise is gone
     "3.2": "", "3.3": "", "3.4": "3.8"},
    {"7.1": "7.2", "7.2": "7.5", "7.3": "7.6", "7.4": ""},
    {"5.2": "", "5.4": "11.2"},
    {"6.3": "", "6.4": ""},
    {"9.3": "9.5", "9.4": "", "9.5": "9.8", "10.1": ""},
    {"6.2": "6.4", "6.3": "6.5", "6.4": "6.6", "6.5": "6.7", "6.6": "6.2", "6.7": "6.3"},
)


def progress_file() -> Path | None:
    """Return where progress is kept, None where it is not."""
    asked = os.environ.get("COURSE_PROGRESS", "")
    if asked.lower() == "off" or (not asked and os.environ.get("CI")):
        return None
    return Path(asked) if asked else user_data_path("pruning-course", False) / "progress.json"


def read() -> dict[str, str]:
    """Return {number: "tried" or "right"}, by the numbers of today.

    A file that cannot be read is moved aside, and the learner is told.
    """
    path = progress_file()
    if path is None or not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        stored = content["exercises"]
        if not all(state in KNOWN for state in stored.values()):
            raise ValueError
        for changed in RENUMBERED[content.get("schema", 1) - 1:]:
            stored = {changed.get(number, number): state for number, state in stored.items()
                      if changed.get(number, number)}
        return stored
    except (ValueError, KeyError, TypeError, AttributeError):
        old = path.replace(aside(path))
        print(f"Your progress could not be read, so it begins anew. The old file is now {old}")
        return {}


def record(number: str, state: str) -> None:
    """Keep that an exercise was tried, or is right; what is right stays so. Never raises OSError.

    A learner's answer must be judged even where the disk is full or the folder is not theirs.
    """
    path = progress_file()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), timeout=2):
            stored = read()
            if stored.get(number) not in (state, "right"):
                content = {"schema": 1 + len(RENUMBERED), "exercises": stored | {number: state}}
                write_whole(path, json.dumps(content, indent=1).encode())
    except OSError as error:
        print(f"Your progress could not be kept ({error.strerror or 'its file is in use'}).")


# Shown

@dataclass(frozen=True)
class Row:
    """Hold one line of the table: what it is about, a mark for each exercise, and the sums."""

    what: str
    marks: str
    right: int
    exercises: int
    points: int
    possible: int

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Return the line as the table has it."""
        return (self.what, f"{self.right} of {self.exercises}",
                f"{self.points} of {self.possible}", self.marks)


@dataclass(frozen=True, repr=False)
class Panel:
    """Hold how far a learner is: a row a lesson, their sum, and what is next."""

    rows: tuple[Row, ...]
    total: Row
    ahead: str

    def __repr__(self) -> str:
        """Return the table as text."""
        lines = [f"{'lesson':<32}{'exercises':>10}{'points':>10}"]
        for row in (*self.rows, self.total):
            what, exercises, points, marks = row.cells
            lines.append(f"{what:<32}{exercises:>10}{points:>10}   {marks}".rstrip())
        return "\n".join([*lines, self.ahead])

    def _repr_html_(self) -> str:
        names = "".join(f'<th scope="col">{name}</th>'
                        for name in ("lesson", "exercises", "points", "one by one"))
        body = ""
        for row in (*self.rows, self.total):
            what, *others = map(html.escape, row.cells)
            cells = "".join(f"<td>{text}</td>" for text in others)
            body += f'<tr><th scope="row">{what}</th>{cells}</tr>'
        return (f"<table><caption>Your progress: ✓ right, ✗ not yet, ○ not attempted</caption>"
                f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
                f"<p>{html.escape(self.ahead)}</p>")


def progress_panel() -> Panel:
    """Return how far the learner is, to be shown by a notebook or printed."""
    stored = read()
    rows = tuple(_row(f"{lesson} {_title(lesson)}", stored,
                      [exercise.number for exercise in of_lesson(lesson)])
                 for lesson in dict.fromkeys(map(lesson_of, all_exercises())))
    total = replace(_row("in all", stored, list(all_exercises())), marks="")
    left = next((one for one in all_exercises().values() if stored.get(one.number) != "right"),
                None)
    return Panel(rows, total, "All exercises are right." if left is None else (
        f"Next: {left.number}, {left.title} (difficulty {left.difficulty} of 3, "
        f"{left.minutes} minute{'' if left.minutes == 1 else 's'})."))


def _row(what: str, stored: dict[str, str], numbers: list[str]) -> Row:
    right = [number for number in numbers if stored.get(number) == "right"]
    marks = " ".join(KNOWN.get(stored.get(number), MARKS["not attempted yet"])
                     for number in numbers)
    return Row(what, marks, len(right), len(numbers), _points(right), _points(numbers))


def _points(numbers: list[str]) -> int:
    return sum(find(number).difficulty for number in numbers)


def _title(lesson: str) -> str:
    """Return a lesson's title as its file has it."""
    return next((path.stem[3:].replace("_", " ")
                 for path in (HOME / "notebooks").glob(f"{lesson}_*.ipynb")), "")
