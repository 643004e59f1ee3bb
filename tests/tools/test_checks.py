"""What a learner calls: check, hint, solution."""

import pytest

from course_tools.checks import answers, check, claim, hint, solution
from course_tools.exercises import find
from course_tools.exercises.kinds import written
from course_tools.lessons.execution import execute


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delenv("COURSE_SOLUTIONS", raising=False)
    monkeypatch.setattr(answers, "SESSION", answers.Session())


def wrong(numbers):
    return 7


def test_check_gives_the_verdict():
    assert repr(check("0.2", lambda numbers: (numbers == 0).float().mean())).startswith("✓ right: ")
    assert check("0.2", wrong).state == "not yet"
    assert check("0.1", "b").state == "right"
    with pytest.raises(ValueError, match="number is '9.99'; allowed is one of 0.1, 0.2"):
        check("9.99", wrong)


def test_hints_come_one_by_one_and_the_last_one_stays():
    hints = find("0.2").hints
    assert [repr(hint("0.2")) for _ in range(4)] == [
        f"Hint 1 of 3: {hints[0]}", f"Hint 2 of 3: {hints[1]}", f"Hint 3 of 3: {hints[2]}",
        f"Hint 3 of 3: {hints[2]}"]


def test_a_solution_comes_after_an_attempt():
    check("0.2", wrong)
    assert repr(solution("0.2")).endswith(
        '\n    def my_share_of_zeros(numbers):\n        """Return the share of numbers that are '
        'exactly zero."""\n        return (numbers == 0).float().mean()')
    assert repr(solution("0.2")).startswith(find("0.2").why)


def test_a_solution_comes_when_asked_twice_and_an_untouched_stub_is_no_attempt():
    check("0.2", lambda numbers: ...)
    assert "Try it first" in repr(solution("0.2"))
    assert "return (numbers == 0)" in repr(solution("0.2"))
    assert "Try it first" in repr(solution("1.2"))


def test_a_quizs_solution_is_its_answer():
    check("0.1", "a")
    assert repr(solution("0.1")) == f"The answer is 'b'. {find('0.1').why}"


def test_a_library_functions_solution_is_its_own_source():
    lines = written(find("2.1"))
    assert lines[0] == "def my_keep_top(scores, sparsity):"
    assert "    zeros = round(float(sparsity) * scores.numel())" in lines


def test_solutions_can_be_held_back(monkeypatch):
    monkeypatch.setenv("COURSE_SOLUTIONS", "hold")
    check("0.2", wrong)
    for _ in range(3):
        assert repr(solution("0.2")).startswith("Solutions are held back here.")
    told = [repr(hint("0.2")) for _ in range(4)]
    assert told[-1] == told[1] == f"Hint 2 of 2: {find('0.2').hints[1]}"
    assert not any(find("0.2").hints[-1] in text for text in told)


def test_what_is_shown_as_html_says_the_same():
    assert "numbers == 0" in hint("0.2")._repr_html_()
    check("0.2", wrong)
    assert "<pre>def my_share_of_zeros(numbers):\n" in solution("0.2")._repr_html_()


# In a kernel, where exit() ends more than a program

NASTY = {
    "exit()": "raised: SystemExit",
    "quit()": "raised: SystemExit",
    "raise KeyboardInterrupt": "raised: KeyboardInterrupt",
    "while True: pass": "raised: no end within",
    "while True: print('x')": "raised: no end within",
    "return print(*range(100_000), sep='\\n')": "not yet: ",
    "numbers.add_(1)": "not yet: ",
    "import torch; return torch.full((3,), float('nan'))": "not yet: ",
    "return 1 / 0": "line 2: return 1 / 0",
}


def test_the_kernel_lives_through_everything(tmp_path):
    from notebooks_made_here import code, write

    cells = [code("from course_tools.checks.answers import check")]
    for body in NASTY:
        cells += [code(f"def my_share_of_zeros(numbers):\n    {body}"),
                  code("check('0.2', my_share_of_zeros)")]
    run = execute(write(tmp_path / "nasty.ipynb", *cells, code("print('alive')")))
    assert run.failure == ""
    assert run.notebook.cells[-1].outputs[0].text == "alive\n"
    for cell, expected in zip(run.notebook.cells[2::2], NASTY.values(), strict=False):
        assert len(cell.outputs) == 1
        assert expected in cell.outputs[0].data["text/plain"]


def test_a_claim_says_whether_it_holds(capsys):
    claim("two is even", 2 % 2 == 0)
    claim("three is even", 3 % 2 == 0)
    assert capsys.readouterr().out == "holds: two is even\nDOES NOT HOLD HERE: three is even\n"
