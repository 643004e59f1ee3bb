"""Run a learner's function so that whatever it does, the kernel lives and nothing else changes.

It runs in a thread of its own with a deadline. What it prints is caught, what it raises is
returned, and the settings that all threads share are put back.
"""

import contextlib
import ctypes
import io
import linecache
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

SECONDS = 5.0  # until the deadline
GRACE = 3.0  # seconds after it, for the function to stop
SHOWN = 2_000  # characters of what was printed


@dataclass(frozen=True)
class Outcome:
    """Hold what a call returned or raised, the beginning of what it printed, whether it ended."""

    value: object = None
    error: BaseException | None = None
    printed: str = ""
    ended: bool = True
    stopped: bool = True  # False: still running, in C, where no exception reaches it


class Printed(io.StringIO):
    """Take what is printed, keep the beginning, forget the rest."""

    def write(self, text: str) -> int:
        """Take a piece of text; return its length, as a file does."""
        super().write(text[:max(0, SHOWN - self.tell())])
        return len(text)


def run_guarded(work: Callable[[], object], seconds: float = SECONDS) -> Outcome:
    """Call `work` in a thread; after so many seconds it is stopped."""
    ends, printed = [], Printed()

    def call() -> None:
        try:
            ends.append((work(), None))
        except BaseException as error:  # SystemExit and KeyboardInterrupt as well
            ends.append((None, error))

    worker = threading.Thread(target=call, daemon=True)
    with settings_kept(), _exit_refused(), contextlib.redirect_stdout(printed), \
            contextlib.redirect_stderr(printed):
        try:
            worker.start()
            worker.join(seconds)
        finally:
            ended = not worker.is_alive()  # False also where the learner interrupts the check
            _stop(worker)
    value, error = ends[0] if ended and ends else (None, None)
    return Outcome(value, error, printed.getvalue(), ended, not worker.is_alive())


def _stop(worker: threading.Thread) -> None:
    """Raise SystemExit in the thread, again and again, until it ends or the grace is over."""
    interval, deadline = sys.getswitchinterval(), time.monotonic() + GRACE
    sys.setswitchinterval(1e-5)  # the next one may come inside the except that caught the last
    try:
        while worker.is_alive() and time.monotonic() < deadline:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(worker.ident), ctypes.py_object(SystemExit))
            worker.join(0.0005)
    finally:
        sys.setswitchinterval(interval)


@contextlib.contextmanager
def settings_kept() -> Iterator[None]:
    """Put random numbers, torch's threads and its default type back where they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    threads, kind = torch.get_num_threads(), torch.get_default_dtype()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.set_num_threads(threads)
        torch.set_default_dtype(kind)


@contextlib.contextmanager
def _exit_refused() -> Iterator[None]:
    """Make a notebook's exit() and quit() raise, as Python's do: there they end the kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        yield
        return
    shell.ask_exit = _raise_exit
    try:
        yield
    finally:
        del shell.ask_exit


def _raise_exit() -> None:
    raise SystemExit


def error_line(error: BaseException) -> str:
    """Return an error's type and message in one short line, the same in every run."""
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(str(error).split()))
    short = message if len(message) <= 300 else message[:300] + " …"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__


def line_of(error: BaseException, answer: Callable) -> tuple[int, str] | None:
    """Return number and text of the learner's last line on the way to an error, if there is one."""
    own, trace, last = getattr(answer, "__globals__", None), error.__traceback__, None
    while trace is not None:
        if own is not None and trace.tb_frame.f_globals is own:
            last = trace
        trace = trace.tb_next
    if last is None:
        return None
    source = linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno)
    return last.tb_lineno, source.strip()
