"""Kernels that begin as copies of one process, in which torch and the course are loaded already.

    python -m course_tools.classroom.prepared SOCKET

Whoever calls at the Unix socket gets a copy (fork, so memory is shared until it is changed) with
the caller's rights: `become` is all that runs as root after the fork. `standin.py` is the caller.
Linux only. No thread may run before the fork, for a copy has none of them.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pwd
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

from course_tools.classroom.limits import confine

LOADED = (  # what the lessons import, and what these import when they are first used
    "course_lib.heads", "course_lib.iterative", "course_lib.regrowth",
    "course_lib.relative_index", "course_lib.search", "course_lib.sizes", "course_lib.surgery",
    "course_tools.capstone", "course_tools.checks", "course_tools.checks.judge",
    "course_tools.doctor", "course_tools.exercises", "course_tools.experiments",
    "course_tools.plots.networks", "course_tools.plots.results", "course_tools.sliders",
    "ipykernel.ipkernel", "ipykernel.kernelapp", "ipywidgets", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "scipy.stats", "torch.utils.benchmark", "torch._dynamo",
)
CLONE_NEWNS, PR_SET_NO_NEW_PRIVS = 0x20000, 38
SECONDS = 10  # for a caller to say what it wants


def load() -> None:
    """Import what the lessons need, and read MNIST so that its mapped file is in memory."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel sets it
    for name in LOADED:
        importlib.import_module(name)
    sys.modules["course_lib.data"].load_mnist()
    gc.collect()
    gc.freeze()  # the collector would write to every object, and so copy its page


def serve(path: Path) -> None:
    """Give a copy of this process to everyone who calls, until it is ended."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        raise RuntimeError(f"{threads} threads run already; a copy would have one of them")
    path.unlink(missing_ok=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies that end leave nothing behind
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o666)
        server.listen(64)
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> None:
    """Be the caller's kernel; never return."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        become(*struct.unpack("3i", caller.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))))
        _run(caller)
        status = 0
    except SystemExit as error:
        status = error.code or 0
    finally:
        sys.stdout.flush()
        os._exit(status if isinstance(status, int) else 1)


def become(pid: int, uid: int, gid: int) -> None:
    """Turn this process into one of the caller's: limits, mounts, groups and user, for good.

    Nothing is imported and no file is opened between the caller's mounts and the caller's user.
    """
    if uid == os.getuid():
        confine("", together=False)
        return
    if os.getuid() != 0 or uid == 0:
        raise PermissionError(f"user {os.getuid()} starts no kernels for user {uid}")
    user, libc = pwd.getpwuid(uid), ctypes.CDLL(None, use_errno=True)
    groups = os.getgrouplist(user.pw_name, gid)
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    if Path(f"/proc/{pid}").stat().st_uid != uid:  # another process has its number by now
        raise PermissionError(f"process {pid} is not user {uid}'s")
    confine(user.pw_name)
    if libc.setns(mounts, CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "setns")
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.close(mounts)


def _run(caller: socket.socket) -> None:
    """Read what is wanted, as the caller already, and run ipykernel until it ends."""
    caller.settimeout(SECONDS)
    text, outputs, _, _ = socket.recv_fds(caller, 1 << 16, 2)
    while not text.endswith(b"\n"):
        more = caller.recv(1 << 16)
        if not more:
            raise ConnectionError("the caller has gone")
        text += more
    caller.settimeout(None)
    wanted = json.loads(text)
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.setsid()
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    seed_anew()
    caller.sendall(b"%d\n" % os.getpid())
    threading.Thread(target=_end_with, args=(caller,), daemon=True).start()
    sys.argv = ["ipykernel_launcher", "-f", wanted["connection"],
                "--IPKernelApp.parent_handle=1"]  # no parent to watch: the caller is watched
    sys.path[:] = [each for each in sys.path if each not in ("", str(Path.cwd()))]
    sys.modules["ipykernel.kernelapp"].launch_new_instance()


def seed_anew() -> None:
    """Give this copy random numbers of its own: Python's, numpy's, torch's."""
    sys.modules["random"].seed()
    sys.modules["numpy"].random.seed()
    sys.modules["torch"].seed()


def _end_with(caller: socket.socket) -> None:
    """End this kernel when the stand-in has ended, however it did."""
    with contextlib.suppress(OSError):
        while caller.recv(1):
            pass
    os._exit(0)


if __name__ == "__main__":
    os.environ |= dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    load()
    serve(Path(sys.argv[1]))
