"""Neural-network pruning by experiment: the library under the lessons in `notebooks/`."""

__version__ = "0.1.0"
