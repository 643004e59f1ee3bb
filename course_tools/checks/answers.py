"""Checks: what a learner calls. Nothing here raises on an unfinished or wrong answer."""

import html
import os
from collections import Counter
from dataclasses import dataclass, field

from course_tools.checks import progress
from course_tools.checks.judge import Verdict, as_pre, judge
from course_tools.exercises import find
from course_tools.exercises.kinds import Quiz, written


@dataclass(frozen=True)
class Session:
    """Hold what a learner has done in this kernel, by the numbers of the exercises."""

    attempted: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)  # for a solution, before an attempt
    hints: Counter[str] = field(default_factory=Counter)  # how many were given


SESSION = Session()


@dataclass(frozen=True, repr=False)
class Note:
    """Hold something to be read: a text and lines of code."""

    text: str
    lines: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return text and code, code indented."""
        return "\n".join([self.text, *(f"    {line}".rstrip() for line in self.lines)])

    def _repr_html_(self) -> str:
        return f"<div>{html.escape(self.text)}{as_pre(self.lines)}</div>"


def check(number: str, answer: object) -> Verdict:
    """Return where an answer stands: a function for an exercise, a letter or number for a quiz.

    For a project it is the thing itself, such as a network.

    The verdict is "not attempted yet", "raised", "not yet" or "right". An unknown number raises
    ValueError.
    """
    verdict = judge(find(number), answer)
    if verdict.state != "not attempted yet":
        SESSION.attempted.add(number)
        progress.record(number, "right" if verdict.state == "right" else "tried")
    return verdict


def hint(number: str) -> Note:
    """Return the next hint for an exercise; after the last one, that one again."""
    hints = find(number).hints
    if held_back():
        hints = hints[:-1]  # the last one gives the answer away
    if not hints:
        return Note("There is no hint for this one here.")
    at = SESSION.hints[number] = min(SESSION.hints[number] + 1, len(hints))
    return Note(f"Hint {at} of {len(hints)}: {hints[at - 1]}")


def solution(number: str) -> Note:
    """Return the reference with its reasoning, after an attempt or when asked twice."""
    exercise = find(number)
    if held_back():
        return Note("Solutions are held back here. Ask your instructor, or for a hint.")
    if number not in SESSION.attempted | SESSION.asked:
        SESSION.asked.add(number)
        return Note(f'Try it first: a wrong answer teaches more than a right one that is read. '
                    f'hint("{number}") helps. Ask again to see the solution all the same.')
    if isinstance(exercise, Quiz):
        return Note(f"The answer is {exercise.answer!r}. {exercise.why}")
    return Note(exercise.why, written(exercise))


def held_back() -> bool:
    """Return whether an instructor holds solutions back, with COURSE_SOLUTIONS=hold."""
    return os.environ.get("COURSE_SOLUTIONS", "").lower() == "hold"


def claim(sentence: str, holds: bool) -> None:
    """Print whether a sentence holds here. Lessons state results so, and a check compares them."""
    print(f"{'holds' if holds else 'DOES NOT HOLD HERE'}: {sentence}")
