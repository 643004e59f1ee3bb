"""In the sandbox: run the cells that answer, call what they define, hand out what it returned.

Whatever a learner's code does to this process, nothing but data leaves it, and no verdict is made
in it.
"""

import ast
import json
import linecache
import re
from contextlib import suppress
from types import SimpleNamespace

from course_tools import checks
from course_tools.checks import sandbox
from course_tools.checks.judge import called
from course_tools.exercises import find
from course_tools.exercises.kinds import Exercise, Project
from course_tools.grading import context, wire
from course_tools.grading.isolation import begin, tell
from course_tools.lessons.imports import renewed

SECONDS = 10.0  # for an answer's cells, and for its calls; a project may take all that there are
ASKED: dict[str, object] = {}  # {number: answer} of the cells' calls of check and quiz


def main() -> None:
    """Answer each task, and tell at once what came of it."""
    content, channel, seconds = begin()
    for name in ("check", "quiz"):
        setattr(checks, name, lambda number, answer=...: ASKED.update({str(number): answer}))
    earlier: dict[str, object] = {}  # what the cells of earlier exercises have defined
    for task in json.loads(content):
        task["sources"] = [renewed(source) for source in task["sources"]]
        found = answered(task, earlier, seconds)
        try:
            message = wire.write(found)
        except wire.UNREADABLE:
            error = ("TypeError", "what it returned cannot be written down as data")
            message = wire.write(found | {"value": ..., "calls": [], "error": error})
        tell(channel, wire.frame(message))


def answered(task: dict, earlier: dict[str, object], seconds: float) -> dict[str, object]:
    """Return what came of an answer: a value, or for a function what it returned for each case."""
    exercise, names = find(task["number"]), {"__name__": "__main__"} | earlier
    calls: list[tuple[object, tuple]] = []
    answer = ...

    def run() -> None:
        nonlocal answer
        answer = _run(task, exercise, names)

    for statement in context.needed(exercise.number, task["sources"], set(earlier)):
        with suppress(Exception):  # what is missing then shows where it is used
            exec(compile(ast.Module([statement], []), "<lesson>", "exec"), names)
    ours = set(names)
    outcome = sandbox.run_guarded(run, seconds if isinstance(exercise, Project) else SECONDS)
    earlier |= {name: value for name, value in names.items() if name not in ours}
    if isinstance(exercise, Exercise) and callable(answer) and outcome.error is None:
        outcome = sandbox.run_guarded(lambda: _call(answer, exercise.cases(), calls), SECONDS)
    error = outcome.error and (type(outcome.error).__name__, str(outcome.error))
    line = outcome.error and sandbox.line_of(outcome.error, SimpleNamespace(__globals__=names))
    return {"number": exercise.number, "value": answer, "calls": calls, "error": error,
            "line": line, "printed": outcome.printed, "ended": outcome.ended}


def _run(task: dict, exercise: object, names: dict[str, object]) -> object:
    """Run the cells; return the answer. An error counts where there is no answer after it."""
    ASKED.clear()
    failed = None
    for place, source in enumerate(task["sources"]):
        plain = re.sub(r"^[%!].*$", "pass", source, flags=re.MULTILINE)  # IPython's own commands
        file = f"<{exercise.number}, cell {place + 1}>"
        linecache.cache[file] = (len(plain), None, plain.splitlines(keepends=True), file)
        try:
            exec(compile(plain, file, "exec"), names)
        except Exception as error:
            failed = error
    answer = ASKED.get(task["asked"], names.get(getattr(exercise, "name", ""), ...))
    if answer is ... and failed is not None:
        raise failed
    return answer


def _call(function: object, cases: list[tuple], calls: list[tuple[object, tuple]]) -> None:
    """Call a function on each case, as a check does; keep what it returned and what it was given.

    The first call that returns `...`, as an untouched stub does, is the last.
    """
    for arguments in cases:
        calls.append(called(function, arguments))
        if calls[-1][0] is ...:
            return


if __name__ == "__main__":
    main()
