"""Sliders that move a real network, each with a static twin where nothing can move."""

from course_tools.sliders.sentence import sentence_slider
from course_tools.sliders.sliders import (
           bound_slider,
           filter_sliders,
           neuron_slider,
           rank_slider,
           sparsity_slider,
           threshold_slider,
)
from course_tools.sliders.surgery import surgery_slider, two_weights_slider

__all__ = ["bound_slider", "filter_sliders", "neuron_slider", "rank_slider", "sentence_slider",
           "sparsity_slider", "surgery_slider", "threshold_slider", "two_weights_slider"]
