"""Quizzes: a question with buttons, in words where no button can be pressed."""

import html
from dataclasses import dataclass

import ipywidgets

from course_tools.checks.answers import check
from course_tools.checks.judge import Verdict
from course_tools.exercises import find
from course_tools.exercises.kinds import Quiz


@dataclass(frozen=True)
class LiveQuiz:
    """Hold a quiz: a button for each choice, or a field and a button, and the verdict below.

    Buttons, since ipywidgets.RadioButtons have labels that a screen reader does not connect to them
    and no group that arrow keys could move in.
    """

    quiz: Quiz
    controls: tuple[ipywidgets.Button | ipywidgets.FloatText, ...]
    below: ipywidgets.HTML
    given: Verdict

    def __repr__(self) -> str:
        """Return the choices, how to answer without a mouse or widget, and the verdict."""
        example = '"a"' if self.quiz.choices else "0.5"
        return "\n".join([*_lines(self.quiz), "Or answer in code: "
                          f'quiz("{self.quiz.number}", {example})', repr(self.given)])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        box = ipywidgets.VBox([*self.controls, self.below])
        return box._repr_mimebundle_() | {"text/plain": repr(self),
                                          "text/html": f"<pre>{html.escape(repr(self))}</pre>"}


def quiz(number: str, answer: object = ...) -> LiveQuiz:
    """Ask a quiz: by Tab and Space, or by mouse; in code, with the answer given here."""
    exercise = find(number)
    if not isinstance(exercise, Quiz):
        raise ValueError(f"number is {number!r}, which asks for a function; allowed is a quiz's: "
                         f'use check("{number}", {exercise.name})')
    below = ipywidgets.HTML()

    def judge(answer: object) -> Verdict:
        verdict = check(number, answer)
        below.value = verdict._repr_html_()
        return verdict

    buttons = tuple(ipywidgets.Button(description=text, layout={"width": "max-content"})
                    for text in (_lines(exercise) if exercise.choices else ["Answer"]))
    field = ipywidgets.FloatText(value=0.0, description="number")
    for button in buttons:  # "a) about 10" gives the answer "a"
        button.on_click(lambda button: judge(button.description[0] if exercise.choices
                                             else field.value))
    controls = buttons if exercise.choices else (field, *buttons)
    return LiveQuiz(exercise, controls, below, judge(answer))


def _lines(quiz: Quiz) -> list[str]:
    return [f"{letter}) {text}" for letter, text in quiz.choices.items()]
