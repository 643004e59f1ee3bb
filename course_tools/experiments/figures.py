"""The figures that are plotted from long runs: what runs for each, and how."""

import functools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

from course_lib._files import DATA
from course_lib.data import load_mnist

from course_tools.experiments import (
    dense,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_11,
    lesson_12,
    lesson_13,
    recipes,
    writers,
)
from course_tools.experiments.results import Results, circumstances
from course_tools.experiments.spread import spread


def _each(argument: str, values: Iterable) -> tuple[dict, ...]:
    return tuple({argument: value} for value in values)


@dataclass(frozen=True)
class Figure:
    """Hold what runs for a figure: `run(data, **task, recipe=recipe)` gives the rows of one task.

    `recipe` is what the rows depend on, stored with them: a run goes on only with the same.
    Where `labels` is true, `run` also takes the folder `labels` with files that are not part of the
    course.
    """

    run: Callable[..., list[dict]]
    tasks: tuple[dict, ...] = ({},)
    recipe: Mapping[str, object] = field(default_factory=dict)
    labels: bool = False
    first: int = 0  # seed; 1 where recipes were tuned on seed 0 with the test split in view

    def of_seeds(self, seeds: int) -> list[dict]:
        """Return all tasks, each with its seed."""
        return [task | {"seed": seed} for task in self.tasks
                for seed in range(self.first, self.first + seeds)]


SHAPES = tuple({"network": network, "shape": shape}
               for network, shapes in recipes.DENSE["shapes"].items() for shape in shapes)
RECORDED = ("lenet_300_100", "lenet_5")
FIGURES = {
    "redundancy": Figure(lesson_01.redundancy, recipe=recipes.REDUNDANCY),
    "widths": Figure(lesson_01.widths, _each("width", lesson_01.WIDTHS),
                     recipes.PERCEPTRONS),
    "unstructured": Figure(lesson_02.unstructured, recipe=recipes.UNSTRUCTURED),
    "budget_rates": Figure(lesson_02.budget_rates, recipe=recipes.without_rates(recipes.BUDGETS)),
    "budgets": Figure(lesson_02.budgets, recipe=recipes.BUDGETS),
    "contest_rates": Figure(lesson_03.contest_rates, _each("decay", (0.0, recipes.BRIEF["l2"])),
                            recipes.without_rates(recipes.CONTEST)),
    "neuron_contest": Figure(lesson_03.neuron_contest, _each("decay", (0.0, recipes.BRIEF["l2"])),
                             recipes.CONTEST),
    "race_rates": Figure(lesson_04.race_rates, recipe=recipes.without_rates(recipes.FILTER_RACE)),
    "filter_race": Figure(lesson_04.filter_race, recipe=recipes.FILTER_RACE),
    "batch_norm": Figure(lesson_04.batch_norm, recipe=recipes.without_rates(recipes.FILTER_RACE)),
    "han": Figure(lesson_05.han, _each("network", recipes.HAN["references"]), recipes.HAN,
                  first=1),
    "dense_rates": Figure(dense.dense_rates, SHAPES, recipes.without_rates(recipes.DENSE)),
    "dense": Figure(dense.dense, SHAPES, recipes.DENSE, first=1),
    "gradual": Figure(lesson_05.gradual, (*_each("network", recipes.GRADUAL),
                                          {"network": "lenet_300_100", "dropout": 0.3}),
                      recipes.GRADUAL),
    "controls": Figure(lesson_05.controls, _each("rounds", (1, 3, 5)), recipes.CONTROLS),
    "norms": Figure(lesson_05.norms, _each("norm", recipes.NORMS["norms"]), recipes.NORMS),
    "tradeoff": Figure(lesson_06.tradeoff, _each("network", recipes.SWEEPS["references"]),
                       recipes.SWEEPS),
    "fours_rates": Figure(lesson_07.fours_rates, recipe=recipes.without_rates(recipes.FOURS)),
    "two_of_four": Figure(lesson_07.two_of_four, recipe=recipes.FOURS),
    "flattery": Figure(lesson_06.flattery, recipe=recipes.FLATTERY),
    "writers": Figure(writers.writers, recipe=recipes.FLATTERY, labels=True),
    "dropout": Figure(lesson_05.dropout, _each("rate", ("shrinks", "stays", "none")),
                      recipes.DROPOUT),
    "lenet_5_dropout": Figure(lesson_05.lenet_5_dropout, recipe=recipes.LENET_5),
    "regrowth_rates": Figure(lesson_11.regrowth_rates, lesson_11.WAYS,
                             recipes.without_rates(recipes.REGROWTH)),
    "regrowth": Figure(lesson_11.regrowth, recipe=recipes.REGROWTH, first=11),
    "penalties": Figure(lesson_11.penalties, recipe=recipes.PENALTIES, first=11),
    "records_rates": Figure(lesson_11.records_rates, _each("network", RECORDED),
                            recipes.RECORDS | {network: recipes.without_rates(
                                recipes.RECORDS[network]) for network in RECORDED}),
    "records": Figure(lesson_11.records, _each("network", RECORDED), recipes.RECORDS, first=11),
    "surgery": Figure(lesson_12.surgery, recipe=recipes.SURGERY),
    "calibration_images": Figure(lesson_12.calibration_images, recipe=recipes.CALIBRATION),
    "surgery_convolutions": Figure(lesson_12.surgery_convolutions,
                                   recipe=recipes.SURGERY_CONVOLUTIONS),
    "language": Figure(lesson_13.language, _each("part", lesson_13.PARTS), recipes.LANGUAGE),
    "language_rates": Figure(lesson_13.language_rates,
                             recipe=recipes.without_rates(recipes.LANGUAGE_RETRAINING)),
    "language_retraining": Figure(lesson_13.language_retraining,
                                  recipe=recipes.LANGUAGE_RETRAINING),
}


def run_figure(name: str, seeds: int, out: Path = DATA, *, fresh: bool = False, jobs: int = 1,
               scheduler: str | None = None, labels: Path | None = None, only: str = ""
               ) -> Path:
    """Run what a figure's file does not hold yet; the file is whole after every task.

    With `only`, such as "lenet_5", the tasks whose arguments include it; the others remain planned.
    """
    if name not in FIGURES:
        raise ValueError(f"name is {name!r}; allowed is one of {', '.join(FIGURES)}")
    for argument, value in (("seeds", seeds), ("jobs", jobs)):
        if value < 1:
            raise ValueError(f"{argument} is {value}; allowed is 1 or more")
    if FIGURES[name].labels != (labels is not None):
        raise ValueError(f"labels is {labels}; allowed is a folder for writers, None for others")
    path = out / "results" / f"{name}.json"
    more = " --labels FOLDER" if FIGURES[name].labels else ""
    command = f"course experiments {name} --seeds {seeds}{more} --fresh"
    recipe = json.loads(json.dumps(FIGURES[name].recipe))  # as the file will give it back
    tasks = FIGURES[name].of_seeds(seeds)
    seen = sorted({task["seed"] for task in tasks})
    head = circumstances(command, seen, 1) | {"planned": len(tasks), "recipe": recipe}
    results = Results(path, head, fresh=fresh)
    left = (task for task in tasks if (not only or only in task.values())
            and not results.holds(task))  # looked up when its turn comes
    work = functools.partial(perform, name, labels=labels)
    with tqdm(total=len(tasks), desc=name, initial=sum(map(results.holds, tasks))) as bar:
        for task, rows, seconds in spread(work, left, jobs=jobs, scheduler=scheduler):
            results.add(task, rows, seconds)
            bar.update()
    return path


def perform(name: str, task: dict, *, labels: Path | None = None
            ) -> tuple[dict, list[dict], float]:
    """Run one task of a figure on one thread; return it, its rows, and its processor seconds."""
    started, before = time.process_time(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figure = FIGURES[name]
        given = {"labels": labels} if figure.labels else {}
        rows = figure.run(_mnist(), **task, **given, recipe=figure.recipe)
    finally:
        torch.set_num_threads(before)
    return task, rows, time.process_time() - started


_mnist = functools.cache(load_mnist)  # once a process
