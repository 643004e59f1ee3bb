import json
import multiprocessing
import os
import signal
from contextlib import contextmanager

import pytest
import tasks
from adding import HEAD, add_twenty
from dask.distributed import Client, LocalCluster

from course_lib._files import write_whole

from course_tools.experiments.results import Results
from course_tools.experiments.spread import spread

TASKS = [{"x": x} for x in range(8)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_done_once(jobs):
    found = list(spread(tasks.square, TASKS, jobs=jobs))
    assert sorted(found, key=str) == [({"x": x}, x * x) for x in range(8)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_task_that_fails_costs_no_other(jobs):
    done = []
    ending = (done.append(task["x"]) for task, _ in spread(tasks.fails_at_three, TASKS, jobs=jobs))
    with pytest.raises(KeyError, match="three"):
        list(ending)
    assert sorted(done) == [0, 1, 2, 4, 5, 6, 7]


def test_tasks_are_taken_when_their_turn_comes():
    taken = []
    begun = spread(tasks.square, (taken.append(x) or {"x": x} for x in range(5)))
    next(begun)
    assert taken == [0]


def test_no_jobs_are_refused():
    with pytest.raises(ValueError, match="jobs is 0; allowed is 1 or more"):
        next(spread(tasks.square, TASKS, jobs=0))


@contextmanager
def local_cluster(workers, threads):
    """Start a cluster; afterwards undo what it does to the environment of later kernels."""
    before = dict(os.environ)
    try:
        with LocalCluster(n_workers=workers, threads_per_worker=threads, host="127.0.0.1",
                          dashboard_address=None) as cluster:
            yield cluster
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def cluster():
    with local_cluster(2, 1) as cluster:
        yield cluster


def test_a_cluster_that_loses_a_worker_gives_the_same_numbers(cluster):
    """Kill one of two workers when the first result is there; compare with one process."""
    todo = [{"seed": seed, "epochs": 6} for seed in range(6)]
    found = spread(tasks.short_training, todo, scheduler=cluster.scheduler_address)
    first = next(found)
    with Client(cluster.scheduler_address) as client:
        pids = client.run(os.getpid)
        os.kill(min(pids.values()), signal.SIGKILL)
    everything = [first, *found]
    alone = list(spread(tasks.short_training, todo))
    assert sorted(everything, key=lambda found: found[0]["seed"]) == alone


def test_workers_with_several_threads_are_refused():
    with local_cluster(1, 2) as cluster, \
            pytest.raises(ValueError, match="with 2 threads; allowed is 1: dask worker --nthreads"):
        next(spread(tasks.square, TASKS, scheduler=cluster.scheduler_address))


def test_two_runs_at_the_same_time_do_not_lose_each_others_results(tmp_path):
    path = tmp_path / "results" / "both.json"
    spawning = multiprocessing.get_context("spawn")
    together = spawning.Barrier(2)
    runs = [spawning.Process(target=add_twenty, args=(path, name, together)) for name in "ab"]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    stored = json.loads(path.read_text())
    assert len(stored["tasks"]) == 40
    assert stored["seconds"] == 20.0


def test_what_another_run_has_added_is_not_added_twice(tmp_path):
    results = Results(tmp_path / "file.json", HEAD)
    results.add({"x": 1}, [{"y": 1}], 2.0)
    Results(tmp_path / "file.json", HEAD | {"seeds": [0, 1]}).add({"x": 1}, [{"y": 9}], 2.0)
    stored = json.loads((tmp_path / "file.json").read_text())
    assert stored["tasks"] == {'{"x": 1}': [{"y": 1}]}
    assert stored["seconds"] == 2.0
    assert stored["seeds"] == [0]


def test_the_command_with_most_seeds_is_kept(tmp_path):
    path = tmp_path / "file.json"
    for seeds, x in (([0], 0), ([0, 1, 2], 2), ([0, 1], 1)):
        Results(path, HEAD | {"seeds": seeds, "command": f"--seeds {len(seeds)}"}).add(
            {"x": x}, [], 0.0)
    stored = json.loads(path.read_text())
    assert (stored["seeds"], stored["command"]) == ([0, 1, 2], "--seeds 3")


def test_beginning_anew_keeps_what_was_there_beside(tmp_path):
    path = tmp_path / "file.json"
    Results(path, HEAD).add({"x": 1}, [], 0.0)
    before = path.read_bytes()
    Results(path, HEAD | {"recipe": {"epochs": 3}}, fresh=True)
    assert (tmp_path / "file.json.old").read_bytes() == before
    assert json.loads(path.read_text())["tasks"] == {}
    with pytest.raises(ValueError, match=r"was begun with recipe \{'epochs': 3\}; allowed is"):
        Results(path, HEAD)


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"first")
    monkeypatch.setattr("pathlib.Path.replace", lambda self, other: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
