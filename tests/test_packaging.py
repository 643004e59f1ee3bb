"""pyproject.toml, constraints.txt and environment.yml say the same."""

import importlib.metadata
import re
import runpy
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_lib import __version__

from course_tools.doctor import requirements
from course_tools.lessons.notebooks import HOME

PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
TEST = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
SITE = [Requirement(line) for line in PROJECT["optional-dependencies"]["site"]]
CONSTRAINTS = dict(line.split("==") for line in
                   (HOME / "constraints.txt").read_text("utf-8").splitlines()
                   if line and not line.startswith("#"))
ENVIRONMENT = (HOME / "environment.yml").read_text("utf-8")
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}


@pytest.mark.parametrize("requirement", RUNTIME + TEST + SITE, ids=str)
def test_the_exact_version_is_in_the_range(requirement):
    assert CONSTRAINTS[requirement.name] in requirement.specifier


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.12.0", "3.13.0"])
def test_every_pin_installs_on_every_python_that_is_promised(python):
    """Of the packages that are installed here; `.ci/pins` asks pip for all."""
    assert python in SpecifierSet(PROJECT["requires-python"])
    looked_at = 0
    for package in importlib.metadata.distributions():
        name, needed = package.metadata["Name"], package.metadata.get("Requires-Python")
        if needed and package.version.split("+")[0] == CONSTRAINTS.get(name):
            looked_at += 1
            assert python in SpecifierSet(needed), f"{name}=={package.version} needs {needed}"
    assert looked_at


def test_every_constraint_is_an_exact_version():
    assert all(re.fullmatch(r"[\d.]+(post\d+)?", version) for version in CONSTRAINTS.values())


def test_the_lowest_versions_are_the_lower_ends_of_the_ranges():
    versions = runpy.run_path(str(HOME / ".ci" / "versions"))
    found = dict(line.split("==") for line in versions["lowest"]().splitlines())
    assert set(found) == {requirement.name for requirement in RUNTIME + TEST}
    assert all(found[each.name] in each.specifier for each in RUNTIME + TEST)


def test_a_package_that_moved_is_named(monkeypatch):
    versions = runpy.run_path(str(HOME / ".ci" / "versions"))
    monkeypatch.setattr("importlib.metadata.version", lambda name: (
        "0.0.1" if name == "numpy" else f"{CONSTRAINTS[name]}+cpu"))
    assert versions["moved"]() == f"moved: numpy {CONSTRAINTS['numpy']} -> 0.0.1"


def test_conda_has_the_same_ranges_and_nothing_else():
    listed = re.findall(r"^ {2,4}- ([a-z][\w-]*)([<>=].*)?$", ENVIRONMENT, re.MULTILINE)
    found = {name: SpecifierSet(span) for name, span in listed if span and name != "python"}
    assert found == {CONDA_NAMES.get(r.name, r.name): r.specifier for r in RUNTIME}


def test_conda_is_conda_forge_only_with_python_3_11():
    assert re.search(r"channels:\n  - conda-forge\n  - nodefaults\ndependencies:", ENVIRONMENT)
    assert "  - python=3.11\n" in ENVIRONMENT
    assert "3.11" in SpecifierSet(PROJECT["requires-python"])


def test_the_doctor_knows_every_package():
    assert set(requirements()) == {requirement.name for requirement in RUNTIME}


def test_no_file_names_a_registrys_host():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "debian" + ".org")
    looked_at = 0
    for path in HOME.rglob("*"):
        parts = set(path.relative_to(HOME).parts)
        ours = not {".venv", ".git", "build", "work", "class", "node_modules"} & parts
        if ours and path.is_file() and path.suffix in (
                ".txt", ".yml", ".toml", ".py", ".md", ".cfg", ".ipynb", ""):
            looked_at += 1
            text = path.read_text("utf-8", errors="ignore")
            assert not [host for host in hosts if host in text], path
    assert looked_at > 40


def test_the_changelog_has_this_version():
    assert f"## {__version__}" in (HOME / "CHANGELOG.md").read_text("utf-8")
