"""The long runs: what takes more than a lesson's minute, and the files of their results.

Reading a result imports no long run.
"""

from course_tools.experiments.drops import (
    ahead,
    by_seed,
    chosen,
    compared,
    drop_of,
    group_drop,
    mean_drop,
    networks_of,
    on_validation,
    only,
    saved,
    searched_on_halves,
    sweep_of,
    told,
)
from course_tools.experiments.results import load_results, series

__all__ = ["ahead", "by_seed", "chosen", "compared", "drop_of", "group_drop", "load_results",
           "mean_drop", "networks_of", "on_validation", "only", "saved", "searched_on_halves",
           "series", "sweep_of", "told"]
