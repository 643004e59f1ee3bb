"""Checks: what a learner calls; an answer from `check` to its verdict, and where it is kept."""

from course_tools.checks.answers import check, claim, hint, solution
from course_tools.checks.progress import progress_panel
from course_tools.checks.quiz import quiz

__all__ = ["check", "claim", "hint", "progress_panel", "quiz", "solution"]
