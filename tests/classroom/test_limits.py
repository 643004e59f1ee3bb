"""One learner who takes too much: the process hears no, and what is not one process is ended."""

import os
import signal
import subprocess
import sys

import pytest
from rooms import as_others, linux, run

from course_lib._files import HOME

from course_tools.classroom.limits import (
    CLASS,
    FILE,
    GROUPS,
    MEMORY,
    PROCESSES,
    end_all,
    folders,
)

CONFINED = "from course_tools.classroom.limits import confine\nconfine({name!r}, together={all})\n"
OURS = {"PYTHONPATH": str(HOME)}


def confined(code, name="", **environment):
    return run(CONFINED.format(name=name, all=bool(name)) + code, **OURS, **environment)


@linux
def test_ten_gigabytes_are_refused_and_the_process_goes_on():
    code = "try:\n    bytearray(10**10)\nexcept MemoryError:\n    print('no memory')"
    assert confined(code) == (0, "no memory\n")
    assert MEMORY < 10**10


@linux
def test_a_file_ends_where_the_limit_is(tmp_path):
    code = f"""
with open({str(tmp_path / 'large')!r}, 'wb') as file:
    try:
        file.truncate({FILE} + 1)
    except OSError as error:
        print(error.errno == 27)"""
    assert confined(code) == (0, "True\n")


@as_others
def test_who_forks_for_ever_is_stopped_at_the_limit(group):
    code = """
import os, time
os.setgid(65534)
os.setuid(65534)
children = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(60)
        children += 1
    except OSError:
        print(children, flush=True)
        time.sleep(60)"""
    line = subprocess.Popen([sys.executable, "-c", CONFINED.format(name=group, all=True) + code],
                            env=os.environ | OURS, stdout=subprocess.PIPE, text=True)
    assert 0 < int(line.stdout.readline()) < PROCESSES
    end_all(group)
    assert not (folders(group)["pids"] / "cgroup.procs").read_text()
    assert line.wait(10) == -signal.SIGKILL


@as_others
def test_many_processes_together_get_no_more_than_one_learner(group):
    """Each takes less than a process may; together they are over, and one of them is ended."""
    folder = folders(group)["memory"]
    limit = next(folder / name for name in ("memory.max", "memory.limit_in_bytes")
                 if (folder / name).exists())
    limit.write_text(str(150 * 10**6))
    code = """
import os, time
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        taken = b"1" * (60 * 10**6)
        time.sleep(3)
        os._exit(0)
    children.append(child)
print(sum(os.waitpid(child, 0)[1] == 9 for child in children))"""
    status, printed = confined(code, group)
    assert status == -signal.SIGKILL or int(printed) >= 2, printed


@as_others
@pytest.mark.parametrize("folder", ["memory", "pids"])
def test_what_a_learner_starts_is_in_the_learners_group(group, folder):
    code = "import subprocess, sys\nprint(open('/proc/self/cgroup').read())"
    _, printed = confined(code, group)
    assert f"/course/{group}" in printed
    assert folder in printed or "0::" in printed
    assert f"/course/{group}" not in open(f"/proc/{os.getpid()}/cgroup").read()  # noqa: PTH123,SIM115


@as_others
def test_what_everyone_waits_for_has_the_share_of_a_class(group):
    """The hub, and whatever it starts but learners' servers, who are in groups of their own."""
    code = """
import subprocess
from course_tools.classroom.limits import favour
favour({name!r})
print(subprocess.check_output(["cat", "/proc/self/cgroup"], text=True))"""
    status, printed = run(code.format(name=group), **OURS)
    unified = (GROUPS / "cgroup.controllers").is_file()
    place = GROUPS / ("" if unified else "cpu") / f"course-{group}"
    file = "cpu.weight" if unified else "cpu.shares"
    share = (place / file).read_text()
    place.rmdir()
    assert (status, int(share)) == (0, CLASS[file])
    assert f"/course-{group}" in printed
