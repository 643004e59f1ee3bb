"""Spread tasks over processes or a cluster; keep each result in a file as soon as it is there."""

import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filelock import FileLock


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


class Results:
    """Read and extend a file {head…, "seconds": s, "tasks": {task as JSON: rows}}.

    Several processes may do so at the same time: each addition takes a lock, reads what is there,
    and writes the file whole.
    """

    def __init__(self, path: Path, head: dict, *, fresh: bool = False) -> None:
        """Begin the file, or go on with one that was begun under the same circumstances.

        With `fresh` what was there is kept beside it, under the name with .old at its end.
        """
        self.path, self.head = path, head
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(path.with_name(path.name + ".lock"))
        with self.lock:
            if fresh and path.is_file():
                path.replace(path.with_name(path.name + ".old"))
            if not path.is_file():
                self._write(head | {"seconds": 0.0, "tasks": {}})
            self._read()

    def holds(self, task: dict) -> bool:
        """Return whether the file has this task's rows by now."""
        return _key(task) in json.loads(self.path.read_text("utf-8"))["tasks"]

    def add(self, task: dict, rows: list[dict], seconds: float) -> None:
        """Add the rows of one task, and the seconds that it took, unless another run has."""
        with self.lock:
            stored = self._read()
            if _key(task) in stored["tasks"]:
                return
            stored["tasks"][_key(task)] = rows
            stored["seconds"] = round(stored["seconds"] + seconds, 1)
            if len(self.head["seeds"]) > len(stored["seeds"]):
                stored |= {key: self.head[key] for key in ("command", "seeds")}
            self._write(stored)

    def _read(self) -> dict:
        stored = json.loads(self.path.read_text("utf-8"))
        for key in ("schema", "recipe", "torch", "machine", "threads"):
            if stored.get(key) != self.head[key]:
                raise ValueError(f"{self.path} was begun with {key} {stored.get(key)}; allowed is "
                                 f"{self.head[key]}, as here: begin anew with --fresh, or "
                                 "elsewhere with --out")
        return stored

    def _write(self, stored: dict) -> None:
        write_whole(self.path, json.dumps(stored, indent=1).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another process has its own
    part.write_bytes(content)
    part.replace(path)


def _key(task: dict) -> str:
    return json.dumps(task, sort_keys=True)
