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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_lib._files import HOME

PACKAGES = ("constriction", "filelock", "ipykernel", "ipywidgets", "joblib", "jupyter_client",
            "jupyterlab", "matplotlib", "nbclient", "nbconvert", "nbformat", "nbval", "numpy",
             "onnx", "onnxruntime", "onnxscript", "pillow", "platformdirs", "safetensors", "scipy",
             "torch", "torch-pruning", "tqdm", "zstandard")
NEEDED_GIB = 2.0
INSTALL = "make lab, or: python -m pip install -c constraints.txt -e ."


@dataclass(frozen=True)
class Finding:
    """Hold one line of the doctor's: `state` is "ok", "warning" or "wrong"."""

    state: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """Return the line as it is printed."""
        mend = f"\n           mend it: {self.mend}" if self.mend else ""
        return f"{self.state:>8}  {self.what}{mend}"


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Hold all findings; as a notebook shows them, those that are fine are folded away."""

    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Return whether nothing has to be mended."""
        return all(finding.state != "wrong" for finding in self.findings)

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
        return [str(finding) for finding in self.findings if (finding.state == "ok") == fine]


def diagnose() -> Diagnosis:
    """Return all findings, to be shown by a notebook."""
    return Diagnosis(tuple(examine()))


def examine() -> Iterator[Finding]:
    """Check Python, packages, data, memory, cores and kernel, one finding each or more."""
    yield from (_python(), *map(_package, PACKAGES), _data(), _checkpoints(), _memory(), _cores(),
                _kernel())


def _python() -> Finding:
    found = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < (3, 11):
        return Finding("wrong", f"{found}; 3.11 or newer is needed",
                       "install a newer Python, then: make PYTHON=python3.12 lab")
    return Finding("ok", found)


def _package(name: str) -> Finding:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding("wrong", f"{name} is not installed", INSTALL)
    wanted = _wanted(name)
    if wanted and not _at_least(version, wanted):
        return Finding("wrong", f"{name} {version}; {wanted} or newer is needed", INSTALL)
    return Finding("ok", f"{name} {version}")


def _wanted(name: str) -> str | None:
    """Return the lower end of the range that pyproject.toml asks for."""
    path = HOME / "pyproject.toml"
    found = path.is_file() and re.search(rf'"{name}>=([\d.]+)', path.read_text("utf-8"))
    return found[1] if found else None


def _at_least(version: str, wanted: str) -> bool:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in re.match(r"[\d.]+", text)[0].strip(".").split(".")]
    return numbers(version) >= numbers(wanted)


def _data() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("warning", "MNIST was not checked, because torch is not installed", INSTALL)
    try:
        from course_lib.data import load_mnist
        mnist = load_mnist()
    except ValueError as error:
        return Finding("wrong", str(error), "git checkout -- data/mnist")
    except (ImportError, OSError) as error:  # also a torch whose own libraries do not load
        return Finding("wrong", str(error), f"{INSTALL}, or git checkout -- data/mnist")
    return Finding("ok", f"MNIST: {len(mnist.train):,} images to learn from, "
                         f"{len(mnist.validation):,} to choose by, {len(mnist.test):,} to test on")


def _checkpoints() -> Finding:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("safetensors") is None:
        return Finding("warning", "the trained networks were not checked, because torch or "
                                  "safetensors is not installed", INSTALL)
    try:
        from course_lib.models import NETWORKS, load_trained
        for name in NETWORKS:
            load_trained(name)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        return Finding("wrong", str(error), "git checkout -- data/checkpoints data/results")
    return Finding("ok", f"{len(NETWORKS)} trained networks")


def _memory() -> Finding:
    try:
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return Finding("ok", "memory: not known on this system; 4 GiB is comfortable")
    if gib < NEEDED_GIB:
        return Finding("wrong", f"memory: {gib:.1f} GiB; a lesson needs {NEEDED_GIB:.0f}",
                       "close other programs, or use a larger machine")
    return Finding("ok", f"memory: {gib:.1f} GiB")


def _cores() -> Finding:
    cores = os.cpu_count() or 1
    if cores < 2:
        return Finding("warning", "1 core: a lesson takes about twice the minutes in README",
                       "use a machine with two cores or more")
    return Finding("ok", f"{cores} cores")


def _kernel() -> Finding:
    if importlib.util.find_spec("ipykernel") is None:
        return Finding("wrong", "the notebook kernel (ipykernel) is not installed", INSTALL)
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("wrong", "no kernel named python3",
                       "python -m ipykernel install --sys-prefix")
    program = spec.argv[0]
    if Path(program).is_absolute() and Path(program).parent != Path(sys.executable).parent:
        return Finding("wrong", f"the kernel python3 runs {program}, not this Python",
                       f"jupyter kernelspec remove python3 (it stands in {spec.resource_dir}), "
                       "then: python -m ipykernel install --sys-prefix")
    return Finding("ok", f"kernel python3 {json.dumps(spec.display_name)}")
