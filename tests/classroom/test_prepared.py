"""Kernels that are copies of one process: whose they are, what they know, and how they end."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest
from rooms import NOBODY, as_others, linux

from course_lib._files import HOME

from course_tools.classroom.hub import _write_kernel

pytestmark = linux
ASK = """
import json, os, signal, sys, time
import psutil
from jupyter_client import KernelManager

manager = KernelManager(kernel_name="python3")
manager.start_kernel()
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=60)

def run(code, seconds=60):
    said = []
    def hear(message):
        content = message["content"]
        said.append(content.get("text") or content.get("ename") or "")
    client.execute_interactive(code, timeout=seconds, output_hook=hear)
    return "".join(said).strip()

def pid():
    return int(run("import os; print(os.getpid())"))

def gone(number, seconds=10):
    end = time.monotonic() + seconds
    while psutil.pid_exists(number) and psutil.Process(number).status() != "zombie":
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
"""
DONE = "\nmanager.shutdown_kernel(now=True)"


@pytest.fixture(scope="module")
def prepared(place):
    """Start the prepared process; return its pid."""
    _write_kernel(place)
    (place / "run").mkdir()
    (place / "run").chmod(0o777)
    process = subprocess.Popen(
        [sys.executable, "-m", "course_tools.classroom.prepared", str(place / "kernels.sock")],
        env=os.environ | {"PYTHONPATH": str(HOME)}, stdout=subprocess.PIPE, text=True, cwd=HOME)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.terminate()
    process.wait()


def ask(place, code, before=()):
    """Start a kernel, run a script that may call it, and return what the script printed."""
    own = {"JUPYTER_PATH": str(place), "JUPYTER_RUNTIME_DIR": str(place / "run"),
           "IPYTHONDIR": str(place / "run" / f"ipython{len(before)}"), "HOME": str(place / "run"),
           "JUPYTER_CONFIG_DIR": str(place / "run"), "PYTHONPATH": str(HOME),
           "TMPDIR": "/tmp"}
    done = subprocess.run([*before, sys.executable, "-c", ASK + code + DONE], text=True,
                          capture_output=True, env=os.environ | own, timeout=120,
                          cwd=place / "run")
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_no_thread_runs_before_the_fork(prepared):
    assert len(os.listdir(f"/proc/{prepared.pid}/task")) == 1  # noqa: PTH208


def test_a_kernel_is_a_copy_in_which_all_is_loaded(prepared, place):
    parent, loaded, environment = ask(place, """
print(run("import os; print(os.getppid())"))
print(run("import sys; print({'torch', 'course_lib.data', 'scipy.stats'} <= set(sys.modules))"))
print(run("import os; print(os.environ['HOME'], os.getcwd())"))""")[:3]
    assert int(parent) == prepared.pid
    assert loaded == "True"
    assert environment == f"{place / 'run'} {place / 'run'}"


def test_two_copies_draw_different_numbers(prepared, place):
    code = ("import random, numpy, torch; print(random.random(), numpy.random.rand(), "
            "torch.rand(1).item())")
    first, second = (ask(place, f"print(run({code!r}))")[0].split() for _ in range(2))
    assert all(mine != other for mine, other in zip(first, second, strict=True))


def test_an_interrupt_reaches_the_cell_and_the_kernel_goes_on(prepared, place):
    assert ask(place, """
import threading
threading.Timer(1.0, manager.interrupt_kernel).start()
print(run("import time; time.sleep(30)", seconds=20))
print(run("print(6 * 7)"))""")[:2] == ["KeyboardInterrupt", "42"]


def test_a_kernel_that_dies_is_missed_at_once(prepared, place):
    assert ask(place, """
os.kill(pid(), signal.SIGKILL)
end = time.monotonic() + 10
while manager.is_alive() and time.monotonic() < end:
    time.sleep(0.05)
print(manager.is_alive())""")[0] == "False"


@pytest.mark.parametrize("end", ["manager.provisioner.process.kill()", "manager.shutdown_kernel()"])
def test_the_kernel_ends_with_its_stand_in(prepared, place, end):
    assert ask(place, f"kernel = pid()\n{end}\nprint(gone(kernel))")[0] == "True"


def test_the_kernel_ends_when_the_server_that_wanted_it_is_killed(prepared, place):
    kernel = int(ask(place, "print(pid(), flush=True)\nos._exit(0)")[0])
    end = time.monotonic() + 15
    while os.path.exists(f"/proc/{kernel}") and time.monotonic() < end:  # noqa: PTH110
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{kernel}")  # noqa: PTH110


def test_a_call_that_makes_no_sense_harms_nobody(prepared, place):
    import socket
    for sent in (b"", b"not json\n", b'{"connection": 1}\n'):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(place / "kernels.sock"))
            caller.sendall(sent)
    assert ask(place, "print(run('print(1)'))")[0] == "1"
    time.sleep(1)
    assert not psutil.Process(prepared.pid).children()  # none waits, or works, for ever


def test_without_a_prepared_process_the_kernel_is_an_ordinary_one(place, prepared):
    spec = place / "kernels" / "python3" / "kernel.json"
    kept = spec.read_text()
    spec.write_text(json.dumps(json.loads(kept.replace("kernels.sock", "nobody.sock"))))
    line = ask(place, "print(run('import sys; print(sys.argv[0])'))")[0]
    spec.write_text(kept)
    assert "ipykernel_launcher" in line


@as_others
def test_a_kernel_has_its_callers_rights_and_can_never_get_others(prepared, place):
    ids, groups, back, new, limits = ask(place, '''
print(run("import os; print(os.getresuid(), os.getresgid())"))
print(run("import os; print(os.getgroups())"))
print(run("import os; os.setuid(0)"))
print(run("print(open('/proc/self/status').read().split('NoNewPrivs:')[1].split()[0])"))
print(run("import resource as r; print(r.getrlimit(r.RLIMIT_NPROC)[0])"))''', NOBODY)[:5]
    assert ids == "(65534, 65534, 65534) (65534, 65534, 65534)"
    assert groups == "[65534]"
    assert back == "PermissionError"
    assert (new, limits) == ("1", "200")


@as_others
def test_another_account_can_neither_signal_nor_read_a_kernel(prepared, place):
    assert ask(place, f'''
import subprocess
kernel = pid()
other = {["setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups"]!r}
print(subprocess.run([*other, "kill", str(kernel)], capture_output=True).returncode)
print(subprocess.run([*other, "cat", f"/proc/{{kernel}}/environ"],
                     capture_output=True).returncode)
print(run("print(1)"))''')[:3] == ["1", "1", "1"]
