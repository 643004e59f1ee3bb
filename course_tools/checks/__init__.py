"""Checks: an answer from `check` to its verdict, and where progress is kept."""
