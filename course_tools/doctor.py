"""Say whether the lessons can run here, and if not, how to mend it.

Needs nothing but Python itself, so that it runs where an installation went wrong.
"""

from __future__ import annotations  # so that a Python that is too old gets as far as being told

import html
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib._files import HOME

NEEDED_GIB = 2.0
INSTALL = "make lab, or: python -m pip install -c constraints.txt -e ."


@dataclass(frozen=True)
class Diagnosis:
    """Hold one line of the doctor's: `state` is "ok", "warning" or "wrong"."""

    state: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """Return the line as it is printed."""
        mend = f"\n           mend it: {self.mend}" if self.mend else ""
        return f"{self.state:>8}  {self.what}{mend}"


@dataclass(frozen=True, repr=False)
class Examination:
    """Hold all diagnoses; as a notebook shows them, those that are fine are folded away."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def well(self) -> bool:
        """Return whether nothing has to be mended."""
        return all(one.state != "wrong" for one in self.diagnoses)

    def __repr__(self) -> str:
        """Return what is not fine, a line each, and how many things are."""
        return "\n".join([*self._lines(fine=False), self._summary])

    def _repr_html_(self) -> str:
        seen, folded = (html.escape("\n".join(self._lines(fine))) for fine in (False, True))
        return ((f"<pre>{seen}</pre>" if seen else "") + f"<details><summary>{self._summary}"
                f"</summary><pre>{folded}</pre></details>")

    @property
    def _summary(self) -> str:
        return f"{len(self._lines(fine=True))} things are fine"

    def _lines(self, fine: bool) -> list[str]:
        return [str(one) for one in self.diagnoses if (one.state == "ok") == fine]


def diagnose() -> Examination:
    """Return all diagnoses, to be shown by a notebook."""
    return Examination(tuple(examine()))


def examine() -> Iterator[Diagnosis]:
    """Check Python, packages, data, memory, cores and kernel, one finding each or more."""
    yield _python()
    for name, lowest in requirements().items():
        yield _package(name, lowest)
    yield _readable("MNIST", _mnist, "data/mnist")
    yield _readable("the trained networks", _networks, "data/checkpoints data/results")
    yield from (_memory(), _cores(), _kernel())


def requirements() -> dict[str, str]:
    """Return the packages that pyproject.toml asks for, each with its lowest version.

    By a pattern, since Pythons before 3.11 read no TOML.
    """
    text = (HOME / "pyproject.toml").read_text("utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    return dict(re.findall(r'"([\w-]+)>=([\d.]+)', listed))


def _python() -> Diagnosis:
    found = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < (3, 11):
        return Diagnosis("wrong", f"{found}; 3.11 or newer is needed",
                       "install a newer Python, then: make PYTHON=python3.12 lab")
    return Diagnosis("ok", found)


def _package(name: str, lowest: str) -> Diagnosis:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Diagnosis("wrong", f"{name} is not installed", INSTALL)
    if _numbers(version) < _numbers(lowest):
        return Diagnosis("wrong", f"{name} {version}; {lowest} or newer is needed", INSTALL)
    return Diagnosis("ok", f"{name} {version}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.match(r"[\d.]+", version)[0].strip(".").split(".")]


def _readable(what: str, read: Callable[[], str], paths: str) -> Diagnosis:
    """Read files that git can bring back; `read` returns what was found."""
    for package in ("torch", "safetensors"):
        if importlib.util.find_spec(package) is None:
            return Diagnosis("warning", f"{what}: not checked, because {package} is not installed",
                           INSTALL)
    try:
        return Diagnosis("ok", read())
    except (ImportError, OSError) as error:  # also a torch whose own libraries do not load
        return Diagnosis("wrong", str(error), f"{INSTALL}, or git checkout -- {paths}")
    except (ValueError, RuntimeError) as error:
        return Diagnosis("wrong", str(error), f"git checkout -- {paths}")


def _mnist() -> str:
    from course_lib.data import load_mnist

    mnist = load_mnist()
    return (f"MNIST: {len(mnist.train):,} images to learn from, {len(mnist.validation):,} to "
            f"choose by, {len(mnist.test):,} to test on")


def _networks() -> str:
    from course_lib.models import NETWORKS, load_trained

    return f"{len(list(map(load_trained, NETWORKS)))} trained networks"


def _memory() -> Diagnosis:
    try:
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return Diagnosis("ok", "memory: not known on this system; 4 GiB is comfortable")
    if gib < NEEDED_GIB:
        return Diagnosis("wrong", f"memory: {gib:.1f} GiB; a lesson needs {NEEDED_GIB:.0f}",
                       "close other programs, or use a larger machine")
    return Diagnosis("ok", f"memory: {gib:.1f} GiB")


def _cores() -> Diagnosis:
    cores = os.cpu_count() or 1
    if cores < 2:
        return Diagnosis("warning", "1 core: a lesson takes about twice the minutes in README",
                       "use a machine with two cores or more")
    return Diagnosis("ok", f"{cores} cores")


def _kernel() -> Diagnosis:
    if importlib.util.find_spec("ipykernel") is None:
        return Diagnosis("wrong", "the notebook kernel (ipykernel) is not installed", INSTALL)
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Diagnosis("wrong", "no kernel named python3",
                       "python -m ipykernel install --sys-prefix")
    program = spec.argv[0]
    if Path(program).is_absolute() and Path(program).parent != Path(sys.executable).parent:
        return Diagnosis("wrong", f"the kernel python3 runs {program}, not this Python",
                       f"jupyter kernelspec remove python3 (it stands in {spec.resource_dir}), "
                       "then: python -m ipykernel install --sys-prefix")
    return Diagnosis("ok", f"kernel python3 {json.dumps(spec.display_name)}")
