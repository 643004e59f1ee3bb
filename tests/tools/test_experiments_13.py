"""The long run of lesson 13."""

import pytest
import torch

from course_lib import language
from course_lib.masks import magnitude_masks

from course_tools.experiments import lesson_13, load_results
from course_tools.experiments.recipes import LANGUAGE, LANGUAGE_RETRAINING

SHORT = LANGUAGE | {"every": 1_000, "pieces": 2, "heads": (2,), "neurons": (0.5,)}


@pytest.fixture(scope="module")
def model():
    return language.load_char_gpt()


def test_of_four_the_better_two_stay():
    scores = torch.tensor([[1.0, 3.0, 2.0, 0.0, 9.0, 8.0, 7.0, 6.0]])
    assert lesson_13.two_of_four(scores).tolist() == [
        [False, True, True, False, True, True, False, False]]


def test_the_half_has_the_shape_of_the_small_model(model):
    small = language.char_gpt(**LANGUAGE["half"])
    halved = lesson_13.halved(model, lesson_13.calibration(0, 2))
    assert {name: values.shape for name, values in halved.state_dict().items()} == {
        name: values.shape for name, values in small.state_dict().items()}


def test_budgets_are_crossed_one_block_at_a_time(model):
    rows = lesson_13.language(None, seed=0, part="budgets", recipe=SHORT)
    assert len(rows) == 2 * (6 + 4)
    over_all = magnitude_masks(model, 0.6)
    zeros = torch.cat([mask.flatten() for name, mask in over_all.items()
                       if name.startswith("blocks.0.")])
    row = next(row for row in rows if row["group"] == "block 0")
    assert row["zeros"] == pytest.approx(1 - float(zeros.double().mean()), abs=1e-6)
    first = language.loss(model, language.load_plays().test[:32 * 128 + 1])
    assert all(row["test"] > first for row in rows)
    assert [row["chunks"] for row in rows] == [f"{1000 * row['test']:.0f}" for row in rows]


def test_parts_are_really_removed(monkeypatch):
    plays = language.load_plays()
    short = language.Plays(plays.train[:3_000], plays.validation, plays.test)
    monkeypatch.setattr(language, "load_plays", lambda: short)
    rows = lesson_13.language(None, seed=0, part="parts", recipe=SHORT)
    weights = {row["mask"]: row["weights"] for row in rows}
    assert len(rows) == 16 + 1 + 2 + 4
    assert weights == {"one head": 786_432 - 4 * 32 * 128, "heads": 786_432 - 8 * 32 * 128,
                       "neurons by Wanda": 786_432 - 4 * 2 * 256 * 128,
                       "neurons by lot": 786_432 - 4 * 2 * 256 * 128,
                       "one block": 3 * 786_432 // 4}


def test_chunks_of_stored_rows_give_their_mean():
    for row in load_results("language") + load_results("language_retraining"):
        chunks = [int(each) / 1000 for each in row["chunks"].split()]
        assert len(chunks) == 17
        assert sum(chunks) / 17 == pytest.approx(row["test"], abs=1e-3)


def test_each_is_retrained_at_the_rate_that_read_validation_best():
    best = {}
    for row in load_results("language_rates"):
        best.setdefault(row["runner"], []).append((row["after"], row["lr"]))
    assert LANGUAGE_RETRAINING["rates"] == {name: min(tried)[1] for name, tried in best.items()}
    for name, tried in best.items():
        rates = sorted(lr for _, lr in tried)
        assert min(tried)[1] != rates[-1], f"{name} may want a rate beyond the list"
    assert {row["seed"] for row in load_results("language_retraining")}.isdisjoint(
        {row["seed"] for row in load_results("language_rates")})


def test_retraining_keeps_zeros_and_begins_from_what_was_read(monkeypatch):
    plays = language.load_plays()
    short = language.Plays(plays.train[:20_000], plays.validation, plays.test)
    monkeypatch.setattr(language, "load_plays", lambda: short)
    rows = lesson_13.language_retraining(None, seed=0, recipe=LANGUAGE_RETRAINING | {
        "steps": 2, "every": 1_000, "pieces": 2})
    assert [(row["mask"], row["values"]) for row in rows] == [
        (name, values) for name in ("whole", "magnitude global", "half removed")
        for values in ("old", "retrained")]
    for before, after in zip(rows[::2], rows[1::2], strict=True):
        assert before["weights"] == after["weights"]
        assert before["test"] != after["test"]
