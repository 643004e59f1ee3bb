"""The files of the long runs: written task by task, read by the lessons."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from pathlib import Path

import torch
from filelock import FileLock

from course_lib._files import RESULTS, write_whole

SCHEMA = 2


class Results:
    """Read and extend a file {head…, "planned": n, "seconds": s, "tasks": {task as JSON: rows}}.

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
        """Add the rows of one task, and the processor seconds that it took, unless another has."""
        with self.lock:
            stored = self._read()
            if _key(task) in stored["tasks"]:
                return
            stored["tasks"][_key(task)] = rows
            stored["seconds"] = round(stored["seconds"] + seconds, 1)
            if len(self.head["seeds"]) > len(stored["seeds"]):
                stored |= {key: self.head[key] for key in ("command", "seeds", "planned")}
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


def _key(task: dict) -> str:
    return json.dumps(task, sort_keys=True)


def load_results(name: str, *, partial: bool = False) -> list[dict]:
    """Return the rows of a long run, such as "widths"; with `partial` also of one half done.

    A file says itself how many tasks its run plans. One that holds fewer raises ValueError.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        there = sorted(path.stem for path in RESULTS.glob("*.json")
                       if not path.stem.startswith("train_"))
        raise ValueError(f"name is {name!r}; allowed is one of {', '.join(there)}. A file that was "
                         "lost comes back with: git checkout -- data/results")
    stored = json.loads(path.read_text("utf-8"))
    if len(stored["tasks"]) < stored["planned"] and not partial:
        raise ValueError(f"{path} holds {how_far(stored)}; finish it with: "
                         f"{stored['command'].removesuffix(' --fresh')}")
    return [row for rows in stored["tasks"].values() for row in rows]


FEW = 5  # so many seeds or fewer have no interval: each is told
Key = str | Callable[[dict], float]  # a field of a row, or what makes a number of a row


def series(rows: Iterable[dict], x: Key, y: Key, *, only: Mapping | None = None
           ) -> dict[float, list[float]]:
    """Return {x: the y of each seed} of rows whose fields are as `only` says, in order of x.

    The values stand in the order of the seeds, so that two series can be compared seed by seed.

    >>> rows = [{"seed": seed, "kind": kind, "width": width, "test": width + seed}
    ...         for seed in (1, 0) for kind in ("dense", "pruned") for width in (30, 10)]
    >>> series(rows, "width", lambda row: row["test"] / 10, only={"kind": "dense"})
    {10: [1.0, 1.1], 30: [3.0, 3.1]}
    """
    points: dict[float, list[float]] = {}
    for row in sorted(rows, key=itemgetter("seed")):
        if all(row[field] == value for field, value in (only or {}).items()):
            points.setdefault(_read(row, x), []).append(_read(row, y))
    return dict(sorted(points.items()))


def only(rows: Iterable[dict], **fields: object) -> list[dict]:
    """Return the rows whose fields are as given, in the order of the seeds.

    >>> only([{"seed": 1, "kind": "a"}, {"seed": 0, "kind": "a"}, {"seed": 2}], kind="a")
    [{'seed': 0, 'kind': 'a'}, {'seed': 1, 'kind': 'a'}]
    """
    return sorted((row for row in rows if all(
        row.get(field) == value for field, value in fields.items())), key=itemgetter("seed"))


def _read(row: dict, key: Key) -> float:
    return row[key] if isinstance(key, str) else key(row)


def how_far(stored: dict) -> str:
    """Say how much of a run its file holds: "12 of 20 tasks"."""
    return f"{len(stored['tasks'])} of {stored['planned']} tasks"


def circumstances(command: str, seeds: list[int], threads: int) -> dict:
    """Return what a figure depends on besides its recipe: versions, machine, threads, date."""
    return {"schema": SCHEMA, "command": command, "seeds": seeds, "torch": torch.__version__,
            "python": platform.python_version(), "machine": platform.machine(),
            "hardware": _processor(), "cores": os.cpu_count(), "threads": threads,
            "date": time.strftime("%Y-%m-%d")}


def _processor() -> str:
    listed = Path("/proc/cpuinfo")  # Linux; elsewhere what Python knows
    lines = listed.read_text().splitlines() if listed.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
