"""The capstone: a network as a file, what it costs, and the levels."""

from course_tools.capstone.levels import LEVELS, weigh
from course_tools.capstone.submission import read_submission, submission

__all__ = ["LEVELS", "read_submission", "submission", "weigh"]
