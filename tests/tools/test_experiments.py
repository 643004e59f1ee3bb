import json
import re

import pytest
import torch
from safetensors.torch import load_file

from course_lib import language
from course_lib._files import RESULTS
from course_lib.models import (
    ARCHITECTURES,
    NETWORKS,
    lenet_300_100,
    perceptron,
    prunable_layers,
)
from course_lib.training import evaluate

from course_tools.experiments import load_results, results, text_training
from course_tools.experiments.__main__ import main
from course_tools.experiments.figures import FIGURES, Figure, perform, run_figure
from course_tools.experiments.lesson_01 import directions, redundancy, twins, widths
from course_tools.experiments.lesson_02 import unstructured
from course_tools.experiments.recipes import CHAR_GPT, HAN, SHIPPED, UNSTRUCTURED
from course_tools.lessons.notebooks import NOTEBOOKS


def test_every_network_has_a_recipe_and_its_record_follows_it():
    assert set(HAN["references"]) == set(ARCHITECTURES)
    assert set(SHIPPED) == set(NETWORKS)
    for name, recipe in SHIPPED.items():
        record = json.loads((RESULTS / f"train_{name}.json").read_text())
        assert {key: record[key] for key in recipe} == recipe
        assert record["command"] == (
            f"course experiments train --networks {name} --seed 0")
        assert {"torch", "seed", "seconds", "validation_accuracy", "test_accuracy",
                "epochs"} <= set(record)


def test_the_language_model_is_trained_by_its_recipe_and_goes_on(tmp_path, monkeypatch):
    record = json.loads((RESULTS / "train_char_gpt.json").read_text())
    assert record["command"] == "course experiments train --networks char_gpt --seed 0"
    assert {key: record[key] for key in CHAR_GPT} == CHAR_GPT
    monkeypatch.setitem(CHAR_GPT, "steps", 2)
    monkeypatch.setattr(text_training, "SAVED_EVERY", 2)
    text = language.load_plays().validation[:20_000]
    monkeypatch.setattr(language, "load_plays", lambda: language.Plays(text, text, text))
    results = []
    for _ in range(2):
        main(["--out", str(tmp_path), *record["command"].split()[2:]])
        results.append(json.loads((tmp_path / "results" / "train_char_gpt.json").read_text()))
    assert results[0]["sha256"] == results[1]["sha256"]
    assert (tmp_path / "anew" / "states" / "char_gpt_0.pt").is_file()


def test_the_command_of_a_record_trains_and_records_a_network(tmp_path, mnist, monkeypatch):
    """Follow the record's command, for one epoch: the checkpoint reads as its record says."""
    record = json.loads((RESULTS / "train_lenet_300_100.json").read_text())
    arguments = record["command"].split()[2:]
    assert record["command"].split()[:2] == ["course", "experiments"]
    monkeypatch.setitem(SHIPPED, "lenet_300_100", SHIPPED["lenet_300_100"] | {"epochs": 1})
    main(["--out", str(tmp_path), *arguments])
    again = json.loads((tmp_path / "results" / "train_lenet_300_100.json").read_text())
    assert 0.9 < again["test_accuracy"] <= record["test_accuracy"]
    stored = lenet_300_100()
    stored.load_state_dict(load_file(tmp_path / "checkpoints" / "lenet_300_100.safetensors"))
    assert evaluate(stored, mnist.test) == again["test_accuracy"]


def test_a_stored_long_run_comes_out_again():
    """Repeat one task of `widths`, ten epochs of training: the same rows, within noise."""
    stored = json.loads((RESULTS / "widths.json").read_text())["tasks"]
    task = {"seed": 0, "width": 32}
    (row,), (again,) = stored[json.dumps(task, sort_keys=True)], perform("widths", task)[1]
    assert again.keys() == row.keys()
    assert again["test"] == pytest.approx(row["test"], abs=0.01)


def shipped():
    """Return the names of the figures whose results a lesson reads, and reads only if whole."""
    text = "".join(path.read_text("utf-8") for path in sorted(NOTEBOOKS.glob("*.ipynb")))
    return sorted(set(re.findall(r'load_results\(\\"(\w+)\\"\)', text)))


# Files of an earlier recipe, which lessons read until the long run has been made anew. The mark is
# strict: a file that has come takes its name from this list.
AWAITED = {"controls", "dropout"}


def awaited(names, among=AWAITED):
    return [pytest.param(name, marks=pytest.mark.xfail(strict=True, reason="to be run anew"))
            if name in among else name for name in names]


def test_lessons_read_long_runs():
    assert len(shipped()) >= 4


@pytest.mark.parametrize("name", shipped())
def test_the_figures_that_lessons_read_are_whole(name):
    file = json.loads((RESULTS / f"{name}.json").read_text())
    seeds = len({row["seed"] for row in load_results(name)})
    assert seeds >= (1 if name.endswith("_rates") else 3)  # one seed tunes rates, others report
    more = " --labels FOLDER" if FIGURES[name].labels else ""
    assert file["command"] == f"course experiments {name} --seeds {seeds}{more} --fresh"
    assert file["schema"] == results.SCHEMA
    assert {"torch", "python", "machine", "threads", "seconds"} <= set(file)
    assert set(file["tasks"]) == {json.dumps(task, sort_keys=True)
                                  for task in FIGURES[name].of_seeds(seeds)}


@pytest.fixture
def counting(monkeypatch):
    """Put a figure in place that counts its runs, and fails at seed 2 while `broken`."""
    state = {"runs": [], "broken": True}

    def run(data, *, seed, width, recipe):
        if seed == 2 and state["broken"]:
            raise KeyboardInterrupt
        state["runs"].append((seed, width))
        return [{"seed": seed, "width": width}]

    monkeypatch.setitem(FIGURES, "counting", Figure(run, ({"width": 1}, {"width": 2})))
    return state


def test_an_interrupted_run_loses_nothing_and_goes_on(counting, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_figure("counting", 3, tmp_path)
    assert len(json.loads((tmp_path / "results" / "counting.json").read_text())["tasks"]) == 2
    counting["broken"] = False
    path = run_figure("counting", 3, tmp_path)
    assert counting["runs"] == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)]
    assert len(json.loads(path.read_text())["tasks"]) == 6


@pytest.mark.parametrize(("key", "value"), [("schema", 99), ("recipe", "other"),
                                            ("torch", "2.6.0"), ("threads", 64)])
def test_runs_under_other_circumstances_are_not_mixed(counting, tmp_path, key, value):
    path = run_figure("counting", 1, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"was begun with {key} {value}; allowed is"):
        run_figure("counting", 2, tmp_path)
    assert path.read_bytes() == before
    run_figure("counting", 1, tmp_path, fresh=True)
    assert counting["runs"] == [(0, 1), (0, 2)] * 2


@pytest.mark.parametrize(("arguments", "message"), [
    (("depths", 1), "name is 'depths'; allowed is one of redundancy"),
    (("counting", 0), "seeds is 0; allowed is 1 or more")])
def test_what_cannot_run_touches_no_file(counting, tmp_path, arguments, message):
    path = run_figure("counting", 1, tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        run_figure(*arguments, tmp_path, fresh=True)
    with pytest.raises(ValueError, match="jobs is 0; allowed is 1 or more"):
        run_figure("counting", 1, tmp_path, fresh=True, jobs=0)
    assert [file.read_bytes() for file in path.parent.glob("*.json*") if file.stat().st_size] == [
        before]


def test_a_run_that_was_cut_short_is_not_plotted(counting, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    with pytest.raises(KeyboardInterrupt):
        run_figure("counting", 3, tmp_path)
    with pytest.raises(ValueError, match="holds 2 of 6 tasks; finish it with: course exp"):
        load_results("counting")
    assert load_results("counting", partial=True) == [{"seed": 0, "width": 1},
                                                      {"seed": 1, "width": 1}]


def test_an_unknown_figure_is_refused():
    with pytest.raises(ValueError, match="name is 'depths'; allowed is one of .*controls, dense, "):
        load_results("depths")


@pytest.mark.parametrize("name", awaited(sorted(
    path.stem for path in RESULTS.glob("*.json") if not path.stem.startswith("train_"))))
def test_a_result_file_may_be_half_done_and_says_so(name):
    """Whole it need not be: what counts is that it plans what its command runs, and no more."""
    file = json.loads((RESULTS / f"{name}.json").read_text())
    planned = {json.dumps(task, sort_keys=True)
               for task in FIGURES[name].of_seeds(len(file["seeds"]))}
    assert file["planned"] == len(planned)
    assert set(file["tasks"]) <= planned
    assert file["recipe"] == json.loads(json.dumps(FIGURES[name].recipe))
    assert results.how_far(file) == f"{len(file['tasks'])} of {len(planned)} tasks"


@pytest.mark.parametrize(("width", "sizes"), [(0, [7840]), (300, [235_200, 3000]),
                                              (2, [1568, 20])])
def test_perceptrons_have_one_hidden_layer_or_none(width, sizes):
    assert [p.weight.numel() for p in prunable_layers(perceptron(width)).values()] == sizes


def test_each_run_gives_rows_with_its_seed(mnist):
    few = type(mnist)(mnist.train[:256], mnist.validation[:400], mnist.test[:100])
    assert [row["network"] for row in redundancy(few, seed=3)] == [
        "untrained", "trained", "with decay", "longer, with decay"]
    row, = widths(few, seed=3, width=4)
    assert (row["seed"], row["width"], row["weights"]) == (3, 4, 784 * 4 + 40)
    rows = unstructured(few, seed=3)
    assert len(rows) == 3 * len(UNSTRUCTURED["sparsities"])
    at_zero = [row["after"] for row in rows if row["sparsity"] == 0]
    assert at_zero == [at_zero[0]] * 3  # nothing pruned: the way to choose makes no difference


def test_twins_are_found_whatever_their_scale():
    torch.manual_seed(0)
    units = torch.randn(500, 4)
    copies = torch.stack([3 * units[:, 1] + 1, -units[:, 2], torch.zeros(500)], dim=1)
    assert twins(torch.cat([units, copies], dim=1)) == 2  # unit 1 and its copy; -1 is no twin


def test_directions_of_outputs_of_a_known_rank():
    torch.manual_seed(0)
    mixed = torch.randn(2000, 7) @ torch.linalg.qr(torch.randn(30, 7)).Q.T
    assert directions(mixed, 0.999) == 7
    assert directions(torch.randn(20000, 100)) == pytest.approx(95, abs=2)


def test_only_some_tasks_of_a_figure_may_run_and_the_others_stay_planned(counting, tmp_path):
    counting["broken"] = False
    path = run_figure("counting", 2, tmp_path, only=2)
    assert counting["runs"] == [(0, 2), (1, 2)]
    assert json.loads(path.read_text())["planned"] == 4


def test_a_recipe_tuned_on_a_seed_does_not_report_it():
    assert {task["seed"] for task in FIGURES["han"].of_seeds(3)} == {1, 2, 3}
