"""The figures of lessons 09 and 10: where maps meet, and three budgets."""

import pytest
import torch_pruning as tp

from course_lib.intervals import Drop
from course_lib.models import ResNet

from course_tools import plots


def said(ax):
    return [text.get_text() for text in ax.texts]


def test_a_plus_where_the_counts_differ_is_red():
    model = ResNet(5, [(3, 5, 1), (2, 7, 2)])
    tp.prune_conv_out_channels(model.blocks[0].conv2, idxs=[3])
    ax = plots.residual(model, {})
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert colours["4 + 5"] == plots.RED != colours["7 + 7"]


def test_where_maps_are_added_both_go_and_where_they_are_joined_one_number_shifts():
    added, joined = plots.joins(2, (4, 4), (4, 6))
    assert len(added.patches) == 3 * 4
    assert len(joined.patches) == 4 + 6 + 10
    crosses = [sorted({float(max(line.get_ydata())) for line in ax.lines})
               for ax in (added, joined)]
    assert crosses == [[-2.0], [-6.0, -2.0]]
    assert [len(ax.lines) for ax in (added, joined)] == [6, 4]
    assert "+" in said(added)
    assert "+" not in said(joined)


def test_three_budgets_lie_where_they_are():
    found = {"fine": (20_000, Drop(0.004, 0.002, 0.006, 0, 0), 0.3),
             "slow": (30_000, Drop(0.001, 0.0, 0.002, 0, 0), 0.9)}
    left, right = plots.missions(found, {"level 1": (200_000, 0.02, 0.8)})
    corners = {box.get_label(): box.get_corners()[2].tolist() for box in left.patches}
    assert corners == {"level 1": [200, 2]}
    spots = {line.get_label(): line.get_xydata()[0].tolist() for line in right.lines}
    assert (spots["fine"], spots["slow"]) == (pytest.approx([0.3, 0]), pytest.approx([0.9, 1]))
    assert any(list(line.get_xdata()) == [0.8, 0.8] for line in right.lines)
    assert [label.get_text() for label in right.get_yticklabels()] == list(found)
