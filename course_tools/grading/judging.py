"""Judge what answers returned: in a process in which no learner's code has run."""

import json

from course_tools.checks.compare import difference
from course_tools.checks.judge import Call, Verdict, judge, judge_outcome
from course_tools.checks.sandbox import Outcome
from course_tools.exercises import find
from course_tools.exercises.kinds import Exercise, Project, Quiz
from course_tools.grading import wire
from course_tools.grading.isolation import begin, tell

LOST = "its process ended before it: out of memory or time, or its code ended it"
SECONDS = 10.0  # what an answer's calls were given


def main() -> None:
    """Read the numbers and the messages, write a verdict for each number, a frame each."""
    content, channel, _ = begin()
    first, *messages = wire.frames(content)
    found: dict[str, dict] = {}
    for message in messages:
        try:
            came = wire.read(message)
            found.setdefault(came["number"], came)
        except wire.UNREADABLE:
            continue
    for number in json.loads(first):
        verdict = judged(number, found.get(number))
        tell(channel, wire.frame(json.dumps(vars(verdict)).encode()))


def judged(number: str, came: dict | None) -> Verdict:
    """Return the verdict on what came of an answer; None is said of an answer that never came."""
    exercise = find(number)
    if came is None:
        return Verdict(number, "raised", LOST)
    try:
        return _judged(exercise, came)
    except (*wire.UNREADABLE, AssertionError):  # no answer of a function looks like this
        return Verdict(number, "raised", "what came of it cannot be judged")


def _judged(exercise: Exercise | Quiz | Project, came: dict) -> Verdict:
    error = came["error"] and type(came["error"][0], (Exception,), {})(came["error"][1])
    calls = came["calls"]
    if error or not came["ended"] or calls:
        cases = exercise.cases() if calls else []
        done = [Call(value, _changed(given, arguments))
                for (value, given), arguments in zip(calls, cases, strict=False)]
        outcome = Outcome(done, error, came["printed"], came["ended"])
        return judge_outcome(exercise, cases, outcome, SECONDS, came["line"])
    return judge(exercise, came["value"])


def _changed(given: tuple, arguments: tuple) -> bool:
    """Tell whether a function has changed what it was given; a function as argument cannot be."""
    pairs = [(found, wanted) for found, wanted in zip(given, arguments, strict=True)
             if not isinstance(found, wire.Function)]
    return any(difference(found, wanted) for found, wanted in pairs)


if __name__ == "__main__":
    main()
