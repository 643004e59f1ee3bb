"""The course needs no network: the lessons run with every address but loopback blocked.

That the check blocks its kernels so is held in test_notebook_check.
"""

import os
import subprocess
import sys

import pytest
from notebooks_made_here import code, write

from course_lib._files import HOME

from course_tools.lessons.execution import execute

BLOCK = HOME / "tests" / "lessons" / "offline"


@pytest.fixture
def blocked(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(BLOCK))
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
