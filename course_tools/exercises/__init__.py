"""The exercises, one module a lesson, each with a tuple EXERCISES in the lesson's order."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from course_lib._allowed import require

from course_tools.exercises.kinds import Exercise, Project, Quiz


@cache
def all_exercises() -> dict[str, Exercise | Quiz | Project]:
    """Return every exercise of the course by its number, in order."""
    lessons = sorted(module.name for module in iter_modules(__path__)
                     if module.name.startswith("lesson_"))
    return {one.number: one for lesson in lessons
            for one in import_module(f"{__name__}.{lesson}").EXERCISES}


def find(number: str) -> Exercise | Quiz | Project:
    """Return the exercise with this number, such as "2.1"."""
    require(number in all_exercises(), "number", number,
            f"one of {', '.join(all_exercises())}, in quotes")
    return all_exercises()[number]


def lesson_of(number: str) -> str:
    """Return the lesson of an exercise, "02" for "2.1"."""
    return number.split(".")[0].zfill(2)


def of_lesson(lesson: str) -> list[Exercise | Quiz | Project]:
    """Return the exercises of one lesson, such as "02"."""
    return [one for one in all_exercises().values() if lesson_of(one.number) == lesson]
