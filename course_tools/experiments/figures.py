"""The long runs: what takes more than a lesson's minute, one function a figure.

    course experiments train          # data/checkpoints, data/results/train_*.json
    course experiments redundancy     # data/results/redundancy.json
    course experiments widths         # data/results/widths.json
    course experiments unstructured   # data/results/unstructured.json
    course experiments neurons        # data/results/neurons.json
    course experiments han --jobs 2   # data/results/han.json; so for the others too

A figure's file grows by every task that ends, so a run that was cut off goes on where it stopped.
Each task runs on one thread, so that the numbers do not depend on how many run at a time: --jobs
spreads them over processes, --backend dask --scheduler tcp://... over the workers of a cluster.
--fresh begins anew; --out writes to another folder.
"""

import argparse
import copy
import functools
import hashlib
import json
import os
import platform
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from tqdm import tqdm

from course_lib.data import MNIST, Split, load_mnist
from course_lib.masks import Keep, Masks, apply_masks, keep_top, magnitude_masks, random_masks
from course_lib.measure import directions, nonzero_weights, twins
from course_lib.models import DATA, NETWORKS, lenet_300_100, prunable_layers, seeded, vgg_mini
from course_lib.removal import build_chain, chain_config, remove_units
from course_lib.scores import activation_scores, taylor_scores, unit_scores
from course_lib.training import evaluate, train

from course_tools.experiments import lesson_05 as han
from course_tools.experiments import lesson_06 as tradeoff
from course_tools.experiments.lesson_05 import BRIEF, RECIPES
from course_tools.experiments.spread import Results, spread, write_whole

SCHEMA = 2
REFERENCES = RECIPES | {"resnet_mini": {"epochs": 12, "lr": 3e-3, "l2": 0.05}}  # what ships trained
WIDTHS = (0, 2, 4, 8, 16, 32, 64, 128, 300)
SPARSITIES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
BRIEF_VGG = {"epochs": 8, "lr": 3e-3, "l2": 0.05}  # for vgg_mini where several are trained
KEPT = (0.75, 0.5, 0.35, 0.25)  # of the filters of each layer
GONE = (0, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 275, 290)  # of 300 neurons
METHODS: dict[str, Callable[[nn.Module, float, int], Masks]] = {
    "random": lambda model, share, seed: random_masks(model, share, seed=seed),
    "layer": lambda model, share, seed: magnitude_masks(model, share, scope="layer"),
    "global": lambda model, share, seed: magnitude_masks(model, share, scope="global"),
}


def train_network(name: str, seed: int, data: MNIST, out: Path = DATA) -> dict:
    """Train one network by its recipe; write its checkpoint, and its record with a checksum.

    The test split is looked at once, at the end.
    """
    started = time.perf_counter()
    model = NETWORKS[name](seed)
    losses = train(model, data.train, **REFERENCES[name], seed=seed)
    content = save(model.state_dict())
    command = f"course experiments train --networks {name} --seed {seed}"
    record = _circumstances(command, [seed], torch.get_num_threads()) | REFERENCES[name] | {
        "network": name,
        "seed": seed,
        "loss": losses[-1],
        "validation_accuracy": evaluate(model, data.validation),
        "test_accuracy": evaluate(model, data.test),
        "seconds": round(time.perf_counter() - started, 1),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_whole(out / "checkpoints" / f"{name}.safetensors", content)
    write_whole(out / "results" / f"train_{name}.json", json.dumps(record, indent=1).encode())
    return record


def redundancy(data: MNIST, *, seed: int) -> list[dict]:
    """Count twins and directions among 300 hidden units: untrained, and trained two ways."""
    rows = []
    for name, decay in (("untrained", None), ("trained", 0.0), ("trained with decay", BRIEF["l2"])):
        model = lenet_300_100(seed)
        if decay is not None:
            train(model, data.train, **(BRIEF | {"l2": decay}), seed=seed)
        rows.append({"seed": seed, "network": name} | _count_hidden(model, data))
    return rows


def _count_hidden(model: nn.Sequential, data: MNIST) -> dict:
    with torch.inference_mode():
        outputs = model[:3](data.validation.images)  # after the first ReLU
    return {"twins": twins(outputs), "directions": directions(outputs),
            "test": evaluate(model, data.test)}


def perceptron(width: int, seed: int = 0) -> nn.Sequential:
    """Build a network with one hidden layer, 784-width-10, or with none, 784-10, at width 0."""
    sizes = [784, 10] if width == 0 else [784, width, 10]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    with seeded(seed):
        for place in range(1, len(sizes)):
            if place > 1:
                layers[f"relu{place - 1}"] = nn.ReLU()
            layers[f"fc{place}"] = nn.Linear(sizes[place - 1], sizes[place])
    return nn.Sequential(layers)


def widths(data: MNIST, *, seed: int, width: int) -> list[dict]:
    """Train one perceptron of the given width, without decay, which small ones do not bear."""
    model = perceptron(width, seed)
    train(model, data.train, **(BRIEF | {"l2": 0.0}), seed=seed)
    weights = sum(layer.weight.numel() for layer in prunable_layers(model).values())
    return [{"seed": seed, "width": width, "weights": weights,
             "test": evaluate(model, data.test)}]


def unstructured(data: MNIST, *, seed: int) -> list[dict]:
    """Prune one LeNet-300-100 at random and by magnitude at every sparsity, then retrain 3 epochs.

    Sparsity 0 is the control: the same 3 epochs, nothing pruned.
    """
    reference = lenet_300_100(seed)
    train(reference, data.train, **BRIEF, seed=seed)
    rows = []
    for method, choose in METHODS.items():
        for share in SPARSITIES:
            model, masks = copy.deepcopy(reference), choose(reference, share, seed)
            apply_masks(model, masks)
            before = evaluate(model, data.test)
            train(model, data.train, epochs=3, masks=masks, seed=seed)
            rows.append({"seed": seed, "method": method, "sparsity": share,
                         "before": before, "after": evaluate(model, data.test)})
    return rows


def neurons(data: MNIST, *, seed: int, decay: float) -> list[dict]:
    """Remove the worst neurons of LeNet-300-100's first layer, by four scores and at random."""
    model = lenet_300_100(seed)
    train(model, data.train, **(BRIEF | {"l2": decay}), seed=seed)
    rows = []
    for name, scores in neuron_scores(model, data.validation, seed).items():
        worst_first = scores.argsort(stable=True)
        for gone in GONE:
            smaller = remove_units(model, {"fc1": worst_first[gone:].sort().values})
            rows.append({"seed": seed, "decay": decay, "score": name, "gone": gone,
                         "test": evaluate(smaller, data.test)})
    return rows


def race(data: MNIST, *, seed: int) -> list[dict]:
    """Leave vgg_mini as many weights in four ways, and retrain each for 3 epochs.

    Whole filters (and neurons) of smallest L1 norm, or at random; single weights; and a network of
    that size trained from first weights, for as many epochs as the others had in all.
    """
    reference = vgg_mini(seed)
    train(reference, data.train, **BRIEF_VGG, seed=seed)
    rows = []
    for share in KEPT:
        for kind, (model, masks) in _runners(reference, share, seed).items():
            before = evaluate(model, data.test)
            recipe = {"epochs": 3, "lr": 1e-3} if kind != "narrow from scratch" else (
                BRIEF_VGG | {"epochs": BRIEF_VGG["epochs"] + 3})
            train(model, data.train, **recipe, masks=masks, seed=seed)
            rows.append({"seed": seed, "kept": share, "kind": kind, "before": before,
                         "after": evaluate(model, data.test),
                         "weights": nonzero_weights(model)})
    return rows


def _runners(reference: nn.Sequential, share: float, seed: int
             ) -> dict[str, tuple[nn.Sequential, Masks | None]]:
    """Return the four networks of the race, before they are retrained, with their masks."""
    layers = prunable_layers(reference)
    all_weights = sum(layer.weight.numel() for layer in layers.values())
    removed = remove_units(reference, filters_kept(reference, share))
    weights = sum(layer.weight.numel() for layer in prunable_layers(removed).values())
    masks = magnitude_masks(reference, 1 - weights / all_weights)
    sparse = copy.deepcopy(reference)
    apply_masks(sparse, masks)
    with seeded(seed):
        narrow = build_chain(chain_config(removed))
    return {"filters by L1": (removed, None),
            "random filters": (remove_units(reference, filters_kept(reference, share, seed)), None),
            "single weights": (sparse, masks),
            "narrow from scratch": (narrow, None)}


def filters_kept(model: nn.Sequential, share: float, seed: int | None = None) -> Keep:
    """Return the filters and neurons to keep: this share of each hidden layer, by their L1 norm.

    With a seed, at random.
    """
    lots = None if seed is None else torch.Generator().manual_seed(seed)
    keep = {}
    for name, layer in list(prunable_layers(model).items())[:-1]:
        kind = "filter" if isinstance(layer, nn.Conv2d) else "neuron"
        scores = unit_scores(layer.weight, kind) if lots is None else (
            torch.rand(layer.weight.shape[0], generator=lots))
        keep[name] = keep_top(scores, 1 - share).nonzero().flatten()
    return keep


def neuron_scores(model: nn.Sequential, split: Split, seed: int = 0) -> dict[str, torch.Tensor]:
    """Score the 300 neurons of the first layer in four ways on the images of `split`.

    And at random: the control, which knows nothing of the network.
    """
    lots = torch.Generator().manual_seed(seed)
    return {
        "L1 norm": unit_scores(model.fc1.weight, "neuron"),
        "mean activation": activation_scores(model, split)["fc1"],
        "1 − APoZ": activation_scores(model, split, by="apoz")["fc1"],
        "Taylor": taylor_scores(model, split)["fc1"],
        "random": torch.rand(300, generator=lots),
    }


@dataclass(frozen=True)
class Figure:
    """Hold what runs for a figure: `run(data, **task)` gives rows, for each seed and each task.

    `recipe` is what the rows depend on, stored with them: a run goes on only with the same.
    Networks in `few` are run with three seeds at most.
    """

    run: Callable[..., list[dict]]
    tasks: tuple[dict, ...] = ({},)
    recipe: Mapping[str, object] = field(default_factory=dict)
    few: tuple[str, ...] = ()

    def of_seeds(self, seeds: int) -> list[dict]:
        """Return all tasks, each with its seed."""
        return [task | {"seed": seed} for task in self.tasks for seed in range(seeds)
                if seed < 3 or task.get("network") not in self.few]


HAN_SMALL = {"brief": BRIEF, "retraining": han.RETRAIN["lenet_300_100"],
             "qualities": han.QUALITIES["lenet_300_100"], "gentle": han.GENTLE["lenet_300_100"]}
FIGURES = {
    "redundancy": Figure(redundancy, recipe={"brief": BRIEF}),
    "widths": Figure(widths, tuple({"width": width} for width in WIDTHS), {"brief": BRIEF}),
    "unstructured": Figure(unstructured, recipe={"brief": BRIEF, "sparsities": SPARSITIES}),
    "neurons": Figure(neurons, ({"decay": 0.0}, {"decay": BRIEF["l2"]}), {"brief": BRIEF}),
    "race": Figure(race, recipe={"brief": BRIEF_VGG, "kept": KEPT}),
    "han": Figure(han.han, tuple({"network": name} for name in RECIPES),
                  {"references": RECIPES, "retraining": han.RETRAIN, "qualities": han.QUALITIES,
                   "gentle": han.GENTLE}, few=("alexnet_mini", "vgg_mini")),
    "gradual": Figure(han.gradual, (*({"network": name} for name in han.GRADUAL),
                                    {"network": "lenet_300_100", "dropout": 0.3}), han.GRADUAL),
    "controls": Figure(han.controls, tuple({"rounds": rounds} for rounds in (1, 3, 5)),
                       HAN_SMALL),
    "norms": Figure(han.norms, tuple({"norm": norm} for norm in han.NORMS),
                    {"norms": han.NORMS, "sparsities": han.SHARES}),
    "tradeoff": Figure(tradeoff.tradeoff, tuple({"network": name} for name in tradeoff.RECIPES),
                       {"references": tradeoff.RECIPES, "retraining": tradeoff.RETRAIN,
                        "shares": tradeoff.SHARES, "losses": tradeoff.LOSSES},
                       few=tuple(tradeoff.RECIPES)),
    "flattery": Figure(tradeoff.flattery, recipe={"brief": BRIEF, "shares": tradeoff.FINE,
                                                 "halves": tradeoff.HALVES}),
    "dropout": Figure(han.dropout, tuple({"rate": rate} for rate in ("shrinks", "stays", "none")),
                      HAN_SMALL),
    "lenet_5_dropout": Figure(han.lenet_5_dropout, recipe={
        "reference": RECIPES["lenet_5"], "retraining": han.RETRAIN["lenet_5"],
        "qualities": han.QUALITIES["lenet_5"], "gentle": han.GENTLE["lenet_5"]}),
}


def load_results(name: str) -> list[dict]:
    """Return the rows of a figure's long run, such as "widths"; a run cut short is refused."""
    path = DATA / "results" / f"{name}.json"
    _check_figure(name)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; restore it with: git checkout -- data/results")
    stored = json.loads(path.read_text("utf-8"))
    wanted = FIGURES[name].of_seeds(len(stored["seeds"]))
    if len(stored["tasks"]) < len(wanted):
        raise ValueError(f"{path} holds {len(stored['tasks'])} of {len(wanted)} tasks; finish it "
                         f"with: {stored['command'].removesuffix(' --fresh')}")
    return [row for rows in stored["tasks"].values() for row in rows]


def _check_figure(name: str) -> None:
    if name not in FIGURES:
        raise ValueError(f"name is {name!r}; allowed is one of {', '.join(FIGURES)}")


def run_figure(name: str, seeds: int, out: Path = DATA, *, fresh: bool = False, jobs: int = 1,
               scheduler: str | None = None) -> Path:
    """Run what a figure's file does not hold yet; the file is whole after every task."""
    _check_figure(name)
    for argument, value in (("seeds", seeds), ("jobs", jobs)):
        if value < 1:
            raise ValueError(f"{argument} is {value}; allowed is 1 or more")
    path = out / "results" / f"{name}.json"
    command = f"course experiments {name} --seeds {seeds} --fresh"
    recipe = json.loads(json.dumps(FIGURES[name].recipe))  # as the file will give it back
    head = _circumstances(command, list(range(seeds)), 1) | {"recipe": recipe}
    results = Results(path, head, fresh=fresh)
    tasks = FIGURES[name].of_seeds(seeds)
    left = (task for task in tasks if not results.holds(task))  # looked up when its turn comes
    work = functools.partial(perform, name)
    with tqdm(total=len(tasks), desc=name, initial=sum(map(results.holds, tasks))) as bar:
        for task, rows, seconds in spread(work, left, jobs=jobs, scheduler=scheduler):
            results.add(task, rows, seconds)
            bar.update()
    return path


def perform(name: str, task: dict) -> tuple[dict, list[dict], float]:
    """Run one task of a figure on one thread; return the task, its rows, and its seconds."""
    started, before = time.perf_counter(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows = FIGURES[name].run(_mnist(), **task)
    finally:
        torch.set_num_threads(before)
    return task, rows, time.perf_counter() - started


_mnist = functools.cache(load_mnist)  # once a process


def _circumstances(command: str, seeds: list[int], threads: int) -> dict:
    return {"schema": SCHEMA, "command": command, "seeds": seeds, "torch": torch.__version__,
            "python": platform.python_version(), "machine": platform.machine(),
            "hardware": _processor(), "cores": os.cpu_count(), "threads": threads,
            "date": time.strftime("%Y-%m-%d")}


def _processor() -> str:
    listed = Path("/proc/cpuinfo")  # Linux; elsewhere what Python knows
    lines = listed.read_text().splitlines() if listed.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="course experiments",
                                     description="Make the files that lessons plot long runs from.")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write to (data)")
    what = parser.add_subparsers(dest="what", required=True)
    networks = what.add_parser("train", help="train the networks and store their checkpoints")
    networks.add_argument("--networks", nargs="+", choices=REFERENCES,
                          default=list(REFERENCES))
    networks.add_argument("--seed", type=int, default=0)
    for name, figure in FIGURES.items():
        summary = figure.run.__doc__.splitlines()[0]
        entry = what.add_parser(name, help=summary)
        entry.add_argument("--seeds", type=int, default=5)
        entry.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
        entry.add_argument("--backend", choices=("joblib", "dask"), default="joblib")
        entry.add_argument("--scheduler", help="address of a dask scheduler, tcp://...")
        entry.add_argument("--fresh", action="store_true", help="begin anew")
    asked = parser.parse_args(arguments)
    if asked.what != "train":
        if (asked.backend == "dask") != (asked.scheduler is not None):
            parser.error("--backend dask and --scheduler tcp://... go together")
        os.environ["TQDM_DISABLE"] = "1"  # for the bars of each training; the one over tasks stays
        print(run_figure(asked.what, asked.seeds, asked.out, fresh=asked.fresh, jobs=asked.jobs,
                         scheduler=asked.scheduler))
        return
    data = load_mnist()
    for name in asked.networks:
        record = train_network(name, asked.seed, data, asked.out)
        print(f"{name}: test accuracy {record['test_accuracy']:.4f}, {record['seconds']:.0f} s")
