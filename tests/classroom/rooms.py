"""What the classroom's tests share: where they can run, and other accounts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib._files import HOME

from course_tools.classroom.accounts import check_open

PLACE = HOME / "build" / "classroom"
AXE = HOME / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PREFIX = "trial"
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def why_not_as_others():
    """Return why nothing can be run under other accounts here, "" if it can be."""
    if sys.platform != "linux" or os.getuid() != 0 or not shutil.which("setpriv"):
        return "it takes root, on Linux"
    try:
        check_open(PLACE)
    except ValueError as error:
        return str(error)
    return ""


as_others = pytest.mark.skipif(bool(why_not_as_others()), reason=why_not_as_others())
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def run(code, *arguments, before=(), **environment):
    """Run Python code in a process of its own; return exit code and what it printed."""
    done = subprocess.run([*before, sys.executable, "-c", code, *map(str, arguments)], text=True,
                          capture_output=True, env=os.environ | environment, timeout=120,
                          cwd=Path("/"))
    return done.returncode, done.stdout + done.stderr
