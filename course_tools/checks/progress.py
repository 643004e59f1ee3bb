"""Progress: which exercises were tried and which are right, in one file that stays on the machine.

It stands in the user's data folder, or where COURSE_PROGRESS says. With COURSE_PROGRESS=off, and
in CI unless a place is given, nothing is read or written.
"""

import html
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock
from platformdirs import user_data_path

from course_lib._files import HOME, write_whole

from course_tools.checks.judge import MARKS
from course_tools.exercises import all_exercises, find

KNOWN = {"tried": MARKS["not yet"], "right": MARKS["right"]}


def place() -> Path | None:
    """Return where progress is kept, None where it is not."""
    asked = os.environ.get("COURSE_PROGRESS", "")
    if asked.lower() == "off" or (not asked and os.environ.get("CI")):
        return None
    return Path(asked) if asked else user_data_path("pruning-course", False) / "progress.json"


def read() -> dict[str, str]:
    """Return {number: "tried" or "right"}; a file that cannot be read is moved aside, and said."""
    path = place()
    if path is None or not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text("utf-8"))["exercises"]
        if not all(state in KNOWN for state in stored.values()):
            raise ValueError
        return stored
    except (ValueError, KeyError, TypeError, AttributeError):
        aside = path.with_name(f"{path.stem} {dated()}{path.suffix}")
        path.replace(aside)
        print(f"Your progress could not be read, so it begins anew. The old file is now {aside}")
        return {}


def record(number: str, state: str) -> None:
    """Keep that an exercise was tried, or is right; what is right stays so. Never raises OSError.

    A learner's answer must be judged even where the disk is full or the folder is not theirs.
    """
    path = place()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), timeout=2):
            stored = read()
            if stored.get(number) not in (state, "right"):
                content = {"schema": 1, "exercises": stored | {number: state}}
                write_whole(path, json.dumps(content, indent=1).encode())
    except OSError as error:
        print(f"Your progress could not be kept ({error.strerror or 'its file is in use'}).")


def dated() -> str:
    """Return date and time for a file's name."""
    return time.strftime("%Y-%m-%d %H.%M.%S")


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


@dataclass(frozen=True, repr=False)
class Panel:
    """Hold how far a learner is: a row a lesson, their sum, and what is next."""

    rows: tuple[Row, ...]
    total: Row
    ahead: str

    def __repr__(self) -> str:
        """Return the table as text."""
        lines = [f"{'lesson':<32}{'exercises':>10}{'points':>10}"]
        lines += [f"{row.what:<32}{f'{row.right} of {row.exercises}':>10}"
                  f"{f'{row.points} of {row.possible}':>10}   {row.marks}".rstrip()
                  for row in (*self.rows, self.total)]
        return "\n".join([*lines, self.ahead])

    def _repr_html_(self) -> str:
        names = "".join(f'<th scope="col">{name}</th>'
                        for name in ("lesson", "exercises", "points", "one by one"))
        body = "".join(
            f'<tr><th scope="row">{html.escape(row.what)}</th><td>{row.right} of {row.exercises}'
            f"</td><td>{row.points} of {row.possible}</td><td>{row.marks}</td></tr>"
            for row in (*self.rows, self.total))
        return (f"<table><caption>Your progress: ✓ right, ✗ not yet, ○ not attempted</caption>"
                f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
                f"<p>{html.escape(self.ahead)}</p>")


def progress_panel() -> Panel:
    """Return how far the learner is, to be shown by a notebook or printed."""
    stored = read()
    lessons = dict.fromkeys(number.split(".")[0] for number in all_exercises())
    rows = tuple(_row(f"{int(lesson):02} {_title(int(lesson))}", stored,
                      [number for number in all_exercises() if number.split(".")[0] == lesson])
                 for lesson in lessons)
    total = _row("in all", stored, list(all_exercises()))
    left = [one for one in all_exercises().values() if stored.get(one.number) != "right"]
    ahead = "All exercises are right." if not left else (
        f"Next: {left[0].number}, {left[0].title} (difficulty {left[0].difficulty} of 3, "
        f"{_minutes(left[0].minutes)}).")
    return Panel(rows, replace(total, marks=""), ahead)


def _row(what: str, stored: Mapping[str, str], numbers: list[str]) -> Row:
    right = [number for number in numbers if stored.get(number) == "right"]
    marks = " ".join(KNOWN.get(stored.get(number), MARKS["not attempted yet"])
                     for number in numbers)
    return Row(what, marks, len(right), len(numbers), _points(right), _points(numbers))


def _points(numbers: list[str]) -> int:
    return sum(find(number).difficulty for number in numbers)


def _minutes(count: int) -> str:
    return "1 minute" if count == 1 else f"{count} minutes"


def _title(lesson: int) -> str:
    """Return a lesson's title as its file has it."""
    found = sorted((HOME / "notebooks").glob(f"{lesson:02}_*.ipynb"))
    return found[0].stem[3:].replace("_", " ") if found else ""
