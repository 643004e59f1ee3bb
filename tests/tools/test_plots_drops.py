"""The pictures of lesson 06: pairs of readings, verdicts, intervals, what was saved and paid."""

import pytest

from course_lib.intervals import Interval, paired_drop

from course_tools.plots import bargains, pairs, spans, verdicts


def test_four_tiles_hold_all_images():
    ax = pairs(paired_drop(46, 18, 5_000), 4_889, 47)
    assert {text.get_text() for text in ax.texts} == {
        "4,889\nboth right", "46\nlost", "18\ngained", "47\nboth wrong"}
    assert len(ax.patches) == 4


def test_networks_are_marked_by_their_verdict_on_test():
    found = [(0.004, paired_drop(20, 10, 10_000)), (0.003, paired_drop(60, 10, 10_000)),
             (0.002, paired_drop(200, 10, 10_000)), (0.001, paired_drop(210, 10, 10_000))]
    ax = verdicts(found, 0.005)
    assert [text.get_text() for text in ax.get_legend().texts] == ["met: 1", "open: 1", "missed: 2"]
    assert ax.lines[0].get_xdata() == pytest.approx([0.4])
    assert ax.lines[1].get_ydata() == pytest.approx([0.5])


@pytest.mark.parametrize("means", [{}, {"b": Interval(1.0, 0.5, 1.5)}])
def test_a_row_has_dots_and_an_interval_where_there_is_one(means):
    ax = spans(means, dots={"a": [0.1, 0.2], "b": [1.0, 2.0]})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert list(ax.lines[0].get_xdata()) == [0.1, 0.2]
    assert len(ax.collections) == len(means)


def test_rows_without_dots_lie_at_their_names():
    ax = spans({"a": Interval(1.0, 0.5, 1.5)}, xlabel="points")
    assert list(ax.lines[0].get_ydata()) == [0]
    assert ax.get_xlabel() == "points"


def test_what_was_saved_stands_over_what_was_paid():
    ax = bargains({"weight": [(0.004, 0.9), (-0.001, 0.5)], "neuron": [(0.5, 0.99)]})
    first, second = ax.lines
    assert list(first.get_xdata()) == pytest.approx([0.4, -0.1])
    assert list(second.get_ydata()) == pytest.approx([99.0])
    assert ax.get_xscale() == "symlog"
