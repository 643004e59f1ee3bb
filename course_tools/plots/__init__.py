"""Pictures of pruning. Each function draws on `ax`, or on new axes, and returns them.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; marks differ as well.
Importing them sets matplotlib's style for the course.
"""

from course_tools.plots.base import (
           BLUE,
           COLOURS,
           GREEN,
           MARKS,
           ORANGE,
           PURPLE,
           RED,
           SKY,
           Picture,
           panels,
           picture,
)
from course_tools.plots.choices import ordered, tiles
from course_tools.plots.convolutions import before_after, maps, runners, unrolled
from course_tools.plots.drops import bargains, pairs, spans, verdicts
from course_tools.plots.joins import joins
from course_tools.plots.missions import missions
from course_tools.plots.networks import architecture, matrix, network, residual, squares
from course_tools.plots.redundancy import cloud, runs, twins_and_reader
from course_tools.plots.results import (
           bars,
           budgets,
           curves,
           digits,
           histogram,
           pixel_map,
           symmetric_bins,
           trials,
)
from course_tools.plots.rounds import read_pixels, sawtooth
from course_tools.plots.seeds import parts, seeds
from course_tools.plots.stored_bytes import crossing, float_bits, gap_strip, stacked
from course_tools.plots.struck import struck
from course_tools.plots.units import units

__all__ = ["BLUE", "COLOURS", "GREEN", "MARKS", "ORANGE", "PURPLE", "RED", "SKY", "Picture",
           "architecture", "bargains", "bars", "before_after", "budgets", "cloud", "crossing",
           "curves", "digits", "float_bits", "gap_strip", "histogram", "joins", "maps", "matrix",
           "missions", "network", "ordered", "pairs", "panels", "parts", "picture", "pixel_map",
           "read_pixels", "residual", "runners", "runs", "sawtooth", "seeds", "spans", "squares",
           "stacked", "struck", "symmetric_bins", "tiles", "trials", "twins_and_reader", "units",
           "unrolled", "verdicts"]
