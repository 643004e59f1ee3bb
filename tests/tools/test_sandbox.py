"""Whatever a learner's function does, it ends, and nothing else changes."""

import random
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

from course_tools.checks import sandbox
from course_tools.checks.sandbox import run_guarded


def endless():
    while True:
        pass


def deaf():
    while True:
        try:
            sum(range(10))
            len("deaf")
        except BaseException:
            pass


def clinging():
    try:
        endless()
    except BaseException:
        endless()
    finally:
        endless()


@pytest.mark.parametrize("loop", [endless, deaf, clinging])
def test_an_endless_loop_is_stopped_for_good(loop, monkeypatch):
    monkeypatch.setattr(sandbox, "GRACE", 60)  # on a busy machine too
    before = sys.getswitchinterval()
    outcome = run_guarded(loop, seconds=0.3)
    assert (outcome.ended, outcome.stopped) == (False, True)
    assert sys.getswitchinterval() == before
    # One that was stopped while it took itself off Python's list stays on it, and is dead.
    assert not [thread for thread in threading.enumerate()
                if "call" in thread.name and thread.is_alive()]


def test_what_waits_outside_python_is_left_behind_and_said(monkeypatch):
    monkeypatch.setattr(sandbox, "GRACE", 0.2)
    outcome = run_guarded(lambda: time.sleep(3), seconds=0.1)
    assert (outcome.ended, outcome.stopped) == (False, False)


def test_a_million_lines_do_no_harm(capsys):
    def chatter():
        for number in range(1_000_000):
            print("line", number)
        return 7

    outcome = run_guarded(chatter, seconds=120)
    assert outcome.value == 7
    assert outcome.printed.startswith("line 0\nline 1\n")
    assert len(outcome.printed) == sandbox.SHOWN
    assert capsys.readouterr().out == ""


def test_errors_and_warnings_are_caught_too(capsys):
    def noisy():
        print("to stderr", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        printed = run_guarded(noisy).printed
    assert "to stderr" in printed
    assert capsys.readouterr().err == ""


def leave():
    sys.exit(3)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(("work", "kind"), [
    (leave, SystemExit), (lambda: exit(), SystemExit), (lambda: quit(0), SystemExit),
    (interrupt, KeyboardInterrupt), (lambda: 1 / 0, ZeroDivisionError),
    (lambda: run_guarded.no_such, AttributeError)])
def test_what_is_raised_is_returned(work, kind):
    outcome = run_guarded(work)
    assert type(outcome.error) is kind
    assert outcome.ended


def test_shared_settings_are_as_before():
    def meddle():
        random.seed(9), np.random.seed(9), torch.manual_seed(9)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_num_threads(1 + torch.get_num_threads())

    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
              torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled())
    assert run_guarded(meddle).error is None
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
             torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled())
    assert after == before
    assert run_guarded(torch.get_num_threads).value == before[3]


def test_a_checks_caller_can_be_in_any_mode():
    with torch.inference_mode():
        weight = torch.ones(3)
        assert run_guarded(lambda: weight.clone().mul_(2).sum().item()).value == 6


def inner(value):
    return 1 / value


def outer(value):
    doubled = 2 * value
    return inner(doubled)


def test_the_line_is_the_learners_last():
    error = run_guarded(lambda: outer(0)).error
    number, text = sandbox.line_of(error, outer)
    assert text == "return 1 / value"
    assert number == inner.__code__.co_firstlineno + 1


def test_a_line_in_a_library_is_not_shown():
    error = run_guarded(lambda: torch.ones(2) @ torch.ones(3)).error
    assert sandbox.line_of(error, len) is None


@pytest.mark.parametrize(("error", "text"), [
    (ValueError("two\n  lines"), "ValueError: two lines"),
    (SystemExit(), "SystemExit"),
    (TypeError("no <object at 0x7f00aB> here"), "TypeError: no <object> here"),
    (ValueError("x" * 1000), "ValueError: " + "x" * 300 + " …")])
def test_an_error_is_told_in_one_short_line(error, text):
    assert sandbox.error_line(error) == text
