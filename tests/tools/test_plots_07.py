"""The pictures of lesson 07: what is written in them, and where."""

import numpy as np

from course_tools.plots import crossing, float_bits, gap_strip, picture, stacked


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_a_float_is_drawn_bit_by_bit():
    ax = float_bits(-1.0, [2.25, 8, 8, 7.5])
    said = words(ax)
    assert "".join(word for word in said if word in "01") == "1" + "01111111" + "0" * 23
    assert [word for word in said if "of 8" in word] == [
        "2.25 of 8 bits", "8.00 of 8 bits", "8.00 of 8 bits", "7.50 of 8 bits"]
    assert picture(ax, "32 bits").png


def test_a_strip_shows_each_entry_below_its_place():
    ax = gap_strip([0, 0.5, 0, 0, 0, 0, 0.7], [1, 3, 0], [0.5, 0.0, 0.7])
    at = {(round(text.get_position()[0] - 0.5), text.get_text()) for text in ax.texts}
    assert {(1, "0.5"), (5, "filler"), (6, "0.7"), (1, "1"), (5, "3"), (6, "0")} <= at
    assert picture(ax, "a strip").png


def test_bars_are_cut_into_parts_with_their_sum_at_the_end():
    ax = stacked({"CSR": {"values": 4.0, "positions": 2.0}, "dense": {"values": 8.0,
                                                                    "positions": 0.0}})
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 4), (0, 8), (4, 2),
                                                                      (8, 0)]
    assert words(ax) == [" 6.0", " 8.0"]


def test_a_line_is_ringed_where_it_stays_below_the_first():
    dense = dict.fromkeys((0.5, 0.8, 0.9), 1.0)
    ax = crossing({"dense": dense, "wins": {0.5: 0.9, 0.8: 1.1, 0.9: 0.5},
                   "never": {0.5: 3.0, 0.8: 2.0, 0.9: 1.0},
                   "always": dict.fromkeys(dense, 0.1)}, ringed=("wins", "never"), bytes_even=1 / 3)
    rings = [line for line in ax.lines if line.get_markersize() == 17]
    assert [list(map(float, np.ravel(ring.get_data()))) for ring in rings] == [[2, 0.5]]
    assert ax.get_yscale() == "log"
