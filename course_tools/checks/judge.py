"""Judge an answer: what an exercise is, which verdicts there are, and how one is reached.

An exercise is data. An answer is judged by what it returns for a few small inputs, beside what the
reference returns, and beside what the classic wrong answers return, each of which has something of
its own to be told.
"""

import copy
import html
import numbers
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from course_tools.checks import sandbox
from course_tools.checks.compare import difference, shown
from course_tools.exercises.kinds import Exercise, Project, Quiz

MARKS = {"not attempted yet": "○", "raised": "✗", "not yet": "✗", "right": "✓"}


@dataclass(frozen=True, repr=False)
class Verdict:
    """Hold what an answer is told: a state, a text, and lines of code or print to show below it."""

    number: str
    state: str
    text: str = ""
    lines: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the verdict as text, its mark first."""
        said = f"{self.state}: {self.text}" if self.text else self.state
        return "\n".join([f"{MARKS[self.state]} {said}", *(f"    {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        head = f"<strong>{MARKS[self.state]} {self.state}{':' if self.text else ''}</strong>"
        return f'<div role="status">{head} {html.escape(self.text)}{as_pre(self.lines)}</div>'


def as_pre(lines: tuple[str, ...]) -> str:
    """Return lines as they stand, in HTML; nothing for none."""
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else ""


def judge(exercise: Exercise | Quiz | Project, answer: object,
          seconds: float = sandbox.SECONDS) -> Verdict:
    """Return the verdict on an answer; an untouched stub returns `...`, and so is untouched."""
    if answer is ...:
        return Verdict(exercise.number, "not attempted yet")
    if isinstance(exercise, Quiz):
        return _judge_choice(exercise, answer)
    if isinstance(exercise, Project):
        return _judge_project(exercise, answer)
    if not callable(answer):
        return Verdict(exercise.number, "not yet", f"check takes the function itself, "
                       f"{exercise.name} without parentheses, and was given {shown(answer)}")
    with sandbox.settings_kept():
        return _judge_function(exercise, answer, seconds)


# Functions

@dataclass(frozen=True)
class Trial:
    """Hold what a function returned for one case, and whether it changed what it was given."""

    value: object
    changed: bool


def trials(function: Callable, cases: list[tuple]) -> list[Trial]:
    """Call a function on copies of the cases, from the same random numbers each time."""
    found = []
    for arguments in cases:
        random.seed(0), np.random.seed(0), torch.manual_seed(0)
        given = copy.deepcopy(arguments)
        value = function(*given)
        found.append(Trial(value, difference(given, arguments) != ""))
        if value is ...:
            break
    return found


def judged(exercise: Exercise, function: Callable) -> list[Trial]:
    """Call a function on the exercise's cases; return that by which it is judged."""
    return [_looked_at(exercise, trial) for trial in trials(function, exercise.cases())]


def _looked_at(exercise: Exercise, trial: Trial) -> Trial:
    """Look only at what counts; what is nothing of the kind stays as it is."""
    if exercise.look is None or not isinstance(trial.value, nn.Module):
        return trial
    try:
        return replace(trial, value=exercise.look(trial.value))
    except ValueError:  # a network without the layers that one looks at
        return trial


def _judge_function(exercise: Exercise, answer: Callable, seconds: float) -> Verdict:
    cases = exercise.cases()
    outcome = sandbox.run(lambda: trials(answer, cases), seconds)
    printed = tuple(outcome.printed.splitlines()[:5])
    printed = ("it printed:", *printed) if printed else ()
    if not outcome.ended:
        left = "" if outcome.stopped else (" It could not be stopped and still runs: restart the "
                                           "kernel.")
        return Verdict(exercise.number, "raised", f"no end within {seconds:g} seconds. Is there a "
                       f"loop that cannot end?{left}", printed)
    if outcome.error is not None:
        line = sandbox.line_of(outcome.error, answer)
        where = () if line is None else (f"line {line[0]}: {line[1]}",)
        return Verdict(exercise.number, "raised", sandbox.told(outcome.error), where + printed)
    if outcome.value[-1].value is ...:
        return Verdict(exercise.number, "not attempted yet", lines=printed)
    if exercise.broken is not None and same_trials(outcome.value, trials(exercise.broken, cases)):
        return Verdict(exercise.number, "not attempted yet", lines=printed)
    found = [_looked_at(exercise, trial) for trial in outcome.value]
    wrong = _what_is_wrong(exercise, cases, found)
    return Verdict(exercise.number, "not yet" if wrong else "right", wrong or exercise.right,
                   printed)


def _what_is_wrong(exercise: Exercise, cases: list[tuple], found: list[Trial]) -> str:
    """Say what was seen and expected for the first case that differs, and what to look at again."""
    expected = judged(exercise, exercise.reference)
    for arguments, ours, theirs in zip(cases, found, expected, strict=True):
        seen = difference(ours.value, theirs.value)
        if seen or ours.changed:
            call = f"{exercise.name}({', '.join(map(shown, arguments))})"
            changed = "it changed what it was given" if ours.changed else ""
            saw = ", and ".join(filter(None, (seen, changed)))
            return f"for {call} {saw}. {_advice(exercise, found)}"
    return ""


def _advice(exercise: Exercise, found: list[Trial]) -> str:
    for message, mistake in exercise.mistakes.items():
        if same_trials(found, judged(exercise, mistake)):
            return message
    if any(trial.changed for trial in found):
        return "Work on a copy: .clone() gives one of a tensor, copy.deepcopy of a network."
    return f"Look again at {exercise.idea}."


def same_trials(some: list[Trial], others: list[Trial]) -> bool:
    """Return whether two functions did the same on every case."""
    return all(a.changed == b.changed and not difference(a.value, b.value)
               for a, b in zip(some, others, strict=True))


# Quizzes

def _judge_choice(quiz: Quiz, answer: object) -> Verdict:
    if isinstance(quiz.answer, str):
        given = answer.strip().lower() if isinstance(answer, str) else None
        if given not in quiz.choices:
            return Verdict(quiz.number, "not yet", f"the answer is one of the letters "
                           f"{', '.join(quiz.choices)}, in quotes, and was {shown(answer)}")
        told = "" if given == quiz.answer else quiz.mistakes[given]
    else:
        if not isinstance(answer, numbers.Real) or isinstance(answer, bool):
            return Verdict(quiz.number, "not yet",
                           f"the answer is a number, and was {shown(answer)}")
        near = [message for value, message in quiz.mistakes.items() if _near(quiz, answer, value)]
        told = "" if _near(quiz, answer, quiz.answer) else (
            near[0] if near else f"it is not {answer:g}. Look again at {quiz.idea}.")
    return Verdict(quiz.number, "not yet" if told else "right", told or quiz.right)


def _near(quiz: Quiz, answer: float, value: float) -> bool:
    return abs(answer - value) <= quiz.tolerance + 1e-9 * abs(value)


# Projects

def _judge_project(project: Project, answer: object) -> Verdict:
    try:
        weighed = project.weigh(answer)
    except ValueError as error:
        return Verdict(project.number, "not yet", f"{sentence(str(error))} It was not weighed.")
    findings = project.budgets(weighed)
    lines, met = tuple(map(str, findings)), sum(finding.met for finding in findings)
    if met == len(findings):
        return Verdict(project.number, "right", project.right, lines)
    told = next((message for message, known in project.mistakes.items() if known(weighed)),
                f"Look again at {project.idea}.")
    return Verdict(project.number, "not yet", f"{met} of {len(findings)} budgets are met. "
                   f"{told}", lines)


def sentence(text: str) -> str:
    """Return a text with a full stop at its end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
