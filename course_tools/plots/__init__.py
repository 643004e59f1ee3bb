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
from course_tools.plots.networks import architecture, matrix, network, residual, squares
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
from course_tools.plots.seeds import dots, parts
from course_tools.plots.units import units

__all__ = ["BLUE", "COLOURS", "GREEN", "MARKS", "ORANGE", "PURPLE", "RED", "SKY",
           "Picture", "architecture", "bars", "budgets", "curves", "digits",
           "dots", "histogram", "matrix", "network", "panels", "parts", "picture", "pixel_map",
           "residual", "squares", "symmetric_bins", "trials", "units"]
