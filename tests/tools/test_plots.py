import io
import warnings

import matplotlib.image
import pytest
import torch
from matplotlib.axes import Axes
from torch import nn

from course_lib.intervals import Drop
from course_lib.masks import apply_masks, magnitude_masks
from course_lib.models import ResNet, lenet_5, lenet_300_100, prunable_layers, resnet_mini
from course_lib.search import Trial

from course_tools import plots


def a_trial(weights, value):
    return Trial(1 / weights, weights, Drop(value, value - 0.01, value + 0.01, 0, 0), None)


def test_every_plot_returns_axes_and_draws_on_those_it_is_given(mnist):
    layer = nn.Sequential(nn.Linear(3, 2))
    for draw in (lambda ax: plots.digits(mnist.train[:3], ax),
                 lambda ax: plots.histogram(torch.randn(100), ax, threshold=0.5),
                 lambda ax: plots.pixel_map(torch.rand(784), ax),
                 lambda ax: plots.curves({"a": {0.1: [0.5, 0.6], 0.2: [0.4, 0.5]}}, ax),
                 lambda ax: plots.runs({"a": {0.1: [0.5, 0.6], 0.2: [0.4, 0.5]}}, ax),
                 lambda ax: plots.seeds({"a": {"b": [1, 2], "c": [3]}}, ax),
                 lambda ax: plots.cloud(torch.randn(50, 2), ax),
                 lambda ax: plots.network(layer, ax),
                 lambda ax: plots.matrix(torch.eye(3).bool(), ax),
                 lambda ax: plots.ordered(torch.rand(2, 3), 2, ax),
                 lambda ax: plots.tiles(torch.rand(3, 3), torch.eye(3).bool(), ax),
                 lambda ax: plots.architecture(lenet_5(), ax),
                 lambda ax: plots.trials([a_trial(100, 0.01)], 0.02, ax),
                 lambda ax: plots.squares(lenet_5(), ax),
                 lambda ax: plots.residual(resnet_mini(), {"fc": "A"}, ax),
                 lambda ax: plots.budgets({"a": (9, Drop(0, 0, 0, 0, 0))}, {"b": (9, 0.1)}, ax),
                 lambda ax: plots.units(lenet_300_100(), ax),
                 lambda ax: plots.parts({"a": 3, "b": 1}, ax),
                 lambda ax: plots.bars({"a": 1, "b": 2}, ax)):
        ax = plots.panels()[0, 0]
        assert draw(ax) is ax
        assert isinstance(draw(None), Axes)


def test_a_picture_has_the_words_in_every_form():
    shown = plots.picture(plots.panels()[0, 0], 'A "picture" of <nothing>.')._repr_mimebundle_()
    assert 'alt="A &quot;picture&quot; of &lt;nothing&gt;."' in shown["text/html"]
    assert shown["text/plain"] == 'A "picture" of <nothing>.'
    assert set(shown) == {"text/html", "text/plain", "image/png"}


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="alt is ' '; allowed is a sentence"):
        plots.picture(plots.panels()[0, 0], " ")


def test_a_picture_is_a_png_of_the_asked_size():
    made = plots.picture(plots.panels(width=5, height=2)[0, 0], "Empty axes.", dpi=100)
    assert matplotlib.image.imread(io.BytesIO(made.png)).shape[:2] == (200, 500)
    assert made.width == 500


def test_curves_draw_means_and_intervals():
    ax = plots.curves({"a": {0.5: [0.8, 0.9], 0.1: [0.4, 0.4]}}, percent=True)
    line, = ax.lines
    assert line.get_xdata().tolist() == [0.1, 0.5]
    assert list(line.get_ydata()) == pytest.approx([40, 85])
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(85 + 5 * 12.706, abs=0.01)  # t, one degree of freedom


def test_curves_are_drawn_as_they_are_unless_in_per_cent():
    line, = plots.curves({"a": {0.1: [0.4], 0.5: [3.0]}}).lines
    assert line.get_ydata().tolist() == [0.4, 3.0]


def test_runs_draw_every_value():
    ax = plots.runs({"a": {0.5: [0.8, 0.9], 0.1: [0.4, 0.4]}}, percent=True)
    means, values = ax.lines
    assert means.get_ydata() == pytest.approx([40, 85])
    assert sorted(values.get_ydata()) == pytest.approx([40, 40, 80, 90])


def test_a_cloud_has_its_axes_at_right_angles_and_says_how_much_each_holds():
    torch.manual_seed(0)
    ax = plots.cloud(torch.randn(5000, 2) * torch.tensor([3.0, 1.0]))
    _, long, short = ax.lines
    slopes = [(line.get_xydata()[1] - line.get_xydata()[0]) for line in (long, short)]
    assert slopes[0] @ slopes[1] == pytest.approx(0, abs=1e-3)
    assert "long axis: 90 %" in long.get_label()


def test_who_reads_twins_is_asked_for_the_weight_and_the_bias_when_one_goes():
    left, right = plots.panels(1, 2)[0]
    assert plots.twins_and_reader(left, right) is left
    assert {text.get_text() for text in left.texts} == {"A", "B", "a", "b", "+ c",
                                                        "B = scale · A + shift"}
    assert sorted(text.get_text() for text in right.texts) == ["+ ?", "0", "?", "A", "B"]


def test_the_histogram_counts_every_weight_once():
    values = torch.randn(1000)
    assert plots.histogram(values).patches[0].get_data().values.sum() == 1000
    marked = plots.histogram(values, threshold=0.5).patches[1].get_data().values.sum()
    assert marked == (values.abs() < 0.5).sum()


def test_a_threshold_lies_between_two_bars():
    values = torch.linspace(-1, 1, 999)
    kept, inside = plots.histogram(values, threshold=0.37).patches
    edges = inside.get_data().edges
    assert abs(edges - 0.37).min() < 1e-9
    both = (kept.get_data().values > 0) & (inside.get_data().values > 0)
    assert (kept.get_data().values == inside.get_data().values)[both].all()


def test_the_scores_of_a_choice_stand_in_order():
    ax = plots.ordered(torch.tensor([0.3, 0.1, 0.2]), 1)
    assert [round(bar.get_height(), 1) for bar in ax.patches] == [0.1, 0.2, 0.3]
    assert [bar.get_hatch() for bar in ax.patches] == ["//", None, None]


def test_tiles_say_what_stays():
    ax = plots.tiles(torch.tensor([[0.5, -0.2]]), torch.tensor([[True, False]]))
    assert [text.get_text() for text in ax.texts] == ["0.5\nTrue", "−0.2\nFalse"]
    assert [tile.get_hatch() for tile in ax.patches] == [None, "//"]


def test_the_network_draws_a_zero_unlike_any_other_weight():
    model = nn.Sequential(nn.Linear(2, 1))
    model[0].weight.data = torch.tensor([[0.5, 0.0]])
    solid, dotted = plots.network(model).lines
    assert (solid.get_linestyle(), dotted.get_linestyle()) == ("-", ":")


def test_an_architecture_with_branches_is_refused():
    with pytest.raises(ValueError, match="model is a Linear; allowed is an nn.Sequential"):
        plots.architecture(nn.Linear(784, 10))


def test_an_architecture_is_drawn_to_scale():
    boxes = {box.get_label(): box for box in plots.architecture(lenet_5()).patches}
    sizes = {name: (boxes[name].get_width(), boxes[name].get_height())
             for name in ("conv1", "conv2", "fc1", "fc2")}
    assert sizes == {"conv1": (20, 24), "conv2": (50, 8), "fc1": (500, 1), "fc2": (10, 1)}


def test_the_numbers_of_close_trials_do_not_overlap():
    left = (53_240, 26_620, 13_310, 5_324, 2_662, 19_965, 16_638, 18_302, 19_134)
    ax = plots.trials([a_trial(weights, 100 / weights) for weights in left], 0.005)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [text.get_text() for text in ax.texts] == [str(number) for number in range(1, 10)]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes)
                   for other in boxes[:place])


def test_the_smallest_trial_within_the_bound_is_ringed():
    found = [a_trial(100, 0.001), a_trial(10, 0.004), a_trial(1, 0.02)]
    ax = plots.trials(found, 0.005)
    *spots, bound, ring = ax.lines
    assert [spot.get_markerfacecolor() for spot in spots] == [plots.BLUE, plots.BLUE, "white"]
    assert list(bound.get_ydata()) == [0.5, 0.5]
    assert ring.get_xydata().tolist() == [[10, 0.4]]
    assert len(plots.trials(found, 0.0005).lines) == 4  # nothing fits: no ring
    assert len(plots.trials(found).lines) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a single point has no width on a logarithmic axis
        for begun in ([], found[:1]):
            assert plots.picture(plots.trials(begun, 0.005), "A search that begins.").png


def test_the_area_of_a_square_is_the_layers_weights():
    model = lenet_5()
    apply_masks(model, magnitude_masks(model, 0.9))
    boxes = {box.get_label(): box for box in plots.squares(model).patches}
    for name, layer in prunable_layers(model).items():
        area = boxes[name].get_width() * boxes[name].get_height()
        assert area == pytest.approx(int((layer.weight != 0).sum()))


def test_the_drawing_of_a_residual_network_has_its_sizes_and_marks():
    model = ResNet(5, [(3, 5, 1), (2, 7, 2)])
    ax = plots.residual(model, {"stem.conv": "A", "blocks.0.conv2": "A", "blocks.0.conv1": "B"})
    boxes = {box.get_label(): box for box in ax.patches if box.get_label()}
    assert set(boxes) == set(prunable_layers(model))
    colours = {name: box.get_facecolor() for name, box in boxes.items()}
    assert colours["stem.conv"] == colours["blocks.0.conv2"] != colours["blocks.0.conv1"]
    assert colours["fc"] == colours["blocks.1.shortcut.conv"] == (1, 1, 1, 1)
    said = [text.get_text() for text in ax.texts]
    assert {"stem\n5", "conv1\n3", "conv1\n2", "shortcut\n7", "fc\n10"} <= set(said)
    assert (said.count("A"), said.count("B"), said.count("+")) == (2, 1, 2)
    assert {"5 + 5", "7 + 7"} <= set(said)
    with pytest.raises(ValueError, match="marks names the layer 'conv9'; allowed is one of stem"):
        plots.residual(model, {"conv9": "A"})


def test_budgets_are_boxes_and_networks_lie_by_size_and_drop():
    found = {"fine": (20_000, Drop(0.004, 0.002, 0.006, 0, 0)),
             "a wreck": (30_000, Drop(0.9, 0.89, 0.91, 0, 0))}
    ax = plots.budgets(found, {"easy": (200_000, 0.02), "hard": (40_000, 0.01)})
    corners = {box.get_label(): box.get_corners()[2].tolist() for box in ax.patches}
    assert corners == {"easy": [200, 2], "hard": [40, 1]}
    spots = {line.get_label(): line.get_xydata()[0].tolist() for line in ax.lines}
    assert spots["fine"] == pytest.approx([20, 0.4])
    assert spots["a wreck"][0] == 30
    assert 2 < spots["a wreck"][1] < ax.get_ylim()[1]  # at the upper end, above all boxes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(found)
    assert all(box.get_corners()[0].tolist() < [20, ax.get_ylim()[0]] for box in ax.patches)


def test_the_drawing_of_units_has_a_line_for_each_weight_and_counts_those_left_out():
    ax = plots.units(nn.Sequential(nn.Linear(20, 3), nn.ReLU(), nn.Linear(3, 10)))
    assert len(ax.lines) == 9 * 3 + 3 * 10  # nine of the twenty inputs are drawn
    said = [text.get_text() for text in ax.texts]
    assert {"20 × 3\n= 60 weights", "3 × 10\n= 30 weights", "20 pixels", "0: 3 units\nthen ReLU",
            "2: 10 units"} <= set(said)
    assert said.count("⋮") == 1


def test_the_parts_of_a_data_set_are_to_scale():
    ax = plots.parts({"a": 30, "b": 10, "c": 20})
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 30), (30, 10), (40, 20)]
