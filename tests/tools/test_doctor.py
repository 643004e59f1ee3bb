import subprocess
import sys
from collections import namedtuple

import pytest

from course_lib._files import HOME

from course_tools import doctor
from course_tools.__main__ import main
from course_tools.doctor import examine, requirements


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
    for package in requirements():
        assert f"wrong  {package} is not installed\n           mend it: make lab" in done.stdout


def test_what_is_fine_is_folded_away_in_a_notebook(monkeypatch):
    found = [doctor.Diagnosis("ok", "Python 3"), doctor.Diagnosis("ok", "torch <2>"),
             doctor.Diagnosis("warning", "1 core", "use two")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    examination = doctor.diagnose()
    assert examination.well
    assert repr(examination) == f"{found[2]}\n2 things are fine"
    seen, folded = examination._repr_html_().split("<details><summary>2 things are fine</summary>")
    assert ("1 core" in seen, "Python" in seen) == (True, False)
    assert ("1 core" in folded, "torch &lt;2&gt;" in folded) == (False, True)
    assert not doctor.Examination((doctor.Diagnosis("wrong", "no torch"),)).well


def test_annotations_are_not_evaluated_where_python_is_too_old():
    for name in ("course_tools/doctor.py", "course_tools/__main__.py", "course_lib/_files.py"):
        text = (HOME / name).read_text("utf-8")
        assert "from __future__ import annotations" in text


@pytest.fixture
def quick(monkeypatch):
    """Make reading data and networks cheap, where they are not what is tested."""
    nothing = namedtuple("Nothing", "train validation test")((), (), ())
    monkeypatch.setattr("course_lib.data.load_mnist", lambda: nothing)
    monkeypatch.setattr("course_lib.models.load_trained", lambda name: None)


def findings(part):
    """Return what the doctor says of one thing."""
    return [finding for finding in examine() if part in finding.what]


def test_a_torch_that_does_not_load_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "course_lib.data", None)  # importing it raises ImportError
    monkeypatch.setitem(sys.modules, "course_lib.models", None)
    found = findings("course_lib.")
    assert [finding.state for finding in found] == ["wrong", "wrong"]


def test_a_damaged_file_is_reported_with_its_remedy(quick, monkeypatch, capsys):
    def broken():
        raise ValueError("t10k-labels-idx1-ubyte.gz is damaged")

    monkeypatch.setattr("course_lib.data.load_mnist", broken)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "wrong  t10k-labels" in said
    assert "mend it: git checkout -- data/mnist" in said


@pytest.mark.parametrize(("version", "state"), [("2.5.1", "wrong"), ("2.6.0", "ok"),
                                                ("2.13.0+cpu", "ok"), ("10.0", "ok")])
def test_a_version_is_held_against_pyproject(version, state, quick, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    found, = findings(f"torch {version}")
    assert found.state == state


def test_little_memory_and_one_core(quick, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 2**18,
                        raising=False)  # Windows has none
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert [finding.state for finding in findings("memory: 1.0 GiB")] == ["wrong"]
    assert [finding.state for finding in findings("1 core:")] == ["warning"]


def test_a_kernel_of_another_python_is_found(quick, monkeypatch, tmp_path):
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    spec = KernelSpec(argv=[str(tmp_path / "python")], resource_dir="/somewhere/kernels")
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    found, = findings("the kernel python3 runs")
    assert found.state == "wrong"
    assert "/somewhere/kernels" in found.mend


def test_an_old_python_is_told(quick, monkeypatch):
    old = namedtuple("Version", "major minor")(3, 9)
    monkeypatch.setattr("sys.version_info", old)
    assert next(examine()).state == "wrong"
