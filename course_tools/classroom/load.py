"""Simulated learners, measured: sign in, open Lab, run a lesson's cells with time to think.

    python -m course_tools.classroom.load --learners 30

What is reported is what a learner waits for; the first cell counts from asking for a kernel.
"""

import argparse
import contextlib
import json
import math
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import nbformat
import psutil

from course_lib._files import HOME

from course_tools.classroom.accounts import names, passwords, remove
from course_tools.classroom.faults import withstand
from course_tools.classroom.limits import favour
from course_tools.classroom.simulated import Learner
from course_tools.lessons.notebooks import find_lessons

LIGHT = "sum(range(1_000_000))"
TRAINING = """from course_lib.data import load_mnist
from course_lib.models import lenet_300_100
from course_lib.training import train
train(lenet_300_100(0), load_mnist().train, epochs=1)"""
ALIVE = "assert 41 + 1 == 42"
BARS = {  # step: seconds that 95 of 100 may take, servers up and kernels prepared
    "Lab's page": 5.0, "first cell, from asking for a kernel": 2.0, LIGHT: 1.0}
KINDS = {  # what a command line has in it
    "servers": "jupyterhub-singleuser", "kernels": "ipykernel_launcher", "stand-ins": "standin.py",
    "prepared": "classroom.prepared", "proxy": "configurable-http-proxy", "hub": "-m jupyterhub"}


class Measured:
    """Seconds by step, and failures; many threads write here."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seconds, self.failures, self.lock = defaultdict(list), [], threading.Lock()

    def step(self, name: str, work: Callable[[], object]) -> object:
        """Do something, and note how long it took."""
        began = time.monotonic()
        result = work()
        with self.lock:
            self.seconds[name].append(time.monotonic() - began)
        return result

    def __str__(self) -> str:
        """Return a line a step: count, median, 95th percentile, worst."""
        lines = [f"{'step':<38}{'n':>5}{'median':>9}{'p95':>9}{'worst':>9}  seconds"]
        for name, values in self.seconds.items():
            p95 = percentile(values, 0.95)
            bar = BARS.get(name)
            lines.append(f"{name:<38}{len(values):>5}{statistics.median(values):>9.2f}{p95:>9.2f}"
                         f"{max(values):>9.2f}" + (f"  (bar {bar})" if bar else ""))
        return "\n".join(lines)


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that this share of the values does not exceed.

    >>> percentile(list(range(1, 101)), 0.95)
    95
    """
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def attend(learner: Learner, cells: list[str], think: float, measured: Measured) -> None:
    """Take one lesson: each cell, a pause, and a light cell in between."""
    measured.step("sign in", learner.sign_in)
    measured.step("Lab's page", learner.open_lab)
    name = "first cell, from asking for a kernel"
    measured.step(name, lambda: (learner.start_kernel(), learner.run(ALIVE)))
    for number, cell in enumerate(cells):
        time.sleep(random.uniform(0.3, 1.7) * think)
        measured.step("a lesson's cell", lambda cell=cell: learner.run(cell))
        if number % 5 == 2:
            measured.step(LIGHT, lambda: learner.run(LIGHT))


def rush(learners: list[Learner]) -> None:
    """Let everyone train a network at the same moment, then two at a time; print the waits."""
    for at_once in (len(learners), 2):
        with ThreadPoolExecutor(at_once) as pool:
            began = time.monotonic()
            waits = list(pool.map(
                lambda each, began=began: (each.run(TRAINING), time.monotonic() - began)[1],
                learners))
        print(f"{len(learners)} trainings, {at_once} at a time: done after {min(waits):.1f} s at "
              f"first, {statistics.median(waits):.1f} s in the middle, {max(waits):.1f} s at last")


def memory(state: Path) -> dict[str, tuple[int, int]]:
    """Return {kind: (processes, megabytes)} of a class, as proportional set size (PSS).

    A process is of the class if its HOME lies in the hub's state folder.
    """
    found = dict.fromkeys([*KINDS, "all"], (0, 0))
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        kind = next((kind for kind, part in KINDS.items() if part in line), None)
        try:
            if not kind or not process.environ().get("HOME", "").startswith(str(state)):
                continue
            if kind == "prepared" and "prepared" in _parent(process):
                kind = "kernels"  # a copy has the command line of what it was copied from
            size = process.memory_full_info().pss / 1e6
            for each in (kind, "all"):
                found[each] = (found[each][0] + 1, found[each][1] + size)
        except psutil.Error:
            pass
    return {kind: (number, round(size)) for kind, (number, size) in found.items() if number}


def _parent(process: psutil.Process) -> str:
    parent = process.parent()
    return " ".join(parent.cmdline()) if parent else ""


def cells_of(lesson: str) -> list[str]:
    """Return the code cells of a lesson."""
    notebook = nbformat.read(find_lessons(lesson, HOME / "notebooks")[0], as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def load(options: argparse.Namespace) -> tuple[Measured, list[Learner]]:
    """Let everyone attend; print what was measured, and the most memory that it took.

    Return the measurements and those who came to the end; their kernels live on.
    """
    measured, cells, done = Measured(), cells_of(options.lesson)[:options.cells], []
    present, most = threading.Semaphore(0), {}
    learners = [Learner(options.url, name, options.password)
                for name in names(options.learners, options.names)]

    def take(learner: Learner) -> None:
        time.sleep(random.uniform(0, options.arrive))
        try:
            attend(learner, cells, options.think, measured)
            done.append(learner)
        except Exception as error:
            measured.failures.append(f"{learner.name}: {type(error).__name__}: {error}"[:200])
        present.release()

    began = time.monotonic()
    psutil.cpu_percent()
    for learner in learners:
        threading.Thread(target=take, args=(learner,), daemon=True).start()
    for _ in learners:
        while not present.acquire(timeout=20):
            most = max(most, memory(options.state), key=lambda found: found.get("all", (0, 0))[1])
    print(f"{options.learners} learners, lesson {options.lesson}, {len(cells)} cells, pauses of "
          f"{options.think:g} s: {time.monotonic() - began:.0f} s, processor "
          f"{psutil.cpu_percent():.0f} % busy, failures: {len(measured.failures)}")
    print("\n".join([str(measured), *measured.failures[:8]]))
    print("memory, the most at a time, as (processes, MB):",
          json.dumps(most or memory(options.state)), flush=True)
    return measured, done


def passed(measured: Measured) -> bool:
    """Say which bars were missed; return whether none was, and nobody failed."""
    missed = [f"{name}: p95 {percentile(measured.seconds[name], 0.95):.2f} s, bar {bar} s"
              for name, bar in BARS.items() if measured.seconds[name]
              and percentile(measured.seconds[name], 0.95) > bar]
    print("\n".join(["missed:", *missed]) if missed else "every bar was met")
    return not missed and not measured.failures


@contextlib.contextmanager
def room(options: argparse.Namespace) -> Iterator[None]:
    """Hold a class in the state folder as long as it lasts, by `course hub` itself."""
    command = [sys.executable, "-m", "course_tools", "hub", "--learners", str(options.learners),
               "--names", options.names, "--state", str(options.state), "--port",
               str(options.port), *["--cold"] * options.cold,
               *["--ordinary-kernels"] * options.ordinary_kernels]
    hub = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HOME)
    try:
        for line in hub.stdout:
            print(line, end="", flush=True)
            if line.startswith("Ctrl-C"):
                break
        else:
            raise RuntimeError("the class did not open")
        yield
    finally:
        hub.terminate()
        hub.wait(180)
        remove(names(options.learners, options.names), options.state)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--names", default="load", help="what names begin with (load)")
    parser.add_argument("--state", type=Path, default=HOME / "build" / "load")
    parser.add_argument("--port", type=int, default=18_000)
    parser.add_argument("--lesson", default="02")
    parser.add_argument("--cells", type=int, help="only the first so many")
    parser.add_argument("--think", type=float, default=8.0, help="mean pause in seconds (8)")
    parser.add_argument("--arrive", type=float, default=20.0, help="all within so many s (20)")
    parser.add_argument("--cold", action="store_true", help="no server started beforehand")
    parser.add_argument("--ordinary-kernels", action="store_true")
    parser.add_argument("--faults", action="store_true", help="then kill proxy, hub and kernels")
    parser.add_argument("--rush", action="store_true", help="then let everyone train at once")
    options = parser.parse_args()
    options.state, options.url = options.state.resolve(), f"http://127.0.0.1:{options.port}"
    random.seed(0)
    with room(options):
        options.password = passwords(options.state)["learners"]
        favour("laptops")  # the browsers, which no learner's training slows down
        measured, learners = load(options)
        fine = passed(measured)
        if options.rush:
            rush(learners)
        if options.faults:
            fine &= withstand(learners, options.state)
        for learner in learners:
            with contextlib.suppress(httpx.HTTPError):  # the proxy was another when they came
                learner.leave()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
