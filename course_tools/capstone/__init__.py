"""The capstone: a network as a file, what it costs, the levels, and a control beside it."""

from course_tools.capstone.control import beside
from course_tools.capstone.levels import LEVELS, weigh
from course_tools.capstone.readings import looks
from course_tools.capstone.submission import read_submission, submission

__all__ = ["LEVELS", "beside", "looks", "read_submission", "submission", "weigh"]
