"""Classes for the tests of grading: notebooks of learners, honest and hostile."""

import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

RIGHT = "def my_share_of_zeros(numbers):\n    return (numbers == 0).float().mean()"
REPORT = ("def my_report(validation, test):\n    best = int(validation.argmax())\n"
          "    return [best, float(test[best])]")
CHECK, CHECK_REPORT = 'check("0.2", my_share_of_zeros)', 'check("0.6", my_report)'
IMPORT = "from course_tools.checks import check, quiz\n"


def notebook(path, *cells):
    """Write a notebook; a text that begins with # and a space is Markdown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [(new_markdown_cell if cell.startswith("# ") else new_code_cell)(cell)
            for cell in cells]
    nbformat.write(new_notebook(cells=made), path)
    return path


def honest(path):
    return notebook(path, RIGHT, IMPORT + CHECK, "# Next", REPORT, IMPORT + CHECK_REPORT)


def hostile(path, attack):
    """Write a notebook whose answer to 0.2 is right if its attack succeeds, and only then.

    `attack` is the body of a function that returns whether it did. 0.6 is answered honestly.
    """
    body = "\n".join(f"    {line}" for line in attack.strip().splitlines())
    tried = ("try:\n    succeeded = bool(attack())\nexcept BaseException as error:\n"
             "    succeeded = False")
    answer = RIGHT.replace("numbers == 0", "(numbers == 0) if succeeded else numbers > 9")
    return notebook(path, f"def attack():\n{body}\n\n\n{tried}\n\n\n{answer}", IMPORT + CHECK,
                    "# Next", REPORT, IMPORT + CHECK_REPORT)


def attacks(victim, outside, port):
    """Return {name: attack}: ten that must not succeed. `victim` is another's notebook."""
    return {
        "reads another's": f"return 'numbers' in open({str(victim)!r}).read()",
        "writes outside": f"""
import pathlib
done = 0
for path in ({str(victim)!r}, {str(outside)!r}, "/proc/sys/kernel/core_pattern", "/usr/written",
             pathlib.Path(__import__("course_lib").__file__).parent / "written.py"):
    try:
        done += bool(open(path, "a"))
    except OSError:
        pass
return done""",
        "forks": """
import os
for _ in range(100):
    os.fork() or os._exit(0)
return True""",
        "sleeps for ever": "import time\ntime.sleep(100_000)",
        "opens a socket": f"""
import socket
return socket.create_connection(("127.0.0.1", {port}), timeout=2)""",
        "edits the checker": """
from course_tools.checks import answers, compare, judge
judge.difference = compare.difference = lambda found, expected: ""
judge.same_calls = lambda one, other: True
answers.judge = lambda exercise, answer: judge.Verdict(exercise.number, "right")
for module in (judge, compare, answers):
    try:
        open(module.__file__, "a").close()
        return True
    except OSError:
        pass
return False""",
        "prints a verdict": """
import json, os, sys
from course_tools.grading.wire import frame, write
said = {"number": "0.2", "state": "right", "text": "", "lines": []}
for content in (json.dumps(said).encode(), write(said), b"x" * 50):
    print("✓ right", content)
    for number in range(20):
        try:
            os.write(number, frame(content))
        except OSError:
            pass
return False""",
        "takes 10 GB": "import mmap\nreturn len(mmap.mmap(-1, 10_000_000_000)) > 0",
        "fills the disk": """
import tempfile
written = 0
for folder in (tempfile.gettempdir(), "/dev/shm", "."):
    for name in range(10):
        with open(f"{folder}/{name}", "wb") as file:
            try:
                for _ in range(50):
                    written += file.write(bytes(1_000_000))
            except OSError:
                pass
return written > 300_000_000""",
        "kills its parent": """
import builtins, json, os, signal
json.dumps = json.loads = lambda *rest, **others: {"state": "right"}
builtins.len = builtins.abs = lambda value: 0
for one in (os.getppid(), -1):
    try:
        os.kill(one, signal.SIGKILL)
    except OSError:
        pass
os._exit(0)""",
    }


def sources(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]
