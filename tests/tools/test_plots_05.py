"""The loop as a sawtooth, and the inputs that a layer still reads."""

import pytest
import torch

from course_lib.iterative import Round

from course_tools.plots import read_pixels, sawtooth


def a_round(number, left, before, after):
    return Round(number, {"fc1": torch.arange(1_000) < left}, {}, {}, before, after, 0.0)


def spots(ax, mark):
    return [(line.get_xdata()[0], pytest.approx(line.get_ydata()[0]))
            for line in ax.lines if line.get_marker() == mark]


def test_a_sawtooth_has_a_mark_after_each_cut_and_each_retraining():
    ax = sawtooth(0.99, [a_round(1, 250, 0.95, 0.98), a_round(2, 50, 0.9, 0.97)])
    assert spots(ax, "D") == [(1.0, 99.0)]
    assert spots(ax, "s") == [(0.25, 95.0), (0.05, 90.0)]
    assert spots(ax, "o") == [(0.25, 98.0), (0.05, 97.0)]
    falls = [list(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "--"]
    assert falls == [[1.0, 0.25], [0.25, 0.05]]
    assert ax.get_title(loc="left") == "Round 2: 97.0 % with 1 weight in 20"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "whole network", "after the cut", "retrained"]


def test_before_the_first_round_there_is_one_mark():
    ax = sawtooth(0.99, [])
    assert len(ax.lines) == 1
    assert ax.get_title(loc="left") == "Before the first round"


def test_read_pixels_marks_the_rows_of_the_image():
    mask = torch.zeros(5, 784, dtype=torch.bool)
    mask[2, 30] = True
    ax = read_pixels(mask)
    assert [line.get_xdata()[0] for line in ax.lines] == [28 * row - 0.5 for row in range(1, 28)]
    assert ax.images[0].get_array()[2, 30]
