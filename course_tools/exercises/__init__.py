"""The exercises, one module a lesson, each with a tuple EXERCISES in the lesson's order."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from course_tools.exercises.kinds import Exercise, Project, Quiz

LESSONS = sorted(module.name.removeprefix("lesson_") for module in iter_modules(__path__)
                 if module.name.startswith("lesson_"))  # "00", "01", …


def lesson_of(number: str) -> str:
    """Return the lesson of an exercise, "02" for "2.1"."""
    return number.split(".")[0].zfill(2)


def of_lesson(lesson: str) -> list[Exercise | Quiz | Project]:
    """Return the exercises of one lesson, such as "02"; no other lesson's are imported."""
    if lesson not in LESSONS:
        return []
    return list(import_module(f"{__name__}.lesson_{lesson}").EXERCISES)


@cache
def all_exercises() -> dict[str, Exercise | Quiz | Project]:
    """Return every exercise of the course by its number, in order."""
    return {one.number: one for lesson in LESSONS for one in of_lesson(lesson)}


def find(number: str) -> Exercise | Quiz | Project:
    """Return the exercise with this number, such as "2.1"."""
    for one in of_lesson(lesson_of(str(number))):
        if one.number == number:
            return one
    raise ValueError(f"number is {number!r}; allowed is one of {', '.join(all_exercises())}, "
                     "in quotes")
