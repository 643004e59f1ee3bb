"""Grade a folder of notebooks: answers, what came of them, verdicts."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from course_tools.checks.judge import MARKS, Verdict
from course_tools.grading.isolation import Limits, require_isolation, run
from course_tools.grading.reading import answers, handed_in, read
from course_tools.grading.reports import Grade, shown
from course_tools.grading.wire import frame, frames


def grade_folder(folder: Path, limits: Limits, jobs: int = 1) -> Iterator[Grade]:
    """Yield a grade for each learner of a folder, in the order of their names.

    Where the sandbox is asked for and cannot be made, ValueError.
    """
    if limits.isolated:
        require_isolation(folder)
    learners = handed_in(folder)
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_grade, limits=limits), learners, learners.values())


def _grade(learner: str, paths: list[Path], limits: Limits) -> Grade:
    """Grade a learner's notebooks; of two answers to an exercise the newer file's counts."""
    verdicts: dict[str, Verdict] = {}
    problems, started = [], time.monotonic()
    for path in paths:
        try:
            found = verdicts_of(path, limits)
        except ValueError as error:
            problems.append(f"{path.name}: {error}")
            continue
        verdicts |= {one.number: one for one in found
                     if one.state != "not attempted yet" or one.number not in verdicts}
    return Grade(learner, verdicts, tuple(problems), time.monotonic() - started)


def verdicts_of(path: Path, limits: Limits) -> list[Verdict]:
    """Return the verdicts on a notebook's answers; one that holds none raises ValueError."""
    tasks = answers(read(path))
    if not tasks:
        raise ValueError("it answers no exercise of the course")
    given = json.dumps([vars(task) for task in tasks]).encode()
    came = run("course_tools.grading.answering", given, limits)
    numbers = frame(json.dumps([task.number for task in tasks]).encode())
    judged = run("course_tools.grading.judging", numbers + came, limits, forks=True)
    return _verdicts([task.number for task in tasks], judged)


def _verdicts(numbers: list[str], judged: bytes) -> list[Verdict]:
    """Return what the judge wrote; an answer at which it failed is not right."""
    found = [json.loads(message) for message in frames(judged)]
    verdicts = {one["number"]: Verdict(one["number"], one["state"], one["text"],
                                       tuple(one["lines"])) for one in found}
    lost = "judging it took too much memory or time"
    return [verdicts.get(number) or Verdict(number, "raised", lost) for number in numbers]


def summary(grade: Grade) -> str:
    """Return a line about a learner: marks, seconds, what was not graded."""
    marks = " ".join(f"{number} {MARKS[one.state]}" for number, one in grade.verdicts.items())
    return shown("  ".join([f"{grade.learner:<20} {grade.seconds:5.1f} s", marks,
                            *grade.problems]))
