"""The sandbox: a process of its own without network, files, new processes or much memory.

Bubblewrap makes it: empty but for Python and the course, which are read-only, and a scratch folder
in memory. What goes in and out are two files without a name.
"""

import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from course_lib._allowed import require
from course_lib._files import HOME

SCRATCH = 64_000_000  # bytes, of a file and of each of the two folders in memory
COURSE = ("course_lib", "course_tools", "data", "notebooks")  # of the checkout; nothing else of it
EPERM, ENOSYS, CLONE_THREAD = 1, 38, 0x10000
SYSTEM_CALLS = {  # machine: (its number in Linux, clone, clone3, what is refused)
    # fork, vfork; memory that no limit counts: memfd_create, shmget; and of no use to an answer:
    # ptrace, unshare, setns, mount, bpf, userfaultfd, perf_event_open, three of keys, io_uring
    "x86_64": (0xC000003E, 56, 435, (
        57, 58, 319, 29, 101, 272, 308, 165, 321, 323, 298, 248, 249, 250, 425)),
    "aarch64": (0xC00000B7, 220, 435, (
        279, 194, 117, 97, 268, 40, 280, 282, 241, 217, 218, 219, 425)),
}


@dataclass(frozen=True)
class Limits:
    """Hold what a notebook may use: seconds by the clock, bytes of memory; and whether isolated."""

    seconds: float = 300.0
    memory: int = 4_000_000_000
    isolated: bool = True


def run(module: str, content: bytes, limits: Limits, *, forks: bool = False) -> bytes:
    """Run a module of the course on what it reads from stdin; return what it wrote to stdout.

    After so many seconds it is killed, and what it has written until then is returned. `forks`
    lets it start processes, which is for our own code alone.
    """
    with (tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as found,
          tempfile.TemporaryFile() as rules, tempfile.TemporaryDirectory() as scratch):
        given.write(content)
        rules.write(filter_program())
        given.seek(0)
        rules.seek(0)
        command = [sys.executable, "-P", "-m", module, str(limits.memory), str(limits.seconds)]
        if limits.isolated:
            command = [*bubblewrap(None if forks else rules.fileno()), *command]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, stdin=given, stdout=found, stderr=subprocess.DEVNULL,
                           timeout=limits.seconds, check=False, cwd=scratch,
                           env=_environment(scratch),
                           pass_fds=[rules.fileno()] if limits.isolated else [])
        found.seek(0)
        return found.read(SCRATCH)


def require_isolation(folder: Path) -> None:
    """Raise ValueError where the sandbox cannot be made here, or could read the folder."""
    advice = ("allowed is a sandbox; install bubblewrap (apt install bubblewrap), or grade files "
              "that you trust with --no-isolation")
    require(shutil.which("bwrap") is not None, "bwrap", "not installed here", advice)
    require(platform.machine() in SYSTEM_CALLS, "machine", platform.machine(), advice)
    with tempfile.TemporaryFile() as rules:
        rules.write(filter_program())
        rules.seek(0)
        done = subprocess.run([*bubblewrap(rules.fileno()), sys.executable, "-c", ""],
                              capture_output=True, text=True, pass_fds=[rules.fileno()])
    open_ = [path for path in bound() if folder.resolve().is_relative_to(path)]
    require(not open_, "folder", folder, f"a folder outside {', '.join(open_)}, which every "
            "notebook can read")
    require(done.returncode == 0, "bwrap", done.stderr.strip() or "no sandbox", advice)


def bubblewrap(rules: int | None) -> list[str]:
    """Return the beginning of a command that runs its rest in the sandbox."""
    readable = [part for path in bound() for part in ("--ro-bind", path, path)]
    memory = [part for path in ("/tmp", "/dev/shm")
              for part in ("--size", str(SCRATCH), "--tmpfs", path)]
    # /proc too: in it whom root started could write the machine's settings, capabilities or not
    read_only = [part for path in ("/proc", "/dev", "/") for part in ("--remount-ro", path)]
    inside = _environment("/tmp")
    return ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
            "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox", "--dev", "/dev",
            "--proc", "/proc", *memory, *readable, *read_only, "--chdir", "/tmp", "--clearenv",
            *(part for pair in inside.items() for part in ("--setenv", *pair)),
            *([] if rules is None else ["--seccomp", str(rules)])]


def bound() -> list[str]:
    """Return what the sandbox can read: the system's programs, Python, and the course."""
    paths = ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", sys.prefix, sys.base_prefix,
             *(str(HOME / name) for name in COURSE)]
    return [path for path in dict.fromkeys(paths) if Path(path).exists()]


def _environment(scratch: str) -> dict[str, str]:
    """Return all that the process is told; nothing of ours, such as a token, is passed on."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": scratch, "TMPDIR": scratch, "PYTHONPATH": str(HOME), "LANG": "C.UTF-8",
                   "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
                   "MPLCONFIGDIR": scratch, "TQDM_DISABLE": "1", "COURSE_PROGRESS": "off"}


def filter_program() -> bytes:
    """Return the filter of system calls (seccomp, BPF): threads, but no processes; see above."""
    machine, clone, clone3, refused = SYSTEM_CALLS.get(platform.machine(), (0, 0, 0, ()))
    load, equal, at_least, has, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    fail = 0x00050000  # and the number of an error
    lines = [(load, 0, 0, 4), (equal, 1, 0, machine), (answer, 0, 0, 0x80000000),  # killed
             (load, 0, 0, 0), (at_least, 0, 1, 0x40000000), (answer, 0, 0, fail | EPERM),
             (equal, 0, 1, clone3), (answer, 0, 0, fail | ENOSYS)]  # then clone is tried
    for call in refused:
        lines += [(equal, 0, 1, call), (answer, 0, 0, fail | EPERM)]
    lines += [(equal, 0, 3, clone), (load, 0, 0, 16), (has, 1, 0, CLONE_THREAD),
              (answer, 0, 0, fail | EPERM), (answer, 0, 0, 0x7FFF0000)]  # allowed
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def begin() -> tuple[bytes, int, float]:
    """Begin in the sandbox: set its limits; return what stdin gave, where to write, the seconds.

    What is printed goes nowhere from here on, so that it is not taken for what is written.
    """
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    with suppress(ImportError):  # on Windows there is none
        import resource

        for name, most in (("AS", memory), ("FSIZE", SCRATCH), ("NOFILE", 256), ("CORE", 0)):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    content, channel = sys.stdin.buffer.read(), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return content, channel, seconds


def tell(channel: int, content: bytes) -> None:
    """Write the whole of a message."""
    while content:
        content = content[os.write(channel, content):]
