"""The kinds of exercise: a function to write, a quiz, a project."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exercise:
    """Hold a task whose answer is a function: `reference`, and the stub my_ and its name.

    `cases()` gives small inputs, a tuple of arguments each. `mistakes` maps a message to a function
    that makes the mistake it explains. Where the task is to mend a program, `broken` is that
    program: it stands in the stub's place. Where there is more than one right answer, `look`
    reduces what is returned to what counts. `idea` is what to look at again where no mistake is
    known, `hints` go from a nudge to nearly the answer, `right` is the praise, and `why` is the
    reasoning beside the reference.
    """

    number: str
    title: str
    difficulty: int
    minutes: int
    reference: Callable
    cases: Callable[[], list[tuple]]
    mistakes: Mapping[str, Callable]
    idea: str
    hints: tuple[str, ...]
    right: str
    why: str
    broken: Callable | None = None
    look: Callable | None = None

    @property
    def name(self) -> str:
        """Return the name of the learner's function."""
        return f"my_{self.reference.__name__}"


@dataclass(frozen=True)
class Quiz:
    """Hold a question whose answer is the letter of a choice, or a number within `tolerance`.

    `mistakes` maps wrong answers to messages: each wrong choice, and any number with a reason.
    """

    number: str
    title: str
    difficulty: int
    minutes: int
    answer: str | float
    mistakes: Mapping[str | float, str]
    idea: str
    hints: tuple[str, ...]
    right: str
    why: str
    choices: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 0.0


@dataclass(frozen=True)
class Project:
    """Hold a task whose answer is an object, such as a network, that has to meet budgets.

    `reference` makes one from variables of the lesson, which its arguments name. `weigh` measures
    an answer; one that cannot be judged raises ValueError. `budgets` compares what was measured
    with each budget: its results say whether it is `met`, and print as a line each; `met` are the
    lines where all are. `mistakes` maps a message to a test of what was measured; the first test
    that holds counts.
    """

    number: str
    title: str
    difficulty: int
    minutes: int
    reference: Callable
    weigh: Callable[[object], object]
    budgets: Callable[[object], tuple]
    met: tuple[str, ...]
    mistakes: Mapping[str, Callable[[object], bool]]
    idea: str
    hints: tuple[str, ...]
    right: str
    why: str

    @property
    def name(self) -> str:
        """Return the name of the learner's variable."""
        return f"my_{self.reference.__name__}"


def written(exercise: Exercise | Project, function: Callable | None = None) -> tuple[str, ...]:
    """Return the lines of the reference, or of another function, under the learner's name.

    Annotations are left out. For a project the reference keeps its name, and is called at the end.
    """
    function = function or exercise.reference
    source, head = inspect.getsource(function), inspect.signature(function)
    bare = head.replace(return_annotation=head.empty, parameters=[
        parameter.replace(annotation=head.empty) for parameter in head.parameters.values()])
    first = ast.parse(source).body[0].body[0].lineno  # of the body
    lines = source.splitlines()[first - 1:]
    if isinstance(exercise, Project):
        name = exercise.reference.__name__
        return (f"def {name}{bare}:", *lines, "", "",
                f"{exercise.name} = {name}({', '.join(bare.parameters)})")
    return (f"def {exercise.name}{bare}:", *lines)
