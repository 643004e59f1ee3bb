"""Exercises and quizzes as a page shows them: folds that open one after the other, without scripts.

A quiz is a list of choices and a fold with the check's words; with scripts on, course.js turns it
into buttons that answer with these words.
"""

from html import escape

from exercises import Exercise, Project, Quiz, held_back, hints, verdict, written

ASK = "Have you tried it? A wrong answer teaches more than a right one that is read."


def anchor(number: str) -> str:
    """Return the anchor of an exercise, "exercise-2-1" for "2.1"."""
    return f"exercise-{number.replace('.', '-')}"


def opening(exercise: Exercise | Project) -> str:
    """Return what stands before the task of an exercise; `closing` ends it."""
    title = escape(f"Exercise {exercise.number} · {exercise.title}")
    return (f'<div class="exercise" id="{anchor(exercise.number)}" role="group" '
            f'aria-label="{title}">\n\n')


def closing(exercise: Exercise | Project, lesson: str) -> str:
    """Return what stands below the code to finish: how to check it, hints, our solution."""
    code = "\n".join(["```python", *written(exercise), "```"])
    ask = f'check("{exercise.number}", {exercise.name})'
    return "\n".join([f"{_lab_line(lesson, ask)}{_folded_hints(exercise)}",
                      *_solution(f"<p>{escape(exercise.why)}</p>", code), "</div>"])


def quiz(exercise: Quiz, lesson: str) -> str:
    """Return a quiz as Markdown: question by number and title, choices, words, hints, answer."""
    choices = "".join(f'<li data-choice="{letter}">{escape(text)}</li>'
                      for letter, text in exercise.choices.items())
    asked = f'<ol type="a" class="choices">{choices}</ol>' if choices else ""
    answer = f"<p>The answer is {escape(repr(exercise.answer))}. {escape(exercise.why)}</p>"
    title = f"Quiz {exercise.number} · {exercise.title}"
    head = (f'<div class="exercise quiz" id="{anchor(exercise.number)}" role="group" '
            f'aria-label="{escape(title)}" data-idea="{escape(exercise.idea)}" '
            f'data-tolerance="{exercise.tolerance}">'
            f'<p class="title">{escape(title)}</p>{asked}{_words(exercise)}')
    help = f'{_lab_line(lesson, f"""quiz("{exercise.number}")""")}{_folded_hints(exercise)}'
    return "\n".join([head + help, *_solution(answer), "</div>"])


def _words(exercise: Quiz) -> str:
    """Return what the check says to each answer, in a fold; where answers are held back, unseen."""
    answers = exercise.choices or [exercise.answer, *exercise.mistakes]
    rows = "".join(f"<dt>{escape(str(answer))}</dt>"
                   f'<dd data-answer="{answer}">{escape(verdict(exercise, answer))}</dd>'
                   for answer in answers)
    if not exercise.choices:
        rows += f"<dt>any other number</dt><dd>Look again at {escape(exercise.idea)}.</dd>"
    words = f'<dl class="words">{rows}</dl>'
    if held_back():
        return f"<template>{words}</template>"
    return f'<details class="words"><summary>What the check says</summary>{words}</details>'


def _lab_line(lesson: str, ask: str) -> str:
    return (f'<p class="lab">In JupyterLab: <code>make lab</code>, lesson {lesson}, '
            f"<code>{escape(ask)}</code></p>")


def _folded_hints(exercise: Exercise | Project | Quiz) -> str:
    """Return the hints, each in the fold of the one before it: one opens after the other."""
    every, html = hints(exercise), ""
    for number, hint in reversed(list(enumerate(every, start=1))):
        html = (f"<details><summary>Hint {number} of {len(every)}</summary>"
                f"<p>{escape(hint)}</p>{html}</details>")
    return html


def _solution(html: str, code: str = "") -> list[str]:
    """Return blocks of Markdown: the solution behind a question, nothing where it is held back."""
    if held_back():
        return ['<p class="held">Solutions are held back here. Ask your instructor.</p>']
    return ["<details><summary>Our solution</summary>", f"<p>{ASK}</p>",
            f"<details><summary>Show it all the same</summary>{html}", "", code, "",
            "</details></details>"]
