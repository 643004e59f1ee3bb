"""The exercises' data and the checks' words, read without torch: nothing here computes with it."""

from sphinx.ext.autodoc.mock import _MockObject, mock

ABSENT = ["PIL", "constriction", "filelock", "ipywidgets", "matplotlib", "numpy", "platformdirs",
          "safetensors", "scipy", "torch", "torch_pruning", "tqdm", "zstandard"]

# so that annotations such as `slice | Tensor` can be evaluated
_MockObject.__or__ = _MockObject.__ror__ = lambda self, other: self
with mock(ABSENT):
    from course_tools.checks.answers import held_back
    from course_tools.checks.judge import judge
    from course_tools.exercises import all_exercises
    from course_tools.exercises.kinds import Exercise, Project, Quiz, written

    EXERCISES = all_exercises()

__all__ = ["EXERCISES", "Exercise", "Project", "Quiz", "held_back", "hints", "verdict", "written"]


def hints(exercise: Exercise | Quiz | Project) -> tuple[str, ...]:
    """Return the hints, without the last one where solutions are held back."""
    return exercise.hints[:-1] if held_back() else exercise.hints


def verdict(quiz: Quiz, answer: str | float) -> str:
    """Return what the check says to an answer, its mark first."""
    return repr(judge(quiz, answer))
