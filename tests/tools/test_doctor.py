import subprocess
import sys
from pathlib import Path

import pytest

from course_tools import doctor
from course_tools.__main__ import main

HOME = Path(doctor.__file__).parent.parent


def test_all_is_well_here(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "wrong" not in said
    for part in ("Python 3.", "torch 2.", "MNIST: 55,000", "5 trained", "memory", "core", "kernel"):
        assert part in said


def test_it_runs_where_nothing_is_installed():
    """Run it in a Python that sees no packages at all: no traceback, and the way out."""
    code = f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; " \
           f"sys.path.insert(0, {str(HOME)!r}); from course_tools.__main__ import main; " \
           "sys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ""
    for package in doctor.PACKAGES:
        assert f"wrong  {package} is not installed\n           mend it: make lab" in done.stdout


def only(finding, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda: iter([finding]))
    code = main(["doctor"])
    return code, capsys.readouterr().out


def test_a_torch_that_does_not_load_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "course_lib.data", None)  # importing it raises ImportError
    monkeypatch.setitem(sys.modules, "course_lib.models", None)
    for finding in (doctor._data(), doctor._checkpoints()):
        assert finding.state == "wrong"
        assert "course_lib." in finding.what


def test_what_is_fine_is_folded_away_in_a_notebook(monkeypatch):
    found = [doctor.Finding("ok", "Python 3"), doctor.Finding("ok", "torch <2>"),
             doctor.Finding("warning", "1 core", "use two")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    diagnosis = doctor.diagnose()
    assert diagnosis.well
    assert repr(diagnosis) == f"{found[2]}\n2 things are fine"
    seen, folded = diagnosis._repr_html_().split("<details><summary>2 things are fine</summary>")
    assert ("1 core" in seen, "Python" in seen) == (True, False)
    assert ("1 core" in folded, "torch &lt;2&gt;" in folded) == (False, True)
    assert not doctor.Diagnosis((doctor.Finding("wrong", "no torch"),)).well


def test_annotations_are_not_evaluated_where_python_is_too_old():
    for name in ("course_tools/doctor.py", "course_tools/__main__.py", "course_lib/_files.py"):
        text = (HOME / name).read_text("utf-8")
        assert "from __future__ import annotations" in text


def test_a_damaged_file_is_reported_with_its_remedy(monkeypatch, capsys):
    def broken():
        raise ValueError("t10k-labels-idx1-ubyte.gz is damaged")

    monkeypatch.setattr("course_lib.data.load_mnist", broken)
    code, said = only(doctor._data(), monkeypatch, capsys)
    assert code == 1
    assert "wrong  t10k-labels" in said
    assert "mend it: git checkout -- data/mnist" in said


@pytest.mark.parametrize(("version", "state"), [("2.5.1", "wrong"), ("2.6.0", "ok"),
                                                ("2.13.0+cpu", "ok"), ("10.0", "ok")])
def test_a_version_is_held_against_pyproject(version, state, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    assert doctor._package("torch").state == state


def test_little_memory_and_one_core(monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 2**18,
                        raising=False)  # Windows has none
    assert doctor._memory().state == "wrong"
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert doctor._cores().state == "warning"


def test_a_kernel_of_another_python_is_found(monkeypatch, tmp_path):
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    spec = KernelSpec(argv=[str(tmp_path / "python")], resource_dir="/somewhere/kernels")
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    finding = doctor._kernel()
    assert finding.state == "wrong"
    assert "/somewhere/kernels" in finding.mend


def test_an_old_python_is_told(monkeypatch):
    monkeypatch.setattr("sys.version_info", type("V", (tuple,), {"major": 3, "minor": 9})((3, 9)))
    assert doctor._python().state == "wrong"
