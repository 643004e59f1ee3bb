"""The exercises, one module a lesson, each with a tuple EXERCISES in the lesson's order."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from course_tools.checks.judge import Exercise, Project, Quiz


@cache
def all_exercises() -> dict[str, Exercise | Quiz | Project]:
    """Return every exercise of the course by its number, in order."""
    names = sorted(module.name for module in iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return {one.number: one for module in modules for one in module.EXERCISES}


def find(number: str) -> Exercise | Quiz | Project:
    """Return the exercise with this number, such as "2.1"."""
    if number not in all_exercises():
        raise ValueError(f"number is {number!r}; allowed is one of {', '.join(all_exercises())}, "
                         "in quotes")
    return all_exercises()[number]


def of_lesson(lesson: int) -> list[Exercise | Quiz | Project]:
    """Return the exercises of one lesson."""
    return [one for one in all_exercises().values() if int(one.number.split(".")[0]) == lesson]
