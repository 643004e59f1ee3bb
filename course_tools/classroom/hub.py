"""`course hub`: start the room, keep it running, and say on one screen how to get in."""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_lib._allowed import require
from course_lib._files import HOME

from course_tools.classroom.accounts import (
    TEACHER,
    check_open,
    mount_disks,
    names,
    passwords,
    prepare,
    remove,
)
from course_tools.classroom.faults import find
from course_tools.classroom.limits import end_all, favour

STARTING = 4  # servers that start at the same time
SECONDS = 180  # for the hub to answer
PLAIN = ("Without --certificate and --key nothing is encrypted: whoever is on this network can "
         "read passwords and work.")


@dataclass
class Kept:
    """A program that is started again whenever it ends."""

    what: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen | None = field(default=None, init=False)

    def look(self) -> None:
        """Start the program if it does not run."""
        if self.process is None or self.process.poll() is not None:
            if self.process is not None:
                print(f"{self.what} ended ({self.process.returncode}); it is started again. "
                      f"{self.log} says why.", flush=True)
            self.log.touch(0o600)
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(self.arguments, env=self.environment, stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL,
                                                start_new_session=True, cwd=HOME, umask=0o077,
                                                preexec_fn=lambda: favour("hub"))

    def end(self) -> None:
        """End it, gently first."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)  # thirty servers, each asked first
            except subprocess.TimeoutExpired:
                self.process.kill()


def main(options: argparse.Namespace) -> int:
    """Prepare a class, or hold it until Ctrl-C."""
    state = options.state.resolve()
    require(sys.platform == "linux", "system", sys.platform, "linux")
    who = names(options.learners, options.names)
    if options.action == "prepare":
        for sentence in prepare(who, state, options.disk):
            print(sentence, flush=True)
        return 0
    if options.action == "remove":
        remove(who, state)
        print(f"The accounts are gone; what learners have written is still in {state / 'homes'}")
        return 0
    _check(options)
    if os.getuid() == 0:
        check_open(state)
        mount_disks(state)
    for sentence in prepare(who, state):
        print(sentence, flush=True)
    for each in (signal.SIGINT, signal.SIGTERM):  # a shell lets what it puts behind ignore SIGINT
        signal.signal(each, signal.default_int_handler)
    kept = list(_programs(options, state, token := secrets.token_hex(32)))
    try:
        for program in kept:
            program.look()
        _hold(options, state, kept, token)
    except KeyboardInterrupt:
        print("\nEnding the class; what was saved stays.", flush=True)
    finally:
        for program in reversed(kept):
            program.end()
        for name in who:
            end_all(name)  # also where the hub itself had just been killed
        for pid in find(state, "jupyterhub_idle_culler"):  # one for each hub that was killed
            os.kill(pid, signal.SIGKILL)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise ValueError where something is missing that the hub cannot do without."""
    proxy = HOME / "classroom/node_modules/configurable-http-proxy"
    require(proxy.is_dir(), "proxy", None, "installed by: npm ci --prefix classroom")
    require(bool(options.certificate) == bool(options.key), "certificate, key",
            (options.certificate, options.key), "both or neither")
    try:
        import jupyterhub  # noqa: F401
    except ImportError:
        raise ValueError("JupyterHub is missing: pip install -c constraints.txt -e '.[class]'"
                         ) from None


def _programs(options: argparse.Namespace, state: Path, token: str) -> Iterator[Kept]:
    """Return what has to run: the prepared kernel, if it is wanted, and JupyterHub."""
    plain = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH")
             if name in os.environ}
    public = state / "public"
    public.mkdir(mode=0o755, exist_ok=True)
    if not options.ordinary_kernels:
        _write_kernel(public)
        yield Kept("The prepared kernel", [
            sys.executable, "-m", "course_tools.classroom.prepared", str(public / "kernels.sock")],
            plain | {"HOME": str(state)}, state / "kernels.log")
    room = {"state": str(state), "listen": options.listen, "port": options.port,
            "certificate": str(options.certificate or ""), "key": str(options.key or ""),
            "names": names(options.learners, options.names), "root": os.getuid() == 0,
            "forked": not options.ordinary_kernels}
    yield Kept("The hub", [
        sys.executable, "-m", "jupyterhub", "-f", str(HOME / "classroom/jupyterhub_config.py")],
        plain | {"HOME": str(state), "COURSE_ROOM": json.dumps(room), "COURSE_DOORS": token},
        state / "hub.log")


def _write_kernel(public: Path) -> None:
    """Write what makes `standin.py` the kernel named python3."""
    folder = public / "kernels" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    (public / "kernels.sock").unlink(missing_ok=True)
    (folder / "kernel.json").write_text(json.dumps({
        "argv": [sys.executable, "-I", "-S", str(Path(__file__).with_name("standin.py")),
                 str(public / "kernels.sock"), "{connection_file}"],
        "display_name": "Python 3", "language": "python"}, indent=1))


def _hold(options: argparse.Namespace, state: Path, kept: list[Kept], token: str) -> None:
    """Open the doors when all servers are up, then keep every program running."""
    began, told = time.monotonic(), False
    waiting = [] if options.cold else names(options.learners, options.names)
    while True:
        for program in kept:
            program.look()
        up = _servers(options.port, token, waiting)
        if up is None and not told:
            require(time.monotonic() < began + SECONDS, "hub", "silent",
                    f"an answer within {SECONDS} s; {state / 'hub.log'} says why")
        elif not told and (up == options.learners or options.cold) and (
                options.ordinary_kernels or (state / "public" / "kernels.sock").exists()):
            print(announcement(options, state, up, time.monotonic() - began), flush=True)
            told = True
        time.sleep(2 if told else 0.5)


def _servers(port: int, token: str, waiting: list[str]) -> int | None:
    """Start servers of those who wait, a few at a time; return how many are up, None if no hub."""
    import requests

    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"token {token}"
    url = f"http://127.0.0.1:{port + 1}/hub/api/users"
    try:
        users = session.get(url, params={"limit": 200}, timeout=30).json()
        servers = [user["servers"].get("", {}) for user in users]
        starting = sum(bool(server.get("pending")) for server in servers)
        for name in waiting[:max(0, STARTING - starting)]:
            session.post(f"{url}/{name}/server", timeout=30)
            waiting.remove(name)
        return sum(bool(server.get("ready")) for server in servers)
    except (requests.RequestException, ValueError, TypeError):
        return None


def announcement(options: argparse.Namespace, state: Path, up: int, seconds: float) -> str:
    """Return what the projector shows: address, QR code, names and password, how to stop."""
    import segno

    url = f"http{'s' if options.certificate else ''}://{_address(options.listen)}:{options.port}"
    code = io_text(segno.make(url))
    loopback = options.listen in ("127.0.0.1", "localhost", "::1")
    warning = "Only this machine can open it; --listen 0.0.0.0 opens it to the network." \
        if loopback else "" if options.certificate else PLAIN
    return "\n".join(filter(None, [
        code, f"  Open {url}",
        f"  Name      {options.names}01 … {options.names}{options.learners:02}",
        f"  Password  {passwords(state)['learners']}", "",
        f"{up} servers are up, after {seconds:.0f} s. {warning}",
        f"The teacher signs in as {TEACHER}, with the password in {state / 'passwords.json'}.",
        "" if os.getuid() == 0 else
        "You are not root, so every learner is you: they can read and change each other's files.",
        "Ctrl-C ends the class. What learners have saved stays, and so do their names."]))


def io_text(code: object) -> str:
    """Return a QR code as a terminal shows it."""
    import io

    text = io.StringIO()
    code.terminal(text, compact=True)
    return text.getvalue()


def _address(listen: str) -> str:
    """Return this machine's address in the network where it listens on all of them."""
    if listen not in ("", "0.0.0.0"):
        return listen
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
