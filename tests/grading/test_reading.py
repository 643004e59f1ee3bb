"""What is read of a folder and a notebook: whose it is, and which cells answer what."""

import ast
import os

import nbformat
import pytest
from classes import CHECK, IMPORT, RIGHT, honest, notebook

from course_lib._files import HOME

from course_tools.checks.progress import RENUMBERED
from course_tools.checks.solutions import write_solutions
from course_tools.exercises import all_exercises
from course_tools.exercises.kinds import Exercise
from course_tools.grading.context import free, needed
from course_tools.grading.reading import Cell, answers, handed_in, read
from course_tools.lessons.notebooks import find_lessons


def names(found):
    return {learner: [path.name for path in paths] for learner, paths in found.items()}


def cells(*sources, ids=()):
    return [Cell(dict(enumerate(ids)).get(place, f"own{place}"), source, place)
            for place, source in enumerate(sources)]


def found(*sources, ids=()):
    return {answer.number: answer for answer in answers(cells(*sources, ids=ids))}


# Whose

def test_a_flat_folder(tmp_path):
    for name in ("anna", "02_weights_and_masks_ben", "carla 00_start_here",
                 "03_neurons_and_columns"):
        honest(tmp_path / f"{name}.ipynb")
    (tmp_path / "notes.txt").write_text("nobody's")
    assert list(handed_in(tmp_path)) == ["03_neurons_and_columns", "anna", "ben", "carla"]


@pytest.mark.parametrize("root", ["submitted", ""])
def test_nbgraders_layout(tmp_path, root):
    """STUDENT/LESSON/x.ipynb, and what nbgrader keeps beside it; the newest comes last."""
    course = tmp_path / "course"
    for student, lesson, age in (("anna", "00", 9), ("anna", "02", 3), ("ben", "00", 1)):
        path = honest(course / root / student / lesson / f"{lesson}.ipynb")
        os.utime(path, (1e9 - age, 1e9 - age))
    honest(course / root / "anna" / ".ipynb_checkpoints" / "00.ipynb")
    if root:
        honest(course / "source" / "00" / "00.ipynb")
    assert names(handed_in(course)) == {"anna": ["00.ipynb", "02.ipynb"], "ben": ["00.ipynb"]}


def test_a_folder_of_another_is_not_reached_by_a_link(tmp_path):
    honest(tmp_path / "anna" / "00.ipynb")
    (tmp_path / "eve").symlink_to(tmp_path / "anna")
    assert list(handed_in(tmp_path)) == ["anna"]


def test_a_folder_without_notebooks_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="folder"):
            handed_in(folder)


@pytest.mark.parametrize("content", [
    b"", b"\xff", b"[]", b'{"cells": 3}', b'{"cells": [3]}', b'{"cells": [{"source": [3]}]}',
    b'{"cells": ' + b"[" * 100_000, b'{"cells": [' + b"1" * 10_000 + b"]}"])
def test_what_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no notebook that can be read"):
        read(path)


def test_too_much_and_pipes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="1,000,000 characters"):
        read(notebook(tmp_path / "x.ipynb", "#" * 1_000_001))
    os.mkfifo(tmp_path / "y.ipynb")
    with pytest.raises(ValueError, match="or no file"):
        read(tmp_path / "y.ipynb")


# What

@pytest.mark.parametrize("lesson", find_lessons(), ids=lambda path: path.stem[:2])
def test_of_each_lesson_only_the_cells_of_the_exercises_are_taken(lesson):
    stored = {cell["id"]: cell["source"] for cell in nbformat.read(lesson, as_version=4).cells}
    for answer in answers(read(lesson)):
        assert answer.number == answer.asked
        one = all_exercises()[answer.number]
        *above, asks = answer.sources
        assert len(above) == hasattr(one, "name")  # a quiz has one cell
        assert f'"{answer.number}"' in asks
        assert all(one.name in source and source in stored.values() for source in above)


def test_each_exercise_is_found_in_the_solutions(tmp_path):
    every = [answer.number for path in write_solutions(tmp_path) for answer in answers(read(path))]
    assert sorted(every) == sorted(all_exercises())


def test_helpers_in_the_block_and_a_function_elsewhere_are_taken():
    blocks = [Cell("a", "secret = 1", 0), Cell("b", RIGHT, 1), Cell("c", "helper = 2", 2),
              Cell("d", CHECK, 2)]
    assert answers(blocks)[0].sources == (RIGHT, "helper = 2", CHECK)


def test_our_own_cells_are_never_taken_from_a_learner():
    """Lesson 08 draws between a program and its check; what a learner made of that is not run."""
    path, = find_lessons("08")
    changed = [Cell(cell.id, cell.source if "def my_" in cell.source or "check(" in cell.source
                    else "steal()", cell.block) for cell in read(path)]
    assert len(answers(changed)) > 7
    assert "steal" not in str(answers(changed))


def test_the_last_answer_counts_and_a_comment_is_none():
    assert found('quiz("0.1", "a")', '# quiz("0.1", "b")\nquiz("0.1", "c")')["0.1"].sources == (
        '# quiz("0.1", "b")\nquiz("0.1", "c")',)
    assert found('# quiz("0.1", "a")') == {}


# Of an older release

@pytest.mark.parametrize(("then", "name", "now"), [
    ("1.3", "my_dead_units", "1.6"), ("1.4", "my_directions", "1.7"),
    ("5.4", "my_dropout_rate", "11.2"),
    ("6.2", "my_count_drop", "6.4"), ("7.2", "my_csr_bytes", "7.5"), ("9.5", "my_sizes", "9.8"),
    ("4.7", "my_half", "4.7"), ("9.7", "my_half", "9.7"), ("2.1", "my_own_name", "2.1")])
def test_a_function_is_found_by_its_name(then, name, now):
    answer = found(f"def {name}(x): return x", f'check("{then}", {name})')[now]
    assert (answer.asked, len(answer.sources)) == (then, 1 + (name != "my_own_name"))


def test_every_change_of_numbers_is_followed():
    """Each exercise that moved, by the name that it has today, from each release."""
    moved = 0
    for seen, changed in enumerate(RENUMBERED):
        for old, new in changed.items():
            for later in RENUMBERED[seen + 1:]:
                new = later.get(new, new)
            one = all_exercises().get(new)
            if isinstance(one, Exercise):
                moved += 1
                assert list(found(f'check("{old}", {one.name})')) == [new]
    assert moved >= 12


def test_the_changelog_lists_every_change_of_numbers():
    text = " ".join((HOME / "CHANGELOG.md").read_text("utf-8").split())
    for changed in RENUMBERED:
        for old in changed:
            assert f"{old} → " in text


def test_a_quiz_of_then_is_found_by_its_cell_or_by_the_functions_beside_it():
    """7.1 of the first release is 7.2 today; its functions tell which release it is."""
    assert list(found('quiz("7.1", "b")', ids=["04d07fae"])) == ["7.2"]
    assert list(found('quiz("7.1", "b")', 'check("7.2", my_csr_bytes)')) == ["7.2", "7.5"]
    assert list(found('quiz("7.1", "b")', 'check("7.5", my_csr_bytes)')) == ["7.1", "7.5"]


def test_what_is_gone_is_no_answer():
    assert found('check("3.2", my_silence)', 'check("7.4", my_break_even)') == {}


# What an answer needs of its lesson

def lines(number, source):
    return [ast.unparse(statement).splitlines()[0] for statement in needed(number, [source], set())]


def test_an_import_and_what_a_project_starts_from():
    assert lines("0.2", IMPORT + RIGHT) == []
    assert lines("4.2", "torch.zeros(nn)") == ["import torch", "from torch import nn"]
    assert lines("4.7", "my_half = remove_units(model, few)") == [
        "from course_lib.data import load_mnist", "from course_lib.models import load_trained, "
        "prunable_layers, vgg_mini", "from course_lib.removal import remove_units, zero_units",
        "data = load_mnist()",
        "few, images = (data.validation[:1000], data.validation.images[:256])",
        "model = load_trained('vgg_mini')"]


def test_what_cannot_be_read_needs_nothing():
    for source in ("def f(:", "(" * 10_000, "x\0"):
        assert lines("4.7", source) == []


@pytest.mark.parametrize(("source", "names"), [
    ("x = y", {"y"}), ("def f(a):\n    b = c\n    return a + len(b)", {"c"}), ("x = 1\nx", set()),
    ("[q for q in r]", {"r"}), ("import a\na.b", set())])
def test_free_names(source, names):
    assert free(source) == names
