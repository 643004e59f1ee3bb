"""The course needs no network: a lesson runs with every address but loopback blocked."""

import os
import subprocess
import sys

import pytest
from notebooks_made_here import code, write

from course_tools.lessons.execution import execute
from course_tools.lessons.notebooks import find

BLOCK = '''
import sys

def block(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.bind"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"  # a local socket's path
    else:
        return
    if host not in ("localhost", "127.0.0.1", "::1", None, ""):
        raise OSError(f"blocked: {event} to {host}")

sys.addaudithook(block)
'''


@pytest.fixture
def blocked(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("call", [
    "__import__('socket').create_connection(('192.0.2.1', 80), timeout=1)",
    "__import__('urllib.request').request.urlopen('http://example.invalid/', timeout=1)",
    "__import__('socket').socket(type=2).sendto(b'', ('192.0.2.1', 53))",
])
def test_the_block_blocks(blocked, call):
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True,
                          env=dict(os.environ))
    assert done.returncode == 1
    assert "blocked: socket." in done.stderr


def test_a_notebook_that_reaches_out_fails(blocked):
    path = write(blocked / "out.ipynb", code(
        "import urllib.request; urllib.request.urlopen('http://example.invalid/')"))
    assert "blocked: socket.getaddrinfo to example.invalid" in execute(path).failure


def test_a_lesson_runs(blocked):
    assert execute(find("02")[0]).failure == ""
