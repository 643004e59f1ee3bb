"""Pictures of convolutions, and of what pruning did to them."""

import torch
from matplotlib.axes import Axes

from course_lib.models import lenet_5

from course_tools import plots


def test_each_draws_on_the_axes_it_is_given_or_on_new_ones():
    for draw in (lambda ax: plots.maps(lenet_5(), ax),
                 lambda ax: plots.before_after({"a": (0.1, 0.9)}, ("x", "y"), ax),
                 lambda ax: plots.runners({"a": {"1 %": [1.0, 2.0]}}, ax)):
        ax = plots.panels()[0, 0]
        assert draw(ax) is ax
        assert isinstance(draw(None), Axes)


def test_maps_are_drawn_to_scale():
    ax = plots.maps(lenet_5())
    boxes = {box.get_label(): box for box in ax.patches}
    assert list(boxes) == ["conv1", "conv2", "fc1", "fc2"]
    assert [box.get_height() for box in boxes.values()] == [24, 8, 1, 1]
    assert boxes["conv2"].get_width() / boxes["conv1"].get_width() == 50 / 20


def test_a_patch_is_what_lies_under_the_window():
    signal = torch.arange(2 * 36.0).reshape(2, 6, 6)
    axes = plots.unrolled(signal, torch.randn(2, 3, 3), 1, 2)
    shown = torch.tensor(axes[1, 1].images[0].get_array().tolist())
    assert shown.equal(signal[1, 1:4, 2:5])
    strip = axes[0, 0].figure.axes[-1].images[0].get_array()
    assert torch.tensor(strip.tolist()).equal(signal[:, 1:4, 2:5].reshape(1, 18))


def test_a_runner_has_a_mark_for_each_network():
    ax = plots.runners({"a": {"6 %": [1.0, 2.0], "1 %": [3.0]}, "b": {"6 %": [4.0]}})
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 2, 3], [4]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["6 %", "1 %"]
    assert ax.lines[0].get_xdata()[0] < ax.lines[1].get_xdata()[0]


def test_before_and_after_are_in_per_cent():
    ax = plots.before_after({"a": (0.25, 0.75), "b": (0.5, 1.0)}, ("x", "y"))
    assert [line.get_xdata().tolist() for line in ax.lines] == [[25, 50], [75, 100]]
