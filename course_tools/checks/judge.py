"""Judge an answer: which verdicts there are, and how one is reached.

An answer is judged by what it returns for a few small inputs, beside what the reference returns,
and beside what the classic mistakes return, each of which has a message of its own.
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
    """Hold what is said of an answer: a state, a text, lines of code or print to show below it."""

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
    """Return lines of code as HTML; "" where there are none."""
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else ""


def judge(exercise: Exercise | Quiz | Project, answer: object,
          seconds: float = sandbox.SECONDS) -> Verdict:
    """Return the verdict on an answer; `...`, which a stub returns, is no attempt."""
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
class Call:
    """Hold what a function returned for one case, and whether it changed what it was given."""

    value: object
    changed: bool


def calls(function: Callable, cases: list[tuple]) -> list[Call]:
    """Call a function on copies of the cases, from the same random numbers each time.

    The first call that returns `...`, as an untouched stub does, is the last.
    """
    done = []
    for arguments in cases:
        value, given = called(function, arguments)
        done.append(Call(value, difference(given, arguments) != ""))
        if value is ...:
            break
    return done


def called(function: Callable, arguments: tuple) -> tuple[object, tuple]:
    """Call a function on a copy of the arguments; return its value, and the copy as it is then."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    given = copy.deepcopy(arguments)
    return function(*given), given


def judged(exercise: Exercise, function: Callable) -> list[Call]:
    """Call a function on the exercise's cases; return what it is judged by."""
    return [_looked_at(exercise, call) for call in calls(function, exercise.cases())]


def same_calls(some: list[Call], others: list[Call]) -> bool:
    """Return whether two functions did the same on every case."""
    return all(a.changed == b.changed and not difference(a.value, b.value)
               for a, b in zip(some, others, strict=True))


def _looked_at(exercise: Exercise, call: Call) -> Call:
    """Reduce a network to what the exercise looks at; leave any other value as it is."""
    if exercise.look is None or not isinstance(call.value, nn.Module):
        return call
    try:
        return replace(call, value=exercise.look(call.value))
    except ValueError:  # a network without the layers that one looks at
        return call


def _judge_function(exercise: Exercise, answer: Callable, seconds: float) -> Verdict:
    cases = exercise.cases()
    outcome = sandbox.run_guarded(lambda: calls(answer, cases), seconds)
    line = None if outcome.error is None else sandbox.line_of(outcome.error, answer)
    return judge_outcome(exercise, cases, outcome, seconds, line)


def judge_outcome(exercise: Exercise, cases: list[tuple], outcome: sandbox.Outcome,
                  seconds: float, line: tuple[int, str] | None = None) -> Verdict:
    """Return the verdict on the calls that an outcome holds; `line` is where an error came from."""
    state, text, lines = (_failure(outcome, line, seconds) or _untouched(exercise, outcome.value)
                          or _judge_calls(exercise, cases, outcome.value))
    printed = tuple(outcome.printed.splitlines()[:5])
    return Verdict(exercise.number, state, text,
                   (*lines, "it printed:", *printed) if printed else lines)


Judged = tuple[str, str, tuple[str, ...]]  # state, text and lines of a verdict


def _failure(outcome: sandbox.Outcome, line: tuple[int, str] | None,
             seconds: float) -> Judged | None:
    """Say what was raised, or that there was no end."""
    if not outcome.ended:
        left = "" if outcome.stopped else (" It could not be stopped and still runs: restart the "
                                           "kernel.")
        return ("raised", f"no end within {seconds:g} seconds. Is there a loop that cannot end?"
                f"{left}", ())
    if outcome.error is None:
        return None
    where = () if line is None else (f"line {line[0]}: {line[1]}",)
    return "raised", sandbox.error_line(outcome.error), where


def _untouched(exercise: Exercise, done: list[Call]) -> Judged | None:
    """Recognise a stub, or a program to be mended, that is as it was handed out."""
    if done[-1].value is ... or (exercise.broken is not None and same_calls(
            done, calls(exercise.broken, exercise.cases()))):
        return "not attempted yet", "", ()
    return None


def _judge_calls(exercise: Exercise, cases: list[tuple], done: list[Call]) -> Judged:
    """Say what was seen and expected for the first case that differs, and what to look at again."""
    done = [_looked_at(exercise, call) for call in done]
    for arguments, ours, theirs in zip(cases, done, judged(exercise, exercise.reference),
                                       strict=True):
        seen = difference(ours.value, theirs.value)
        if seen or ours.changed:
            call = f"{exercise.name}({', '.join(map(shown, arguments))})"
            changed = "it changed what it was given" if ours.changed else ""
            saw = ", and ".join(filter(None, (seen, changed)))
            return "not yet", f"for {call} {saw}. {_advice(exercise, done)}", ()
    return "right", exercise.right, ()


def _advice(exercise: Exercise, done: list[Call]) -> str:
    for message, mistake in exercise.mistakes.items():
        if same_calls(done, judged(exercise, mistake)):
            return message
    if any(call.changed for call in done):
        return "Work on a copy: .clone() gives one of a tensor, copy.deepcopy of a network."
    return f"Look again at {exercise.idea}."


# Quizzes

def _judge_choice(quiz: Quiz, answer: object) -> Verdict:
    if not _is_answer(quiz, answer):
        wanted = (f"one of the letters {', '.join(quiz.choices)}, in quotes" if quiz.choices else
                  "a number")
        return Verdict(quiz.number, "not yet", f"the answer is {wanted}, and was {shown(answer)}")
    if _matches(quiz, answer, quiz.answer):
        return Verdict(quiz.number, "right", quiz.right)
    message = next((message for wrong, message in quiz.mistakes.items()
                    if _matches(quiz, answer, wrong)), None)
    return Verdict(quiz.number, "not yet",
                   message or f"it is not {answer:g}. Look again at {quiz.idea}.")


def _is_answer(quiz: Quiz, answer: object) -> bool:
    if quiz.choices:
        return isinstance(answer, str) and answer.strip().lower() in quiz.choices
    return isinstance(answer, numbers.Real) and not isinstance(answer, bool)


def _matches(quiz: Quiz, answer: str | float, value: str | float) -> bool:
    if quiz.choices:
        return answer.strip().lower() == value
    return abs(answer - value) <= quiz.tolerance + 1e-9 * abs(value)


# Projects

def _judge_project(project: Project, answer: object) -> Verdict:
    try:
        weighed = project.weigh(answer)
    except ValueError as error:
        return Verdict(project.number, "not yet", f"{sentence(str(error))} It was not weighed.")
    budgets = project.budgets(weighed)
    lines, met = tuple(map(str, budgets)), sum(budget.met for budget in budgets)
    if met == len(budgets):
        return Verdict(project.number, "right", project.right, lines)
    advice = next((message for message, known in project.mistakes.items() if known(weighed)),
                  f"Look again at {project.idea}.")
    return Verdict(project.number, "not yet", f"{met} of {len(budgets)} budgets are met. {advice}",
                   lines)


def sentence(text: str) -> str:
    """Return a text with a full stop at its end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."
