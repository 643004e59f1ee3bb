"""What a class withstands: the proxy, the hub and ten kernels are killed while all are at work."""

import signal
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import websocket

from course_tools.classroom.simulated import Learner

KERNELS = 10
SECONDS = 120  # for everyone to be at work again
CUT_OFF = (OSError, RuntimeError, ValueError, httpx.HTTPError, websocket.WebSocketException)


def withstand(learners: list[Learner], state: Path) -> bool:
    """Kill one thing after the other; print how long learners wait; return whether all is there.

    Each has a saved file, which must never be lost, and a variable, which a killed kernel loses.
    """
    with ThreadPoolExecutor(len(learners)) as pool:
        list(pool.map(lambda each: each.run("work = 'mine'; open('saved.txt', 'w').write(work)"),
                      learners))
        fine = True
        for what, pids, losing in (
                ("the proxy", find(state, "configurable-http-proxy"), set()),
                ("the hub", find(state, "-m jupyterhub "), set()),
                (f"{KERNELS} kernels", kernels(learners[:KERNELS]), set(learners[:KERNELS]))):
            for pid in pids:
                psutil.Process(pid).send_signal(signal.SIGKILL)
            began = time.monotonic()
            waits = list(pool.map(until_at_work, learners, [began] * len(learners)))
            kept = list(pool.map(keeps, learners, [each not in losing for each in learners]))
            print(f"killed {what}: {sum(kept)} of {len(learners)} have all they had"
                  f"{' saved' * bool(losing)}, at work again after {max(waits):.1f} s at most",
                  flush=True)
            fine &= all(kept)
    return fine


def find(state: Path, part: str) -> list[int]:
    """Return the processes of a class, HOME in its state, whose command line has this in it."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if part in " ".join([*process.info["cmdline"], ""]) and process.environ().get(
                    "HOME", "").startswith(str(state)):
                found.append(process.pid)
        except (psutil.Error, TypeError):
            pass
    return found


def kernels(learners: Iterable[Learner]) -> list[int]:
    """Return the pid of each learner's kernel."""
    return [int(each.run("import os; print(os.getpid())")) for each in learners]


def until_at_work(learner: Learner, began: float) -> float:
    """Connect again until a cell runs; return the seconds since `began`."""
    while True:
        try:
            learner.connect()
            learner.run("1")
            return time.monotonic() - began
        except CUT_OFF:
            if time.monotonic() > began + SECONDS:
                return float("inf")
            time.sleep(0.5)


def keeps(learner: Learner, variables: bool) -> bool:
    """Return whether a learner's file, and the kernel's variables, are as they were."""
    try:
        text = learner.ask("GET", "contents/saved.txt").json()["content"]
        return text == "mine" and (not variables or learner.run("print(work)").strip() == "mine")
    except CUT_OFF:
        return False
