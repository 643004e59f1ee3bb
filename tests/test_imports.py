"""Which module may import which: DESIGN's arrows, held."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

PACKAGE = Path(course_lib.__file__).parent
ALLOWED = {
    "__init__": set(),
    "data": set(),
    "models": set(),
    "scores": {"data", "models"},
    "masks": {"models", "scores"},
    "training": {"data", "models", "masks"},
    "removal": {"models", "masks"},
    "measure": {"data", "models", "training"},
    "search": {"data", "models", "masks", "removal", "training", "measure"},
    "coding": set(),
    "export": {"models"},
    "sizes": {"models", "coding"},
    "submissions": {"removal"},
    "timing": {"models", "submissions"},
    "capstone": {"data", "models", "training", "measure", "search", "submissions", "timing",
                 "judging"},
    "iterative": {"data", "models", "masks", "training"},
    "spread": set(),
    "han": {"data", "models", "masks", "removal", "training", "measure", "iterative", "search"},
    "tradeoff": {"data", "models", "scores", "masks", "removal", "training", "measure", "search",
                 "sizes", "han"},
    "experiments": {"data", "models", "scores", "masks", "removal", "training", "measure", "han",
                    "tradeoff", "spread"},
    "plots": {"data", "models", "measure"},
    "widgets": {"data", "models", "scores", "masks", "removal", "measure", "training", "search",
                "sizes", "plots", "exercises", "judging", "checks"},
    "sandbox": set(),
    "comparing": set(),
    "judging": {"sandbox", "comparing"},
    "exercises": {"judging", "comparing", "data", "models", "scores", "masks", "removal",
                  "training", "measure", "capstone"},
    "progress": {"exercises", "judging", "spread"},
    "checks": {"exercises", "judging", "progress"},
    "lessons": set(),
    "solved": {"exercises", "judging", "checks", "lessons"},
    "doctor": {"data", "models"},
    "small_torch": set(),
    "__main__": {"doctor", "lessons", "progress", "solved"},
}
LAZY = {"doctor", "__main__", "small_torch"}  # import other modules inside functions only
FILES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path
         for path in [*PACKAGE.glob("*.py"), *PACKAGE.glob("exercises/*.py")]}
MODULES = sorted(FILES)


def imported(nodes):
    """Return the course_lib modules and the outside packages that the nodes import."""
    ours, others = set(), set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "course_lib":
            ours |= {alias.name for alias in node.names} if node.module == "course_lib" else {
                node.module.split(".")[1]}
        elif isinstance(node, ast.ImportFrom):
            others.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
    return ours, others


def tree(name):
    return ast.parse(FILES[name].read_text("utf-8"))


def place(name):
    """Return the module's name in the table; all of a package have the package's."""
    return name.split("/")[0]


def test_every_module_has_its_place():
    assert set(map(place, MODULES)) == set(ALLOWED)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_it_stands_on(name):
    ours, _ = imported(ast.walk(tree(name)))
    assert ours - {place(name)} <= ALLOWED[place(name)]


def test_there_is_no_circle():
    left = dict(ALLOWED)
    while left:
        ready = [name for name, needs in left.items() if not needs & set(left)]
        assert ready, f"a circle among {sorted(left)}"
        for name in ready:
            del left[name]


@pytest.mark.parametrize("name", MODULES)
def test_only_widgets_imports_ipywidgets(name):
    _, others = imported(ast.walk(tree(name)))
    assert ("ipywidgets" in others) == (name == "widgets")


@pytest.mark.parametrize("name", ["data", "models"])
def test_data_and_models_stand_on_torch_and_safetensors_alone(name):
    _, others = imported(ast.walk(tree(name)))
    assert others - set(sys.stdlib_module_names) <= {"torch", "safetensors"}


@pytest.mark.parametrize("name", sorted(LAZY))
def test_what_comes_before_the_installation_starts_on_python_alone(name):
    ours, others = imported(tree(name).body)
    assert ours == set()
    assert others <= set(sys.stdlib_module_names)


def test_importing_the_package_imports_nothing_else():
    code = "import sys, course_lib; print(sorted(m for m in sys.modules if m.startswith('torch')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
