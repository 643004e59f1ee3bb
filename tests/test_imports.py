"""What may import what: two packages, one direction; inside each a tower without a circle."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

import course_lib
from course_lib._files import HOME

FILES = {".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__"): path
         for package in ("course_lib", "course_tools") for path in (HOME / package).rglob("*.py")}
WIDGETS = {"course_tools.checks.quiz", "course_tools.sliders.live",
           "course_tools.sliders.sentence", "course_tools.sliders.sliders"}  # import ipywidgets
PLAIN = {"course_lib._files", "course_tools.doctor", "course_tools.__main__",
         "course_tools.small_torch"}  # start on Python


def imported(nodes):
    """Return our modules, and the outside packages, that the nodes import."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            files = {f"{node.module}.{alias.name}" for alias in node.names} & set(FILES)
            names |= files or {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names & set(FILES), {name.split(".")[0] for name in names - set(FILES)}


def tree(name):
    return ast.parse(FILES[name].read_text("utf-8"))


def arrows():
    """Return {module: the modules of ours that it imports, somewhere in it}."""
    return {name: imported(ast.walk(tree(name)))[0] for name in FILES}


def test_the_library_imports_nothing_of_what_runs_the_course():
    for name, needs in arrows().items():
        if name.split(".")[0] == "course_lib":
            assert {need.split(".")[0] for need in needs} <= {"course_lib"}, name


def test_the_library_is_as_small_as_readme_says_and_its_map_names_every_file():
    lines = {path.stem: len(path.read_text("utf-8").splitlines())
             for path in (HOME / "course_lib").glob("*.py")}
    read = {name for name in lines if not name.startswith("_")}
    assert max(lines.values()) <= 200
    assert sum(lines.values()) <= 2_500
    said = " ".join((HOME / "README.md").read_text("utf-8").split())
    assert f"`course_lib`: {len(read)} files of at most 200 lines, 2,500 in all" in said
    assert set(re.findall(r"^    (\w+) {2,}\S", course_lib.__doc__, re.MULTILINE)) == read


def room(name):
    """Return what stands at the top of a package: a file, or a folder with all its files."""
    return ".".join(name.split(".")[:2])


def test_there_is_no_circle_of_files_nor_of_rooms():
    list(TopologicalSorter(arrows()).static_order())
    rooms = {}
    for name, needs in arrows().items():
        rooms.setdefault(room(name), set()).update({room(need) for need in needs} - {room(name)})
    list(TopologicalSorter(rooms).static_order())


@pytest.mark.parametrize("name", sorted(FILES))
def test_few_modules_import_ipywidgets(name):
    _, others = imported(ast.walk(tree(name)))
    assert ("ipywidgets" in others) == (name in WIDGETS)


@pytest.mark.parametrize("name", ["course_lib.data", "course_lib.models"])
def test_data_and_models_stand_on_torch_and_safetensors_alone(name):
    _, others = imported(ast.walk(tree(name)))
    assert others - set(sys.stdlib_module_names) <= {"torch", "safetensors"}


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_what_comes_before_the_installation_starts_on_python_alone(name):
    ours, others = imported(tree(name).body)
    assert ours <= {"course_lib._files"}
    assert others <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("package", ["course_lib", "course_tools"])
def test_importing_the_package_imports_nothing_else(package):
    code = (f"import sys, {package}; "
            "print(sorted(m for m in sys.modules if m.startswith(('torch', 'course_'))))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[package]}\n"


@pytest.mark.parametrize(("code", "absent"), [
    ("from course_tools.checks import quiz; quiz('0.1')",
     {"constriction", "zstandard", "scipy", "matplotlib", "nbformat", "course_lib.sizes",
      "course_tools.experiments", "course_tools.plots", "course_tools.sliders",
      "course_tools.capstone", "course_tools.exercises.lesson_10"}),
    ("from course_tools.experiments import load_results; load_results('redundancy')",
     {"course_tools.experiments.figures", "course_tools.experiments.lesson_05", "constriction",
      "course_lib.sizes"}),
])
def test_asking_little_loads_little(code, absent):
    """A quiz loads no entropy coder, and reading a result no long run."""
    code += f"; import sys; print(sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
