"""Verdicts, on an exercise made for the purpose."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_tools.capstone.levels import Finding
from course_tools.checks.judge import Verdict, judge
from course_tools.exercises.kinds import Exercise, Project, Quiz

VALUES = torch.tensor([1.0, -2.0, 3.0])


def doubled(values, settings):
    return values * settings["by"]


EXERCISE = Exercise(
    "7.7", "Double", 1, 1, reference=doubled,
    cases=lambda: [(VALUES.clone(), {"by": 2}), (torch.ones(2, 2), {"by": 3})],
    mistakes={"That adds.": lambda values, settings: values + settings["by"],
              "The dict changes.": lambda values, settings: -values * settings.pop("by")},
    idea="what a product is", hints=("a", "b"), right="So it is.", why="Because.")


def told(answer, **options):
    return repr(judge(EXERCISE, answer, **options))


def test_right():
    assert told(lambda values, settings: values.double() * settings["by"]) == "✓ right: So it is."


def test_untouched():
    assert told(lambda values, settings: ...) == "○ not attempted yet"
    assert told(...) == "○ not attempted yet"


def test_not_the_function_itself():
    assert told(7) == ("✗ not yet: check takes the function itself, my_doubled without "
                       "parentheses, and was given 7")


FIRST = "✗ not yet: for my_doubled([1, -2, 3], {'by': 2}) it "
GAVE = FIRST + "gave "
AGAIN = ". Look again at what a product is."


@pytest.mark.parametrize(("answer", "expected"), [
    (lambda v, s: v + s["by"], GAVE + "[3, 0, 5], expected [2, -4, 6]. That adds."),
    (lambda v, s: -v * s.pop("by"), GAVE + "[-2, 4, -6], expected [2, -4, 6], and it changed "
                                           "what it was given. The dict changes."),
    (lambda v, s: v.mul_(s["by"]), FIRST + "changed what it was given. Work on a copy: .clone() "
                                           "gives one of a tensor, copy.deepcopy of a network."),
    (lambda v, s: v, GAVE + "[1, -2, 3], expected [2, -4, 6]" + AGAIN),
    (lambda v, s: None, FIRST + "returned nothing (is there a return?)" + AGAIN),
    (lambda v, s: [2.0, -4.0, 6.0], GAVE + "a list, [2, -4, 6], expected a tensor, [2, -4, 6]"),
    (lambda v, s: (2 * v).numpy(), GAVE + "a ndarray, a ndarray, expected a tensor"),
    (lambda v, s: 2 * v[:2], GAVE + "shape (2,), expected shape (3,)" + AGAIN),
    (lambda v, s: (2 * v).int(), GAVE + "numbers of type torch.int32, expected torch.float32"),
    (lambda v, s: v > 0, GAVE + "numbers of type torch.bool, expected torch.float32"),
    (lambda v, s: v / 0 * 0, GAVE + "NaN in [nan, nan, nan], expected [2, -4, 6]"),
    (lambda v, s: torch.ones(900), GAVE + "shape (900,), expected shape (3,)"),
    (lambda v, s: 2 * v, "✗ not yet: for my_doubled([[1, 1], [1, 1]], {'by': 3}) it gave "
                         "[[2, 2], [2, 2]], expected [[3, 3], [3, 3]]"),
])
def test_not_yet(answer, expected):
    assert told(answer).startswith(expected)


def fails(values, settings):
    shifted = values + 1
    return shifted[7]


def prints(values, settings):
    print("values:", values.tolist())
    return values


def test_raised_names_the_learners_line():
    assert told(fails) == (
        "✗ raised: IndexError: index 7 is out of bounds for dimension 0 with size 3\n"
        f"    line {fails.__code__.co_firstlineno + 2}: return shifted[7]")


def test_the_wrong_number_of_arguments_is_raised():
    assert told(lambda values: values).startswith("✗ raised: TypeError: ")


def test_what_it_printed_is_shown():
    assert told(prints).endswith("\n    it printed:\n    values: [1.0, -2.0, 3.0]\n"
                                 "    values: [[1.0, 1.0], [1.0, 1.0]]")


def endless(values, settings):
    while True:
        print("still here")


def test_no_end():
    assert told(endless, seconds=0.2) == (
        "✗ raised: no end within 0.2 seconds. Is there a loop that cannot end?\n    it printed:"
        + 5 * "\n    still here")


def test_random_answers_get_the_same_verdict_each_time():
    found = {told(lambda values, settings: torch.rand(3) + np.random.rand()) for _ in range(3)}
    assert len(found) == 1


def test_html_has_the_same_words_and_escapes_the_learners():
    verdict = Verdict("1.1", "raised", "NameError: <b>", ("line 1: a < b",))
    assert verdict._repr_html_() == (
        '<div role="status"><strong>✗ raised:</strong> NameError: &lt;b&gt;'
        "<pre>line 1: a &lt; b</pre></div>")
    assert "<strong>○ not attempted yet</strong>" in Verdict("1", "not attempted yet")._repr_html_()


LETTERS = Quiz("7.8", "Which", 1, 1, answer="b", choices={"a": "one", "b": "two"},
               mistakes={"a": "More."}, idea="counting", hints=("a", "b"), right="Two.", why="So.")
NUMBER = replace(LETTERS, answer=0.25, choices={}, mistakes={0.5: "Half."}, tolerance=0.02)


@pytest.mark.parametrize(("quiz", "answer", "expected"), [
    (LETTERS, "b", "✓ right: Two."), (LETTERS, " B ", "✓ right: Two."),
    (LETTERS, "a", "✗ not yet: More."), (LETTERS, ..., "○ not attempted yet"),
    (LETTERS, 2, "✗ not yet: the answer is one of the letters a, b, in quotes, and was 2"),
    (NUMBER, 0.26, "✓ right: Two."), (NUMBER, torch.tensor(0.24).item(), "✓ right: Two."),
    (NUMBER, 0.51, "✗ not yet: Half."), (NUMBER, 1, "✗ not yet: it is not 1. Look again at count"),
    (NUMBER, "0.25", "✗ not yet: the answer is a number, and was '0.25'"),
    (NUMBER, True, "✗ not yet: the answer is a number, and was True"),
    (NUMBER, float("nan"), "✗ not yet: it is not nan."),
])
def test_a_quiz(quiz, answer, expected):
    assert repr(judge(quiz, answer)).startswith(expected)


# A project: a thing that is made; here a list of numbers that has to be long, and have a small sum

def weigh(answer):
    if not isinstance(answer, list):
        raise ValueError("answer is no list; allowed is a list")
    return answer


def budgets(found):
    long, light = len(found) >= 3, sum(found) <= 5
    return (Finding("length", long, "at least 3"),
            Finding("sum", light, "at most 5" if light else f"{sum(found)} where 5 is allowed"))


PROJECT = Project("7.9", "Pack", 3, 9, reference=lambda: [1, 1, 1], weigh=weigh, budgets=budgets,
                  met=("length: met, at least 3", "sum: met, at most 5"),
                  mistakes={"Nothing is in it.": lambda found: not found,
                            "Too heavy.": lambda found: sum(found) > 5},
                  idea="both lines", hints=("a", "b"), right="Packed.", why="So.")


@pytest.mark.parametrize(("answer", "expected"), [
    (..., "○ not attempted yet"),
    ([1, 2, 2], "✓ right: Packed.\n    length: met, at least 3\n    sum: met, at most 5"),
    ([], "✗ not yet: 1 of 2 budgets are met. Nothing is in it.\n    length: missed, at least 3\n"
         "    sum: met, at most 5"),
    ([9], "✗ not yet: 0 of 2 budgets are met. Too heavy.\n    length: missed, at least 3\n"
          "    sum: missed, 9 where 5 is allowed"),
    ([1], "✗ not yet: 1 of 2 budgets are met. Look again at both lines.\n"
          "    length: missed, at least 3\n    sum: met, at most 5"),
    ("abc", "✗ not yet: answer is no list; allowed is a list. It was not weighed."),
])
def test_a_project(answer, expected):
    assert repr(judge(PROJECT, answer)) == expected


def test_the_lines_of_a_right_project_are_those_it_states():
    assert judge(PROJECT, [1, 1, 1]).lines == PROJECT.met
