"""What one learner may take: memory, processes, files. Linux only.

Resource limits hold for each process, control groups for all of a learner's together: the latter
exist where the hub runs as root and the system lets it make them.
"""

import contextlib
import os
import resource
import signal
import time
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MEMORY = 2_000_000_000  # bytes, of all a learner's processes
PROCESSES = 200  # threads are counted too
FILE = 500_000_000  # bytes, of one file
LIMITS = {
    resource.RLIMIT_DATA: MEMORY,  # of one process: it hears "no memory" before it is killed
    resource.RLIMIT_NPROC: PROCESSES,
    resource.RLIMIT_FSIZE: FILE,
    resource.RLIMIT_NOFILE: 4096,
    resource.RLIMIT_CORE: 0,
}
SETTINGS = {  # controller: {file: value}; version 1 of control groups, then version 2
    "memory": {"memory.limit_in_bytes": MEMORY, "memory.max": MEMORY},
    "pids": {"pids.max": PROCESSES},
    "cpu": {"cpu.shares": 1024, "cpu.weight": 100},  # the same for everyone
}
CLASS = {"cpu.shares": 1024 * 30, "cpu.weight": 1000}  # of all learners, beside other programs


def folders(name: str) -> dict[str, Path]:
    """Return {controller: a learner's group}, which may not exist yet.

    In version 2 one folder is for all controllers, in version 1 each has a tree of its own.
    """
    if (GROUPS / "cgroup.controllers").is_file():
        return dict.fromkeys(SETTINGS, GROUPS / "course" / name)
    return {controller: GROUPS / controller / "course" / name for controller in SETTINGS
            if (GROUPS / controller / "cgroup.procs").is_file()}


def make_groups(name: str) -> bool:
    """Make a learner's control groups; return whether memory and processes are bounded by them."""
    done = set()
    for controller, place in folders(name).items():
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            _delegate(place)
            _set(place.parent, CLASS)
            if _set(place, SETTINGS[controller]):
                done.add(controller)
    return {"memory", "pids"} <= done


def _set(place: Path, values: dict[str, int]) -> bool:
    """Set what this version of control groups has of these; return whether it has any."""
    there = [file for file in values if (place / file).exists()]
    for file in there:
        (place / file).write_text(str(values[file]))
    return bool(there)


def _delegate(place: Path) -> None:
    """Switch the controllers on for the folders below, which version 2 asks for."""
    for above in (GROUPS, place.parent):
        if (above / "cgroup.subtree_control").is_file():
            (above / "cgroup.subtree_control").write_text("+memory +pids +cpu")


def favour(name: str) -> None:
    """Give this process, and what it starts, as large a share of the processor as a whole class.

    For what everyone waits for: the hub and the proxy, through which every keystroke goes.
    """
    place = GROUPS / ("" if (GROUPS / "cgroup.controllers").is_file() else "cpu") / f"course-{name}"
    with contextlib.suppress(OSError):
        place.mkdir(exist_ok=True)
        _delegate(place)
        _set(place, CLASS)
        (place / "cgroup.procs").write_text(str(os.getpid()))


def confine(name: str, *, together: bool = True) -> None:
    """Put this process under a learner's limits. What it starts inherits them.

    Without `together` only under those of one process, as where all learners are one user.
    """
    if together:
        for place in folders(name).values():
            if (place / "cgroup.procs").exists():
                (place / "cgroup.procs").write_text(str(os.getpid()))
    for kind, value in LIMITS.items():
        if kind == resource.RLIMIT_NPROC and not together:
            continue  # it counts all processes of a user
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError):  # if all memory is gone, the hub is not what has to go
        Path("/proc/self/oom_score_adj").write_text("500")


def end_all(name: str) -> None:
    """Kill every process in a learner's control groups, those that fork meanwhile as well."""
    for _ in range(100):
        found = {pid for place in folders(name).values() if place.is_dir()
                 for pid in (place / "cgroup.procs").read_text().split()}
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.02)
