"""Simulated learners, measured: sign in, open Lab, run a lesson's cells with time to think.

    python -m course_tools.classroom.load URL PASSWORD --learners 30

Each is a thread with a browser's cookies and a kernel's websocket. What is reported is what a
learner waits for; the first cell counts from asking for a kernel.
"""

import argparse
import json
import math
import os
import random
import statistics
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import nbformat
import psutil
import websocket

from course_lib._files import HOME

from course_tools.classroom.accounts import names
from course_tools.lessons.notebooks import find_lessons

PATIENCE = 300  # seconds for any one step
LIGHT = "sum(range(1_000_000))"
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


class Learner:
    """One learner: cookies, a server, a kernel."""

    def __init__(self, url: str, name: str, password: str) -> None:
        """Come in with an empty browser."""
        self.url, self.name, self.password = url.rstrip("/"), name, password
        self.browser = httpx.Client(timeout=PATIENCE, trust_env=False, follow_redirects=True,
                                    verify=False)
        self.base = f"{self.url}/user/{name}"
        self.socket = None

    def sign_in(self) -> None:
        """Fill in the sign-in form."""
        self.browser.get(f"{self.url}/hub/login")
        answer = self.browser.post(f"{self.url}/hub/login", follow_redirects=False, data={
            "username": self.name, "password": self.password, "_xsrf": self._xsrf("/hub/")})
        if answer.status_code != 302:
            raise RuntimeError(f"sign-in gives {answer.status_code}")

    def open_lab(self) -> None:
        """Ask for Lab's page until it is there, through the hub's page of progress."""
        began, answer = time.monotonic(), self.browser.get(f"{self.url}/hub/spawn")
        while "jupyter-config-data" not in answer.text:
            if answer.status_code == 429 or time.monotonic() > began + PATIENCE:
                raise RuntimeError(f"Lab gives {answer.status_code} at {answer.url}")
            time.sleep(0.5)
            answer = self.browser.get(f"{self.base}/lab")

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Call the server's API as Lab does."""
        head = {"X-XSRFToken": self._xsrf(f"/user/{self.name}/")}
        answer = self.browser.request(method, f"{self.base}/api/{path}", headers=head, **options)
        answer.raise_for_status()
        return answer

    def _xsrf(self, path: str) -> str:
        found = [each.value for each in self.browser.cookies.jar
                 if each.name == "_xsrf" and each.path == path]
        return found[0] if found else ""

    def start_kernel(self) -> str:
        """Ask for a kernel and connect to it; return its id."""
        self.kernel = self.ask("POST", "kernels", json={"name": "python3"}).json()["id"]
        self.connect()
        return self.kernel

    def connect(self) -> None:
        """Open the kernel's websocket, as a browser does again after it was cut off."""
        if self.socket is not None:
            self.socket.close()
        place = urlsplit(self.base)
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.browser.cookies.jar
                            if place.path.startswith(each.path.rstrip("/")))
        scheme = "wss" if place.scheme == "https" else "ws"
        self.socket = websocket.create_connection(
            f"{scheme}://{place.netloc}{place.path}/api/kernels/{self.kernel}/channels",
            cookie=cookies, timeout=PATIENCE, http_no_proxy=["*"],
            sslopt={"cert_reqs": 0} if scheme == "wss" else None)

    def run(self, code: str) -> str:
        """Run code; return what it printed. An error in it raises RuntimeError."""
        number, printed = uuid.uuid4().hex, []
        self.socket.send(json.dumps({
            "header": {"msg_id": number, "username": self.name, "session": number, "date": "",
                       "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {}, "metadata": {}, "buffers": [], "channel": "shell",
            "content": {"code": code, "silent": False, "store_history": True,
                        "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}}))
        waits = {"execute_reply", "idle"}
        while waits:
            message = json.loads(self.socket.recv())
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            waits -= {message["msg_type"], content.get("execution_state")}
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            if message["msg_type"] == "error":
                raise RuntimeError(f"{content['ename']}: {content['evalue']}")
        return "".join(printed)

    def leave(self) -> None:
        """Shut the kernel down and go."""
        self.ask("DELETE", f"kernels/{self.kernel}")
        self.socket.close()
        self.browser.close()


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


def load(options: argparse.Namespace) -> Measured:
    """Let everyone attend; print what was measured, and the memory while kernels still live."""
    measured, cells, leaving = Measured(), cells_of(options.lesson)[:options.cells], []
    gate, present, peak = threading.Event(), threading.Semaphore(0), {}
    learners = [Learner(options.url, name, options.password)
                for name in names(options.learners, options.names)]

    def take(learner: Learner) -> None:
        time.sleep(random.uniform(0, options.arrive))
        try:
            attend(learner, cells, options.think, measured)
            leaving.append(learner)
        except Exception as error:
            measured.failures.append(f"{learner.name}: {type(error).__name__}: {error}"[:200])
        present.release()
        gate.wait()

    began = time.monotonic()
    psutil.cpu_percent()
    threads = [threading.Thread(target=take, args=(each,), daemon=True) for each in learners]
    for thread in threads:
        thread.start()
    for _ in threads:
        while not present.acquire(timeout=5):
            now = memory(options.state)
            if now.get("all", (0, 0)) > peak.get("all", (0, 0)):
                peak = now
    print(f"{options.learners} learners, lesson {options.lesson}, {len(cells)} cells, pauses of "
          f"{options.think:g} s: {time.monotonic() - began:.0f} s, processor "
          f"{psutil.cpu_percent():.0f} % busy, failures: {len(measured.failures)}")
    print("\n".join([str(measured), *measured.failures[:8]]))
    print("memory, the most at a time, as (processes, MB):",
          json.dumps(peak or memory(options.state)))
    gate.set()
    for learner in leaving:
        learner.leave()
    return measured


def passed(measured: Measured) -> bool:
    """Say which bars were missed; return whether none was, and nobody failed."""
    missed = [f"{name}: p95 {percentile(measured.seconds[name], 0.95):.2f} s, bar {bar} s"
              for name, bar in BARS.items() if measured.seconds[name]
              and percentile(measured.seconds[name], 0.95) > bar]
    print("\n".join(["missed:", *missed]) if missed else "every bar was met")
    return not missed and not measured.failures


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("state", type=Path, help="the hub's state folder, for the password")
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--names", default="learner", help="what names begin with (learner)")
    parser.add_argument("--lesson", default="02")
    parser.add_argument("--cells", type=int, help="only the first so many")
    parser.add_argument("--think", type=float, default=8.0, help="mean pause in seconds (8)")
    parser.add_argument("--arrive", type=float, default=20.0, help="all within so many s (20)")
    options = parser.parse_args()
    options.password = json.loads((options.state / "passwords.json").read_text())["learners"]
    options.state = options.state.resolve()
    random.seed(0)
    return 0 if passed(load(options)) else 1


if __name__ == "__main__":
    os._exit(main())  # threads that still wait are of no use any more
