"""The long runs: what takes more than a lesson's minute, and the files of their results.

Reading a result imports no long run.
"""

from course_tools.experiments.results import load_results, series

__all__ = ["load_results", "series"]
