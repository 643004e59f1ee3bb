"""`course experiments`: what takes more than a lesson's minute, one function a figure.

    course experiments train          # data/checkpoints, data/results/train_*.json
    course experiments redundancy     # data/results/redundancy.json
    course experiments widths         # data/results/widths.json
    course experiments unstructured   # data/results/unstructured.json
    course experiments budget_rates   # data/results/budget_rates.json, on a network of its own
    course experiments budgets        # data/results/budgets.json, at the rates that this found best
    course experiments contest_rates  # data/results/contest_rates.json, on a network of its own
    course experiments neuron_contest # data/results/neuron_contest.json, at those rates
    course experiments fours_rates    # data/results/fours_rates.json, on a network of its own
    course experiments two_of_four    # data/results/two_of_four.json, at those rates
    course experiments han --jobs 2   # data/results/han.json; so for the others too
    course experiments regrowth_rates # data/results/regrowth_rates.json, on a network of its own
    course experiments regrowth       # schedule, regrowth, teacher, each taken away in turn
    course experiments penalties      # L1 and L2 at three strengths under two optimizers
    course experiments records_rates  # rates and penalties, on a network of its own
    course experiments records        # as far as published records go
    course experiments surgery        # data/results/surgery.json, nothing retrained
    course experiments calibration_images    # how many images that takes
    course experiments surgery_convolutions  # the same on vgg_mini
    course experiments language       # data/results/language.json, Shakespeare pruned
    course experiments language_rates        # on a network of its own
    course experiments language_retraining   # retrained at those rates
    course experiments writers --labels FOLDER    # who wrote the digits, see writers.py

A figure's file grows by every task that ends, so a run that was cut off goes on where it stopped.
Each task runs on one thread, so that the numbers do not depend on how many run at a time: --jobs
spreads them over processes, --backend dask --scheduler tcp://... over the workers of a cluster.
--fresh begins anew; --out writes to another folder.
"""

import argparse
import os
from pathlib import Path

from course_lib._files import DATA
from course_lib.data import load_mnist

from course_tools.experiments.figures import FIGURES, run_figure
from course_tools.experiments.networks import train_char_gpt, train_network
from course_tools.experiments.recipes import SHIPPED


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.what != "train":
        if (options.backend == "dask") != (options.scheduler is not None):
            parser.error("--backend dask and --scheduler tcp://... go together")
        os.environ["TQDM_DISABLE"] = "1"  # for the bars of each training; the one over tasks stays
        print(run_figure(options.what, options.seeds, options.out, fresh=options.fresh,
                         jobs=options.jobs, scheduler=options.scheduler,
                         labels=getattr(options, "labels", None), only=options.only))
        return
    data = load_mnist()
    for name in options.networks:
        record = (train_char_gpt(options.seed, options.out) if name == "char_gpt"
                  else train_network(name, options.seed, data, options.out))
        print(f"{name}:", *(f"{key} {value:.4f}" for key, value in record.items()
                              if key.startswith("test_")), f"{record['seconds']:.0f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course experiments",
                                     description="Make the files that lessons plot long runs from.")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to write to (data)")
    what = parser.add_subparsers(dest="what", required=True)
    networks = what.add_parser("train", help="train the networks and store their checkpoints")
    networks.add_argument("--networks", nargs="+", choices=[*SHIPPED, "char_gpt"],
                          default=[*SHIPPED, "char_gpt"])
    networks.add_argument("--seed", type=int, default=0)
    for name, figure in FIGURES.items():
        entry = what.add_parser(name, help=figure.run.__doc__.splitlines()[0])
        entry.add_argument("--seeds", type=int, default=5)
        entry.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
        entry.add_argument("--backend", choices=("joblib", "dask"), default="joblib")
        entry.add_argument("--scheduler", help="address of a dask scheduler, tcp://...")
        entry.add_argument("--only", default="", help="only tasks with this argument: lenet_5")
        entry.add_argument("--fresh", action="store_true", help="begin anew")
        if figure.labels:
            entry.add_argument("--labels", type=Path, required=True,
                               help="folder with the label files of QMNIST")
    return parser


if __name__ == "__main__":
    main()
