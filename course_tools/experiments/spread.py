"""Spread tasks over processes or over the workers of a cluster."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from course_lib._allowed import require


def spread(work: Callable, tasks: Iterable, *, jobs: int = 1,
           scheduler: str | None = None) -> Iterator:
    """Yield work(task) for each task, as each ends; in this process with one job.

    With more, over so many processes; with a `scheduler`, such as "tcp://127.0.0.1:8786", over the
    workers of a dask cluster, which gives the tasks of a worker that dies to another. `tasks` are
    taken as work can begin, on a cluster all at once. A task that raises does not stop the others;
    the first error is raised when they are done.
    """
    require(jobs >= 1, "jobs", jobs, "1 or more")
    from joblib import Parallel, delayed

    errors = []
    with _workers(jobs, scheduler) as count:
        parallel = Parallel(n_jobs=count, return_as="generator_unordered", batch_size=1,
                            pre_dispatch="all" if scheduler else jobs)
        for result, error in parallel(delayed(_attempt)(work, task) for task in tasks):
            if error is None:
                yield result
            else:
                errors.append(error)
    if errors:
        raise errors[0]


def _attempt(work: Callable, task: dict) -> tuple[object, Exception | None]:
    try:
        return work(task), None
    except Exception as error:  # the other tasks' results must not be lost over it
        return None, error


@contextlib.contextmanager
def _workers(jobs: int, scheduler: str | None) -> Iterator[int]:
    """Let joblib use a cluster, if there is one; give how many workers to use, -1 for all."""
    if scheduler is None:
        yield jobs
        return
    from dask.distributed import Client
    from joblib import parallel_config

    with Client(scheduler) as client, parallel_config("dask", client=client):
        threads = max(client.nthreads().values(), default=1)
        if threads > 1:  # which would share random numbers
            raise ValueError(f"scheduler has a worker with {threads} threads; allowed is 1: "
                             "dask worker --nthreads 1")
        yield -1
