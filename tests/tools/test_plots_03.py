"""The pictures of lesson 03: a struck-out neuron, and rows of marks with intervals."""

import pytest
import torch

from course_lib.intervals import seed_interval

from course_tools.plots import seeds, struck


def test_of_a_struck_neuron_row_bias_and_reader_are_crossed_out():
    ax = struck(torch.arange(12.0).reshape(4, 3), torch.zeros(4), torch.ones(2, 4), 1)
    left, right = ax.figure.axes
    (across,), (down,) = left.lines, right.lines
    assert across.get_ydata() == pytest.approx((1.5, 1.5))  # through row 1 of four
    assert min(across.get_xdata()) < 0
    assert max(across.get_xdata()) > 4.5  # over three weights and the bias
    assert down.get_xdata() == pytest.approx((1.5, 1.5))
    words = {text.get_text() for text in (*left.texts, *right.texts)}
    assert {"bias", "inputs", "neurons of fc1", "neurons of fc2", "11.0", "0", "3"} <= words


@pytest.mark.parametrize(("count", "bars"), [(8, 1), (5, 0)])
def test_a_mark_is_a_seed_and_few_seeds_have_no_interval(count, bars):
    values = [float(seed % 3) for seed in range(count)]
    ax = seeds({"ours": {"a": values}})
    marks, *intervals = ax.lines
    assert list(marks.get_xdata()) == values
    assert len(intervals) == bars
    for line in intervals:
        found = seed_interval(values)
        assert list(line.get_xdata()) == pytest.approx([found.low, found.mean, found.high])
        assert line.get_markevery() == [1]


def test_two_series_share_rows_and_have_a_legend():
    ax = seeds({"ours": {"a": [1.0], "b": [2.0]}, "theirs": {"a": [3.0], "b": [4.0]}})
    assert [text.get_text() for text in ax.get_legend().texts] == ["ours", "theirs"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
