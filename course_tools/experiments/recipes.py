"""The recipes of the long runs: how networks are trained, pruned and retrained there.

Each long run takes its recipe as an argument, and its file stores it: a run that was cut off goes
on only under the same recipe.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from course_lib.data import MNIST
from course_lib.models import ARCHITECTURES, prunable_layers
from course_lib.scores import unit_layers

BRIEF = {"epochs": 10, "lr": 2e-3, "l2": 0.5}  # for LeNet-300-100 where many are trained
BRIEFLY = {"brief": BRIEF}

# Lesson 01

BLIND = 0.2  # the share of weights that is zeroed at random
PERCEPTRONS = BRIEFLY | {"blind": BLIND}
REDUNDANCY = {
    "networks": {"trained": BRIEF | {"l2": 0.0}, "with decay": BRIEF,
                 "longer, with decay": BRIEF | {"epochs": 30}},  # the last as the shipped network
    "blind": BLIND,
    "rank": 40,  # directions that are kept of the first layer: chosen on the shipped network
}

# Lessons 02 to 04

UNSTRUCTURED = {
    "brief": BRIEF,
    "sparsities": (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
}
TUNING = 99  # the seed of the networks that choose learning rates, and are reported nowhere
BUDGETS = {
    "brief": BRIEF,
    "sparsities": (0.0, 0.8, 0.9, 0.95, 0.98),
    "retraining": {"epochs": 1},
    "list": (2e-3, 1e-2, 2e-2, 5e-2),
    "rates": {  # by sparsity the best of the list on validation, by budget and choice
        "0.0": {"none none": 0.002},
        "0.8": {"uniform magnitude": 0.002, "uniform random": 0.02, "global magnitude": 0.02,
            "global random": 0.01},
        "0.9": {"uniform magnitude": 0.02, "uniform random": 0.02, "global magnitude": 0.01,
            "global random": 0.02},
        "0.95": {"uniform magnitude": 0.02, "uniform random": 0.05, "global magnitude": 0.02,
            "global random": 0.05},
        "0.98": {"uniform magnitude": 0.05, "uniform random": 0.02, "global magnitude": 0.05,
            "global random": 0.05},
    },
}
CONTEST = {
    "brief": BRIEF,
    "images": 5_000,  # of the training split, for scores and means
    "removed": (25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 270, 290),  # of 300 neurons
    "constants": ("zero", "mean"),
    "retrained": (150, 225, 270),
    "retraining": {"epochs": 1},
    "list": (1e-3, 3e-3, 1e-2, 3e-2),
    "rates": {  # by decay and count the best of the list on validation, for each score
        "0.0": {
            "0": {"none": 0.01},
            "150": {"L1 norm": 0.001, "mean activation": 0.001, "1 − APoZ": 0.003, "Taylor": 0.003,
                "oracle": 0.003, "random": 0.01},
            "225": {"L1 norm": 0.01, "mean activation": 0.01, "1 − APoZ": 0.01, "Taylor": 0.003,
                "oracle": 0.003, "random": 0.01},
            "270": {"L1 norm": 0.01, "mean activation": 0.01, "1 − APoZ": 0.01, "Taylor": 0.003,
                "oracle": 0.003, "random": 0.01},
        },
        "0.5": {
            "0": {"none": 0.001},
            "150": {"L1 norm": 0.003, "mean activation": 0.01, "1 − APoZ": 0.003, "Taylor": 0.001,
                "oracle": 0.003, "random": 0.003},
            "225": {"L1 norm": 0.003, "mean activation": 0.01, "1 − APoZ": 0.01, "Taylor": 0.003,
                "oracle": 0.003, "random": 0.01},
            "270": {"L1 norm": 0.01, "mean activation": 0.01, "1 − APoZ": 0.01, "Taylor": 0.01,
                "oracle": 0.01, "random": 0.01},
        },
    },
}
FILTER_RACE = {
    "images": 12_000,  # of the training split, so that eight seeds take half an hour
    "brief": {"epochs": 3, "lr": 3e-3, "l2": 0.05, "batch_size": 64},
    "retraining": {"epochs": 1},  # with the decay and batches of "brief"
    "computed": (0.5,),  # where the small network also trains for as much compute
    "list": (1e-3, 3e-3, 1e-2, 3e-2),
    "tuned": (1.0, 0.5, 0.25),
    "rates": {  # by the share of filters kept the best of the list on validation, for each runner
        "1.0": {"whole network": 0.001},
        "0.5": {"filters by L1": 0.003, "channels by L1": 0.01, "random filters": 0.003,
                "columns by L1": 0.003, "single weights": 0.001,
                "small from scratch, as many epochs": 0.003},
        "0.25": {"filters by L1": 0.003, "channels by L1": 0.003, "random filters": 0.003,
                 "columns by L1": 0.01, "single weights": 0.003,
                 "small from scratch, as many epochs": 0.003},
    },
    "kept": {  # the shares of the race, and at which share the rates of each were chosen
        "1.0": "1.0", "0.75": "0.5", "0.5": "0.5", "0.35": "0.25", "0.25": "0.25"},
    "stale": (0.9, 0.75, 0.5, 0.25),
    "scanned": (0.5, 0.25),
}

# Lesson 05

HAN = {
    "compression": 12.0,  # at which all networks are compared
    "one schedule": ("lenet_300_100",),  # also trained as long without restarts
    "images": {"alexnet_mini": 20_000, "vgg_mini": 20_000},  # of the training split; else all
    "references": {  # how each is trained
        "lenet_300_100": {"epochs": 30, "lr": 2e-3, "l2": 0.5},
        "lenet_5": {"epochs": 15, "lr": 1e-3, "l2": 0.1},
        "alexnet_mini": {"epochs": 25, "lr": 2e-3, "l2": 0.1},
        "vgg_mini": {"epochs": 15, "lr": 3e-3, "l2": 0.05},
    },
    "retraining": {
        "lenet_300_100": {"epochs": 10, "lr": 2e-3, "l1": 2e-5},
        "lenet_5": {"epochs": 8, "lr": 1e-3, "l1": 1e-5},
        "alexnet_mini": {"epochs": 4, "lr": 1e-3, "l1": 1e-5},
        "vgg_mini": {"epochs": 4, "lr": 1e-3, "l1": 1e-5},
    },
    "qualities": {
        "lenet_300_100": (1.0, 0.5, 0.5, 0.6, 0.6, 0.6, 0.7),
        "lenet_5": (1.2, 0.85, 0.7, 0.7),
        "alexnet_mini": (1.2, 0.7, 0.6, 0.6, 0.6),
        "vgg_mini": (1.0, 0.9, 0.9, 0.8, 0.8),
    },
    "gentle": {  # the layers that get a share of the quality, as the sensitivity scan has it
        "lenet_300_100": {"fc3": 0.6},
        "lenet_5": {"conv1": 0.3, "fc2": 0.7},
        "alexnet_mini": {"conv1": 0.4, "fc8": 0.4},
        "vgg_mini": {"conv1_1": 0.4, "fc2": 0.4},
    },
}
SHIPPED = HAN["references"] | {"resnet_mini": {"epochs": 12, "lr": 3e-3, "l2": 0.05}}
GRADUAL = {  # epochs that the sparsity rises and then rests, up to the first target and beyond
    "lenet_300_100": {"targets": (0.98, 0.985, 0.9875, 0.99, 0.9925), "first": (30, 15),
                      "next": (5, 15), "lr": 2e-3, "l1": 1e-5},
    "lenet_5": {"targets": (0.98, 0.99, 0.994, 0.996), "first": (8, 4), "next": (3, 6),
                "lr": 2e-3, "l1": 5e-6},
}
NORMS = {
    "norms": {"none": {}, "L1": {"l1": 5e-5}, "L2": {"l2": 0.5}},
    "sparsities": (0.5, 0.8, 0.9, 0.95, 0.98),
}

# Lesson 07

FOURS = {
    "brief": BRIEF,
    "retraining": {"epochs": 1},
    "list": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "tuned": (4, 2, 1),
    "kept": (4, 2, 1),  # of each four weights
    "rates": {  # by how many of four are kept the best of the list on validation, for each runner
        "4": {"whole network": 0.0003},
        "2": {"any": 0.0003, "of each four": 0.003, "of each four, at random": 0.003},
        "1": {"any": 0.01, "of each four": 0.01, "of each four, at random": 0.03},
    },
}

# Lesson 11

TEACHER = ("lenet_5", "alexnet_mini", "vgg_mini", "resnet_mini")  # shipped; their mean output
REGROWTH = {
    "images": 12_000,  # of the training split, so that six ways from five seeds take minutes
    "reference": {"epochs": 8, "lr": 2e-3, "l2": 0.5},
    "teacher": TEACHER,
    "times": 50,
    "epochs": 12, "rising": 7, "every": 50, "lr": 2e-3,  # the latter under frozen masks
    "list": (2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 3e-4, 1e-4),  # while the sparsity rises
    "rates": {  # of the list the best on validation, on average of three networks
        "at once": 1e-2, "at once, teacher": 1e-2, "long": 2e-3, "long, teacher": 2e-3,
        "long, regrowth": 3e-4, "long, regrowth, teacher": 3e-4},
}
RECORDS = {  # by the way that read validation best when REGROWTH's rates were chosen
    "teacher": TEACHER,
    "way": {"schedule": "long", "regrowth": False},
    "lenet_300_100": {
        "times": 80, "reference": BRIEF, "epochs": 75, "rising": 45, "every": 100, "lr": 2e-3,
        "tuning": {"epochs": 40, "rising": 20},
        "list": {"lr": (2e-3, 4e-3, 8e-3), "l1": (1e-5, 3e-5, 1e-4)},
        "rates": {"lr": 4e-3, "l1": 3e-5}},  # of the list the best on validation
    "lenet_5": {
        "times": 108, "reference": {"epochs": 5, "lr": 1e-3, "l2": 0.1}, "epochs": 40,
        "rising": 24, "every": 100, "lr": 2e-3,
        "tuning": {"epochs": 12, "rising": 6},
        "list": {"lr": (1e-3, 2e-3, 4e-3), "l1": (0.0, 5e-6, 2e-5)},
        "rates": {"lr": 2e-3, "l1": 5e-6}},
}
PENALTIES = {
    "images": 12_000,
    "epochs": 5,
    "retraining": 2,  # epochs
    "sparsity": 0.95,
    "optimizers": {
        "adamw": {"lr": 2e-3, "l1": (5e-6, 2e-5, 8e-5), "l2": (0.1, 0.5, 2.5)},
        "sgd": {"lr": 5e-2, "l1": (5e-6, 2e-5, 8e-5), "l2": (2e-4, 1e-3, 5e-3)},
    },
}

# Lesson 12

RETRAINED = {"magnitude": "global magnitude", "random, magnitude's budgets": "global random"}
SURGERY = {
    "brief": BRIEF,
    "sparsities": (0.8, 0.9, 0.95, 0.98),
    "images": 4_000,  # of the training split; only the Fisher takes their labels
    "refitted": ("magnitude", "magnitude, same share", "random, magnitude's budgets",
                 "random, same share", "Fisher", "Wanda by row",
                 "Wanda over all", "Wanda by row, magnitude's budgets"),
    "retraining": {"epochs": 1},
    "rates": {share: {mask: BUDGETS["rates"][share][way] for mask, way in RETRAINED.items()}
              for share in ("0.8", "0.9", "0.95", "0.98")},  # as lesson 02 found them
}
CALIBRATION = {
    "brief": BRIEF,
    "sparsity": 0.9,
    "counts": (4_000, 400, 40),
    "dampings": (0.01, 0.1),
}
SURGERY_CONVOLUTIONS = {
    "trained": FILTER_RACE["images"],
    "brief": FILTER_RACE["brief"],
    "sparsities": (0.5, 0.7, 0.8, 0.9, 0.95),
    "images": 1_000,
}


def first_images(data: MNIST, images: int | None) -> MNIST:
    """Return the data with so many images of the training split, the first ones; None: all."""
    return dataclasses.replace(data, train=data.train[:images])


def without_rates(recipe: Mapping) -> dict:
    """Return what of a recipe the choice of its learning rates depends on."""
    return {key: value for key, value in recipe.items() if key not in ("rates", "kept")}


def best_rates(rows: Sequence[dict]) -> dict[float, dict[str, float]]:
    """Return, {at: {runner: rate}}, the learning rate that reads validation best in these rows.

    Of equal ones the first.
    """
    best: dict[float, dict[str, dict]] = {}
    for row in rows:
        leader = best.setdefault(row["at"], {}).setdefault(row["runner"], row)
        if row["after"] > leader["after"]:
            best[row["at"]][row["runner"]] = row
    return {at: {runner: row["lr"] for runner, row in runners.items()}
            for at, runners in best.items()}


def of_network(network: str, recipe: Mapping = HAN) -> dict:
    """Return what a recipe for several networks says of one: reference, retraining, qualities."""
    return {"reference": recipe["references"][network]} | {
        key: recipe[key][network] for key in ("retraining", "qualities", "gentle")}


def qualities(network: str, recipe: Mapping | None = None) -> list[dict[str, float]]:
    """Return the quality of each layer in each round, by a recipe of this network."""
    recipe = recipe or of_network(network)
    return [{name: quality * recipe["gentle"].get(name, 1.0)
             for name in prunable_layers(ARCHITECTURES[network]())}
            for quality in recipe["qualities"]]


def granularities(network: str) -> list[str]:
    """Return what can be pruned: single weights, hidden neurons, and filters where there are any.

    >>> granularities("lenet_300_100"), granularities("lenet_5")
    (['weight', 'neuron'], ['weight', 'neuron', 'filter'])
    """
    model = ARCHITECTURES[network]()
    return ["weight", *(kind for kind in ("neuron", "filter") if unit_layers(model, kind))]


LENET_5 = of_network("lenet_5")
LENET_300_100 = BRIEFLY | {key: value for key, value in of_network("lenet_300_100").items()
                           if key != "reference"}
CONTROLS = LENET_300_100 | {"dense": {"pool": True, "wide": {"fc2": 1.5}}}
DROPOUT = of_network("lenet_300_100") | {
    "rate": 0.5, "reference": {"epochs": 20, "lr": 2e-3}, "retraining": {"epochs": 5, "lr": 1e-3}}
DENSE = {
    "compression": HAN["compression"],
    "epochs": {  # as many as the pruned network had in all, or one round more
        "lenet_300_100": 50, "lenet_5": 31, "alexnet_mini": 41, "vgg_mini": 31},
    "images": HAN["images"],
    "shapes": {
        "lenet_300_100": {
            "alike": {}, "second as wide": {"wide": {"fc2": 3.0}}, "pooled": {"pool": True},
            "pooled, second wide": {"pool": True, "wide": {"fc2": 1.5}}, "low rank": {}},
        "lenet_5": {
            "alike": {}, "convolutions wide": {"wide": {"conv1": 2.0, "conv2": 2.0}},
            "convolutions whole": {"wide": {"conv1": 99.0, "conv2": 99.0}}},
        "alexnet_mini": {
            "alike": {}, "convolutions wide": {"wide": dict.fromkeys(
                ("conv1", "conv2", "conv3", "conv4", "conv5"), 2.0)}},
        "vgg_mini": {
            "alike": {}, "early wide": {"wide": dict.fromkeys(
                ("conv1_1", "conv2_1", "conv2_2"), 2.0)}},
    },
    "list": (1e-3, 3e-3),
    "rates": {},
}

# Lesson 06

SWEEPS = {
    "images": {  # of the training split, so that eight seeds take hours and not a day; else all
        "alexnet_mini": 20_000, "vgg_mini": 20_000, "lenet_5": 20_000},
    "references": {  # how the unpruned networks are trained
        "alexnet_mini": {"epochs": 10, "lr": 2e-3, "l2": 0.1},
        "vgg_mini": {"epochs": 8, "lr": 3e-3, "l2": 0.05},
        "lenet_5": {"epochs": 8, "lr": 1e-3, "l2": 0.1},
        "lenet_300_100": {"epochs": 15, "lr": 2e-3, "l2": 0.5},
    },
    "retraining": {  # after each step of a sweep
        "alexnet_mini": {"epochs": 1, "lr": 1e-3, "l2": 0.1},
        "vgg_mini": {"epochs": 1, "lr": 1e-3, "l2": 0.05},
        "lenet_5": {"epochs": 1, "lr": 1e-3, "l2": 0.1},
        "lenet_300_100": {"epochs": 2, "lr": 2e-3, "l2": 0.5},
    },
    "shares": {  # of each layer, until the network breaks
        "weight": (0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 0.99, 0.995),
        "neuron": (0.3, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98),
        "filter": (0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9),
    },
    "losses": (0.0005, 0.002, 0.01, 0.04, 0.15, 0.5, 0.8),  # that a layer pruned alone may cost
}
FLATTERY = {
    "brief": BRIEF,
    "shares": (0.5, 0.7, 0.8, 0.85, 0.88, *(round(0.9 + 0.01 * step, 2) for step in range(9))),
    "halves": 10,  # random halves of the test split
}

# Lesson 13

CHAR_GPT = {"steps": 3_000, "lr": 2e-3}
LANGUAGE = {
    "trained": CHAR_GPT,
    "sparsities": (0.5, 0.6, 0.7, 0.8),
    "pieces": 32,  # of 128 characters of the training plays, for all that looks at inputs
    "every": 4,  # chunk of the test plays that is read, one of so many
    "crossed": 0.6,  # the sparsity at which budgets are crossed, kind by kind and block by block
    "neurons": (0.25, 0.5, 0.75),  # shares of each block's inner neurons that go
    "heads": (2, 4, 6, 8),  # how many of the 16 go together
    "half": {"heads": 2, "inner": 256},  # the shape of the removed half, and of the small model
    "steps": 200,  # of retraining
}
LANGUAGE_RETRAINING = {
    **{key: LANGUAGE[key] for key in ("trained", "pieces", "every", "crossed", "steps")},
    "list": (2e-4, 5e-4, 1e-3, 2e-3, 4e-3),
    "rates": {"whole": 2e-4, "magnitude global": 1e-3, "half removed": 1e-3},
}
