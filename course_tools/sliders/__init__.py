"""Sliders that move a real network."""
