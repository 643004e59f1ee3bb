"""What a submission costs, the levels, and the verdicts of the two projects on real networks."""

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from course_lib.chains import build_chain, chain_config
from course_lib.intervals import Drop
from course_lib.masks import kept_units, magnitude_masks, masked, unit_masks
from course_lib.models import load_trained
from course_lib.removal import remove_units
from course_lib.search import drop
from course_lib.training import evaluate

from course_tools.capstone import (
    LEVELS,
    beside,
    levels,
    looks,
    read_submission,
    submission,
    weigh,
)
from course_tools.capstone.control import CONTROL, OPEN, YOURS, Beside
from course_tools.capstone.levels import Weighed, ratio_in_a_fresh_process
from course_tools.capstone.readings import right_on
from course_tools.capstone.timing import time_ratio
from course_tools.checks.judge import judge
from course_tools.checks.sandbox import settings_kept
from course_tools.exercises import find

FINE = Weighed(30_000, 0.3, Drop(0.002, 0.0, 0.004, 30, 10), "test", 0.0)
PROJECTS = {2: find("10.2"), 3: find("10.3")}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Take a share of the layers for the share of time: a fresh process takes seconds.

    `make test-solutions` and `make bench` time in earnest; here one test does.
    """
    monkeypatch.setattr(levels, "ratio_in_a_fresh_process",
                        lambda content: len(read_submission(content)) / 36 * (
                            0.6 if len(content) < 100_000 else 1))


@pytest.fixture(scope="module")
def reference():
    return load_trained("vgg_mini")


@pytest.fixture(scope="module")
def satellite():
    """What the hardest level's reference solution gave on one machine.

    `make test-solutions` makes it anew, as a learner would; this one was written by
    `submission(find("10.3").reference(load_trained("vgg_mini"), load_mnist()))`.
    """
    return read_submission((Path(__file__).parent / "files" / "satellite.safetensors").read_bytes())


def third(model):
    return remove_units(model, kept_units(unit_masks(model, 0.65, "filter")))


def sparse(model, sparsity):
    return masked(model, magnitude_masks(model, sparsity))


def test_the_file_and_the_drop_are_those_of_the_model(reference, mnist):
    found = weigh(sparse(reference, 0.6))
    assert found.file_bytes == len(submission(reference))
    assert found.drop == drop(reference, sparse(reference, 0.6), mnist.validation)
    assert found.drop.lost > found.drop.gained
    assert found.zeros == pytest.approx(0.6, abs=1e-5)
    assert found.part == "validation"
    assert repr(found).startswith(f"{found.file_bytes:,} bytes, ")
    with pytest.raises(ValueError, match="part is 'train'; allowed is 'validation' or 'test'"):
        weigh(reference, "train")


def test_a_timing_runs_both_networks_and_gives_the_threads_back(reference):
    """How long they take is measured by `make bench`, not here."""
    runs = []
    model = nn.Flatten()
    model.register_forward_hook(lambda *_: runs.append(torch.get_num_threads()))
    with settings_kept():
        torch.set_num_threads(2)
        assert time_ratio(model, reference) > 0
        assert torch.get_num_threads() == 2
    assert set(runs) == {1}


def test_a_fresh_process_times_the_file(satellite):
    assert ratio_in_a_fresh_process(submission(satellite)) > 0


def test_what_is_weighed_is_the_file_not_the_object(reference):
    """What a hook makes of the outputs does not reach the file."""
    cheat = third(reference)
    cheat.register_forward_hook(lambda module, images, output: output.roll(1, dims=1))
    assert weigh(cheat).drop == weigh(third(reference)).drop


# The levels, on made-up figures

def told(level, **changes):
    return [str(finding) for finding in LEVELS[level].budgets(replace(FINE, **changes))]


@pytest.mark.parametrize("level", LEVELS)
def test_all_met_says_what_is_asked_and_nothing_measured(level):
    assert tuple(told(level)) == LEVELS[level].met
    assert all(": met, " in line for line in LEVELS[level].met)


def test_each_budget_is_met_up_to_its_end():
    level = LEVELS[1]
    for name, value in (("file_bytes", level.file_bytes), ("ratio", level.ratio)):
        assert sum("met" in line for line in told(1, **{name: value})) == 3
        assert sum("met" in line for line in told(1, **{name: value * 1.00001})) == 2
    assert "met" in told(1, drop=Drop(0.015, 0.01, 0.02, 0, 0))[2]
    assert "open" in told(1, drop=Drop(0.015, 0.01, 0.0201, 0, 0))[2]
    assert "open" in told(1, drop=Drop(0.03, 0.02, 0.04, 0, 0))[2]
    assert "missed" in told(1, drop=Drop(0.03, 0.0201, 0.04, 0, 0))[2]


def test_a_file_too_long_is_told_its_bytes_and_a_time_no_digits():
    assert told(1, file_bytes=509_456)[0] == (
        "file: missed, 509,456 bytes where at most 200,000 bytes are allowed")
    assert told(1, ratio=0.912)[1] == "latency: missed, at most 0.8 of the reference's time"


@pytest.mark.parametrize(("level", "points"), [(1, "2 points"), (2, "1 point"), (3, "0.75 points")])
def test_every_level_asks_for_the_whole_interval(level, points):
    bound = LEVELS[level].drop_bound
    wide = Drop(bound - 0.001, bound - 0.003, bound + 0.001, 0, 0)
    assert told(level, drop=wide)[2] == (
        "drop: open, its interval holds the bound; asked for is the whole interval of the drop at "
        f"most {points}")
    assert not LEVELS[level].budgets(replace(FINE, drop=wide))[2].met


def test_each_level_is_harder_than_the_one_before():
    for easy, hard in ((1, 2), (2, 3)):
        for one in ("file_bytes", "ratio", "drop_bound"):
            assert getattr(LEVELS[hard], one) < getattr(LEVELS[easy], one)


# The verdicts

def said(level, **changes):
    """Return the verdict on made-up figures."""
    verdict = judge(replace(PROJECTS[level], weigh=lambda answer: replace(FINE, **changes)), "any")
    return verdict.state, verdict.text


MISSED = Drop(0.03, 0.027, 0.033, 0, 0)


@pytest.mark.parametrize(("level", "changes", "message"), [
    (2, {"file_bytes": 509_456, "ratio": 1, "zeros": 0.9}, "1 of 3 budgets are met. Many of its w"),
    (2, {"file_bytes": 509_456, "ratio": 1}, "1 of 3 budgets are met. That is as large as the"),
    (2, {"drop": Drop(0.89, 0.88, 0.9, 0, 0)}, "2 of 3 budgets are met. It cannot read any more."),
    (2, {"drop": MISSED}, "2 of 3 budgets are met. It has the right size, and loses too much."),
    (2, {"drop": Drop(0.009, 0.007, 0.011, 0, 0)}, "2 of 3 budgets are met. The value of its drop"),
    (3, {"drop": Drop(0.007, 0.005, 0.009, 0, 0)}, "2 of 3 budgets are met. The value of its drop"),
    (3, {"ratio": 0.5}, "2 of 3 budgets are met. A small file is not a fast network."),
    (3, {"file_bytes": 45_000}, "2 of 3 budgets are met. Look again at the three lines below"),
    (3, {"file_bytes": 45_000, "ratio": 0.6, "drop": MISSED}, "0 of 3 budgets are met. Look again"),
])
def test_each_mistake_gets_its_own_message(level, changes, message):
    state, text = said(level, **changes)
    assert state == "not yet"
    assert text.startswith(message)


@pytest.mark.parametrize("level", PROJECTS)
def test_who_meets_all_is_right(level):
    assert said(level) == ("right", PROJECTS[level].right)


def test_the_reference_solution_meets_every_level(satellite):
    assert all(finding.met for finding in LEVELS[1].budgets(weigh(satellite, "test")))
    for project in PROJECTS.values():
        verdict = judge(project, satellite)
        assert (verdict.state, verdict.text, verdict.lines) == ("right", project.right, project.met)


def test_so_does_one_made_otherwise(satellite):
    """Each batch norm folded into its convolution: fewer layers, the same answers."""
    parts, folded = dict(satellite.named_children()), OrderedDict()
    for name, part in parts.items():
        norm = parts.get(name.replace("conv", "norm"))
        if isinstance(part, nn.Conv2d):
            folded[name] = fuse_conv_bn_eval(part, norm)
        elif not name.startswith("norm"):
            folded[name] = part
    assert judge(PROJECTS[3], nn.Sequential(folded)).state == "right"


REAL = {
    "the whole network": (lambda model: model, "That is as large as the reference itself."),
    "masks": (lambda model: sparse(model, 0.4), "Many of its weights are zeros"),
    "not retrained": (third, "It cannot read any more."),
}


@pytest.mark.parametrize("name", REAL)
def test_real_networks_that_fall_short(name, reference):
    make, message = REAL[name]
    verdict = judge(PROJECTS[2], make(reference))
    assert verdict.state == "not yet"
    assert f"budgets are met. {message}" in verdict.text
    missed = [line.split(":")[0] for line in verdict.lines if ": missed, " in line]
    assert missed == {"the whole network": ["file", "latency"], "masks": ["file", "latency"],
                      "not retrained": ["drop"]}[name]


@pytest.mark.parametrize(("answer", "message"), [
    ("satellite.safetensors", "check takes the network itself, and was given 'satellite.safe"),
    (None, "check takes the network itself, and was given a NoneType"),
    (7, "check takes the network itself, and was given 7"),
    (third, "check takes the network itself, and was given a function. Call it: what it returns"),
    (nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Sigmoid()), "layer '2' is a Sigmoid;"),
    (nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), "model gives an output of shape (1, 2)"),
    (nn.Linear(784, 10), "model is a Linear; allowed is an nn.Sequential"),
])
def test_what_cannot_be_weighed_is_turned_away(answer, message):
    for project in PROJECTS.values():
        verdict = judge(project, answer)
        assert verdict.state == "not yet"
        assert verdict.text.startswith(message)
        assert verdict.text.endswith(" It was not weighed.")
        assert verdict.lines == ()


def test_an_untouched_stub_is_not_attempted():
    assert all(judge(project, ...).state == "not attempted yet" for project in PROJECTS.values())


# Looks, and the control

@pytest.fixture
def few(monkeypatch, mnist):
    """Read a thousand digits, not ten thousand."""
    fewer = {"validation": mnist.validation[:1_000], "test": mnist.test[:1_000]}
    monkeypatch.setattr("course_tools.capstone.readings.splits", lambda: fewer)
    return mnist.test[:1_000]


def test_a_network_is_one_look_however_often(reference, few):
    before = looks()
    networks = [remove_units(reference, {"conv1_1": torch.arange(n)}) for n in (4, 5)]
    right_on(submission(networks[0]), "validation")
    assert looks() == before
    for _ in range(2):
        right_on(submission(networks[0]), "test")
    assert looks() == before + 1
    beside(*networks, epochs=1, control_epochs=1)
    assert looks() == before + 2


def test_a_control_beside_a_network(reference, satellite, few):
    fresh = build_chain(chain_config(satellite))
    found = beside(satellite, fresh, epochs=4, control_epochs=0)
    assert found.drop == drop(satellite, fresh, few)
    assert found.accuracy == evaluate(fresh, few)
    assert abs(found.alike) < 0.2
    assert found.conclusion == YOURS
    assert beside(satellite, satellite, epochs=4, control_epochs=4).alike == pytest.approx(1)
    assert beside(satellite, third(reference), epochs=4, control_epochs=4).alike is None
    assert repr(found).startswith("yours (4 epochs) minus control (0 epochs), on test: ")
    assert repr(found).endswith(f"so far: {looks()}")


EVEN, ABOVE, BELOW = (Drop(value, value - 0.002, value + 0.002, 0, 0)
                      for value in (0.001, 0.003, -0.003))


@pytest.mark.parametrize(("changes", "conclusion", "missed", "message"), [
    ({}, OPEN, [], "A result beside its control."),
    ({"drop": ABOVE}, YOURS, [], "A result beside its control."),
    ({"drop": BELOW}, CONTROL, [], "A result beside its control."),
    ({"alike": None}, OPEN, ["layers"], "A control differs in one thing alone"),
    ({"alike": 0.9}, OPEN, ["weights"], "The control's weights are still much like yours"),
    ({"control_epochs": 1}, OPEN, ["training"], "The control was trained for fewer epochs"),
    ({"accuracy": 0.1}, OPEN, ["training"], "The control was trained for fewer epochs"),
    ({"drop": ABOVE}, OPEN, ["conclusion"], "The whole interval lies on one side of zero"),
    ({}, YOURS, ["conclusion"], "The interval holds zero."),
    ({"drop": BELOW}, YOURS, ["conclusion"], "That is the other way round"),
])
def test_a_comparison_is_judged(changes, conclusion, missed, message):
    found = replace(Beside(EVEN, 0.98, 0.01, 2, 2), **changes)
    verdict = judge(find("10.4"), (found, conclusion))
    assert verdict.state == ("not yet" if missed else "right")
    assert message in verdict.text
    assert [line.split(":")[0] for line in verdict.lines if ": missed, " in line] == missed


@pytest.mark.parametrize(("answer", "message"), [
    (7, "check takes a pair, what beside(...) returned and your conclusion, and was given: int."),
    ((EVEN, OPEN), "check takes a pair"),
    ((Beside(EVEN, 0.98, 0.01, 2, 2), "mine is better"), "the conclusion is 'mine is better'; all"),
])
def test_no_comparison_is_turned_away(answer, message):
    verdict = judge(find("10.4"), answer)
    assert (verdict.state, verdict.text[:len(message)]) == ("not yet", message)
