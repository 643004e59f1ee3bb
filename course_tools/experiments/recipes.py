"""The recipes of the long runs: how networks are trained, pruned and retrained there.

Each long run takes its recipe as an argument, and its file stores it: a run that was cut off goes
on only under the same recipe.
"""

from collections.abc import Mapping

from course_lib.models import ARCHITECTURES, prunable_layers

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

# Lessons 02 and 04

UNSTRUCTURED = {
    "brief": BRIEF,
    "sparsities": (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
}
RACE = {
    "brief": {"epochs": 8, "lr": 3e-3, "l2": 0.05},  # for vgg_mini where several are trained
    "kept": (0.75, 0.5, 0.35, 0.25),  # of the filters of each layer
}

# Lesson 05

HAN = {
    "references": {  # how each is trained
        "lenet_300_100": {"epochs": 30, "lr": 2e-3, "l2": 0.5},
        "lenet_5": {"epochs": 15, "lr": 1e-3, "l2": 0.1},
        "alexnet_mini": {"epochs": 25, "lr": 2e-3, "l2": 0.1},
        "vgg_mini": {"epochs": 15, "lr": 3e-3, "l2": 0.05},
    },
    "retraining": {
        "lenet_300_100": {"epochs": 10, "lr": 2e-3, "l1": 2e-5},
        "lenet_5": {"epochs": 8, "lr": 1e-3, "l1": 1e-5},
        "alexnet_mini": {"epochs": 3, "lr": 1e-3, "l1": 1e-5},
        "vgg_mini": {"epochs": 3, "lr": 1e-3, "l1": 1e-5},
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


LENET_5 = of_network("lenet_5")
LENET_300_100 = BRIEFLY | {key: value for key, value in of_network("lenet_300_100").items()
                           if key != "reference"}

# Lesson 06

SWEEPS = {
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
    "shares": {  # of each layer
        "weight": (0.7, 0.85, 0.93, 0.97, 0.99),
        "neuron": (0.3, 0.5, 0.65, 0.8, 0.9),
        "filter": (0.15, 0.3, 0.45, 0.6, 0.7),
    },
    "losses": (0.002, 0.01, 0.04, 0.15, 0.5),  # that a layer pruned alone may cost
}
FLATTERY = {
    "brief": BRIEF,
    "shares": (0.5, 0.7, 0.8, 0.85, 0.88, *(round(0.9 + 0.01 * step, 2) for step in range(9))),
    "halves": 10,  # random halves of the test split
}
