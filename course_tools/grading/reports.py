"""What an instructor and each learner get to read: one CSV file, and a page a learner."""

import csv
import hashlib
import html
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from course_tools.checks.judge import MARKS, Verdict
from course_tools.exercises import find, lesson_of, of_lesson
from course_tools.exercises.kinds import Quiz

STYLE = ("body{font:1.05rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
         "table{border-collapse:collapse}th,td{border:1px solid #767676;padding:.3em .4em;"
         "text-align:left;vertical-align:top}td:last-child{overflow-wrap:anywhere}"
         "pre{white-space:pre-wrap;margin:.3rem 0}@media(max-width:30rem){table{font-size:.8rem}}"
         ":root{color-scheme:light dark}")
UNANSWERED = ("No answer in the notebook. A button's press is not saved there: write it in the "
              'cell, quiz("{}", …), and save.')


@dataclass(frozen=True)
class Grade:
    """Hold a learner's verdicts by the numbers of today, what was not graded, and the seconds."""

    learner: str
    verdicts: dict[str, Verdict]
    problems: tuple[str, ...] = ()
    seconds: float = 0.0


def points(verdict: Verdict | None) -> int:
    """Return an exercise's points, as many as its difficulty, or none."""
    right = verdict is not None and verdict.state == "right"
    return find(verdict.number).difficulty if right else 0


def columns(grades: Iterable[Grade]) -> list[str]:
    """Return the exercises of all lessons of which anyone has handed in an answer."""
    lessons = sorted({lesson_of(number) for grade in grades for number in grade.verdicts})
    return [one.number for lesson in lessons for one in of_lesson(lesson)]


def table(grades: list[Grade]) -> str:
    """Return the CSV: a row a learner, points by exercise, their sum, what could be reached.

    An empty field: nothing was handed in for it. What a spreadsheet would take for a formula gets
    an apostrophe before it.
    """
    numbers, file = columns(grades), io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["learner", *numbers, "points", "of", "not graded"])
    for grade in grades:
        given = [points(grade.verdicts[number]) if number in grade.verdicts else ""
                 for number in numbers]
        row = [shown(grade.learner), *given, sum(map(points, grade.verdicts.values())),
               sum(find(number).difficulty for number in numbers), shown("; ".join(grade.problems))]
        writer.writerow([f"'{part}" if str(part).startswith(("=", "+", "-", "@", "\t")) else part
                         for part in row])
    return file.getvalue()


def file_name(learner: str) -> str:
    """Return the name of a learner's page; two learners never share one."""
    name = quote(os.fsencode(learner), safe="")
    short = name if len(name) <= 150 else hashlib.sha256(name.encode()).hexdigest()
    return f"{short}.html"


def shown(text: str) -> str:
    """Return a text without what a terminal would obey and what no file could hold.

    >>> shown("Zoë" + chr(27) + "[2J")
    'Zoë�[2J'
    """
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def page(grade: Grade) -> str:
    """Return a learner's feedback as one HTML page that needs no other file."""
    name = html.escape(shown(grade.learner))
    lessons = sorted({lesson_of(number) for number in grade.verdicts})
    reached = sum(map(points, grade.verdicts.values()))
    possible = sum(one.difficulty for lesson in lessons for one in of_lesson(lesson))
    missing = "".join(f"<li>{html.escape(shown(problem))}</li>" for problem in grade.problems)
    return "".join([
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Feedback for {name}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>Feedback for {name}</h1><p>{reached} of {possible} points.</p>",
        f"<h2>Not graded</h2><ul>{missing}</ul>" if missing else "",
        *(_lesson(lesson, grade) for lesson in lessons), "</main></body></html>\n"])


def _lesson(lesson: str, grade: Grade) -> str:
    heads = "".join(f'<th scope="col">{head}</th>'
                    for head in ("Exercise", "Points", "Verdict", "What was seen"))
    rows = "".join(_row(one, grade.verdicts.get(one.number)) for one in of_lesson(lesson))
    return (f"<h2>Lesson {lesson}</h2><table><caption>Exercises of lesson {lesson}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")


def _row(exercise: object, verdict: Verdict | None) -> str:
    verdict = verdict or Verdict(exercise.number, "not attempted yet", "It was not handed in.")
    text = verdict.text
    if isinstance(exercise, Quiz) and verdict.state == "not attempted yet" and not text:
        text = UNANSWERED.format(exercise.number)
    lines = f"<pre>{html.escape(chr(10).join(verdict.lines))}</pre>" if verdict.lines else ""
    title = html.escape(f"{exercise.number} {exercise.title}")
    return (f'<tr><th scope="row">{title}</th><td>{points(verdict)} of {exercise.difficulty}</td>'
            f"<td>{MARKS[verdict.state]} {verdict.state}</td>"
            f"<td>{html.escape(text)}{lines}</td></tr>")
