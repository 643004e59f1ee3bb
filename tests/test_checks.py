import pytest
import torch

from course_lib.checks import attempt

VALUES = torch.tensor([0.0, 2.0, 0.0])
MASK = torch.tensor([False, True, False])


@pytest.mark.parametrize(("answer", "said"), [
    (lambda v: None, "not attempted yet"),
    (lambda v: 2 / 3, "right"),
    (lambda v: (v == 0).float().mean(), "right"),
    (lambda v: (v == 0).float().mean().item(), "right"),
    (lambda v: 1 / 3, "not yet: for ([0.0, 2.0, 0.0]) it gave 0.333"),
    (lambda v: v == 0, "not yet: for ([0.0, 2.0, 0.0]) it gave [True, False, True], expected 0.66"),
    (lambda v: "two thirds", "not yet: "),
    (lambda v: v.nonsense, "raised AttributeError: "),
    (lambda v: v.zero_().sum() + 2 / 3, "not yet: for ([0.0, 2.0, 0.0]) it gave 0.66"),
])
def test_a_number(answer, said, capsys):
    attempt(answer, (VALUES, 2 / 3))
    assert capsys.readouterr().out.startswith(said)
    assert VALUES.tolist() == [0, 2, 0]


@pytest.mark.parametrize(("answer", "said"), [
    (lambda v: v > 0, "right"),
    (lambda v: (v > 0).float(), "not yet"),
    (lambda v: (v > 0).tolist(), "right"),
    (lambda v: ~(v > 0), "not yet"),
])
def test_a_mask(answer, said, capsys):
    attempt(answer, (VALUES, MASK))
    assert capsys.readouterr().out.startswith(said)


def test_every_case_counts_and_tuples_are_compared_part_by_part(capsys):
    attempt(lambda v: (v, v.sum()), (VALUES, (VALUES, 2.0)), (VALUES + 1, (VALUES + 1, 6.0)))
    assert capsys.readouterr().out.startswith("not yet: for ([1.0, 3.0, 1.0])")
    attempt(lambda v: (v, v.sum()), (VALUES, (VALUES, 2.0)), (VALUES + 1, (VALUES + 1, 5.0)))
    assert capsys.readouterr().out == "right\n"


def test_changing_the_input_is_told(capsys):
    attempt(lambda v: v.add_(1).clone() - 1, (VALUES, VALUES.clone()))
    assert "and it changed what it was given" in capsys.readouterr().out
