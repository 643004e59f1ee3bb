"""Spread tasks over processes or over the workers of a cluster."""

import functools
from collections.abc import Callable, Iterable, Iterator


def spread(work: Callable, tasks: Iterable, *, jobs: int = 1,
           scheduler: str | None = None) -> Iterator:
    """Yield work(task) for each task, as each ends; in this process with one job.

    With more, over so many processes; with a `scheduler`, such as "tcp://127.0.0.1:8786", over the
    workers of a dask cluster, which gives the tasks of a worker that dies to another. `tasks` are
    taken as work can begin, on a cluster all at once. A task that raises does not stop the others;
    the first error is raised when they are done.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; allowed is 1 or more")
    attempt, errors = functools.partial(_attempt, work), []
    for result, error in _outcomes(attempt, tasks, jobs, scheduler):
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


def _outcomes(attempt: Callable, tasks: Iterable, jobs: int, scheduler: str | None) -> Iterator:
    if scheduler is not None:
        yield from _on_cluster(attempt, tasks, scheduler)
    elif jobs == 1:
        yield from map(attempt, tasks)
    else:
        from joblib import Parallel, delayed
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch=jobs,
                            batch_size=1)
        yield from parallel(delayed(attempt)(task) for task in tasks)


def _on_cluster(attempt: Callable, tasks: Iterable, scheduler: str) -> Iterator:
    from dask.distributed import Client, as_completed
    with Client(scheduler) as client:
        futures = [client.submit(_by_itself, attempt, task, pure=False) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


def _by_itself(attempt: Callable, task: dict) -> tuple[object, Exception | None]:
    """Do a task where no other runs beside it in the same process: they share random numbers."""
    from dask.distributed import get_worker
    threads = get_worker().state.nthreads
    if threads != 1:
        return None, ValueError(f"scheduler has a worker with {threads} threads; allowed is 1: "
                                "dask worker --nthreads 1")
    return attempt(task)
