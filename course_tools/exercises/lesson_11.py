"""Exercises of lesson 11, how far."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def dropout_rate(rate: float, mask: Tensor) -> float:
    """Return the dropout rate for a layer of which the mask keeps so many connections."""
    return rate * float(mask.double().mean()) ** 0.5


def regrown_mask(mask: Tensor, weight: Tensor, threshold: float) -> Tensor:
    """Return the mask after one update: what is pruned may return, and a touch changes nothing."""
    size = weight.abs()
    returns = ~mask & (size >= 1.1 * threshold)
    stays = mask & (size >= 0.9 * threshold)
    return returns | stays


def effect(errors: dict[frozenset, Tensor], step: str) -> Tensor:
    """Return what a step changes, seed by seed: the mean over all pairs that differ in it alone."""
    pairs = [errors[steps | {step}] - errors[steps] for steps in errors if step not in steps]
    return torch.stack(pairs).mean(0)


def on_paths(first: Tensor, second: Tensor) -> int:
    """Return how many weights of two layers' masks lie on a path from an input to an output."""
    heard, hears = second.any(0), first.any(1)
    return int(first[heard].sum()) + int(second[:, hears].sum())


def _table(*values: list[float]) -> dict[frozenset, Tensor]:
    """Return an ablation of two steps: errors with none, with a, with b, with both."""
    keys = (frozenset(), frozenset("a"), frozenset("b"), frozenset("ab"))
    return {key: torch.tensor(each) for key, each in zip(keys, values, strict=True)}


def _with_and_without(errors: dict[frozenset, Tensor], step: str) -> tuple[Tensor, Tensor]:
    return tuple(torch.stack([errors[steps] for steps in errors if (step in steps) == there])
                 for there in (True, False))


def _thin(seed: int, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Return masks of two layers between so many inputs, neurons and outputs, with dead ends."""
    generator = torch.Generator().manual_seed(seed)
    inputs, hidden, outputs = shape
    first = torch.rand(hidden, inputs, generator=generator) < 0.5
    second = torch.rand(outputs, hidden, generator=generator) < 0.5
    first[1], second[:, 0] = False, False  # one neuron reads nothing, another is not read
    return first, second


EXERCISES = (
    Quiz(
        "11.1", "Nothing retrained", 1, 2,
        choices={"a": "trained under no penalty", "b": "trained under L1",
                 "c": "trained under L2", "d": "none of the three"},
        answer="b",
        mistakes={
            "a": "Nothing has made its weights small there, and all of them do some work.",
            "c": "L2 makes every weight smaller by the same share, and few come near zero.",
            "d": "One of them does: its training has already moved the work to a few weights.",
        },
        idea="which penalty leaves most weights near zero",
        hints=("A cut costs little where what is cut was near zero already.",
               "Which penalty pulls as hard at a small weight as at a large one?"),
        right="Its training has emptied the network, and the cut takes what was hardly there.",
        why="L1 pulls at a weight however small it is, so weights that training does not need "
            "arrive near zero. L2 pulls less the smaller a weight is.",
    ),
    Exercise(
        "11.2", "Less dropout", 1, 4,
        reference=dropout_rate,
        cases=lambda: [(0.5, torch.tensor([True, False, False, False])),
                       (0.4, torch.ones(2, 3).bool()), (0.3, torch.eye(5).bool())],
        mistakes={
            "The root is missing: the formula takes the square root of the share that is left.":
                lambda rate, mask: rate * float(mask.double().mean()),
            "That takes the share that went. C_r counts the connections that are left.":
                lambda rate, mask: rate * float((~mask).double().mean()) ** 0.5,
            "That divides by the root, so the rate grows. By the formula it shrinks.":
                lambda rate, mask: rate / float(mask.double().mean()) ** 0.5,
            "The root is drawn of the rate as well; only the share stands under it.":
                lambda rate, mask: (rate * float(mask.double().mean())) ** 0.5,
        },
        idea="the formula, D_r = D_o · √(C_r / C_o)",
        hints=("C_r / C_o is the density of the mask.",
               "mask.double().mean() is the density; ** 0.5 is the square root."),
        right="At a sparsity of 75 % half of the rate is left.",
        why="C_r / C_o is the density of the layer, and the rate shrinks with its root.",
    ),
    Exercise(
        "11.3", "They may return", 2, 5,
        reference=regrown_mask,
        cases=lambda: [
            (torch.tensor([True, True, False, False, True, False]),
             torch.tensor([0.95, -0.8, 1.05, -1.2, -1.05, 0.3]), 1.0),
            (torch.tensor([[True, False], [False, True]]),
             torch.tensor([[-0.19, 0.21], [0.3, 0.1]]), 0.2)],
        mistakes={
            "Nothing returns there: what is pruned stays pruned, whatever it has grown to.":
                lambda mask, weight, threshold: mask & (weight.abs() >= 0.9 * threshold),
            "There is no hysteresis: a weight at the threshold would come and go with each update.":
                lambda mask, weight, threshold: weight.abs() >= threshold,
            "The two factors are swapped: to return takes 1.1, to stay takes 0.9.":
                lambda mask, weight, threshold: (~mask & (weight.abs() >= 0.9 * threshold)) | (
                    mask & (weight.abs() >= 1.1 * threshold)),
            "Negative weights count by their magnitude too.":
                lambda mask, weight, threshold: (~mask & (weight >= 1.1 * threshold)) | (
                    mask & (weight >= 0.9 * threshold)),
            "That asks 1.1 of all, also of those that only have to stay.":
                lambda mask, weight, threshold: weight.abs() >= 1.1 * threshold,
            "That mask is True where a weight goes. True keeps.":
                lambda mask, weight, threshold: ~regrown_mask(mask, weight, threshold),
        },
        idea="two kinds of weights, each with its own threshold",
        hints=("What is pruned (~mask) has to reach 1.1 · threshold, what is there (mask) 0.9.",
               "Two masks joined by | : those that return, and those that stay."),
        right="Between 0.9 and 1.1 all stays as it was. That is `regrown`, for one layer.",
        why="A pruned weight has gone on learning, so it has a size. Whether it returns is asked "
            "of that size, and the gap between the two factors keeps it from flickering.",
    ),
    Exercise(
        "11.4", "What a step is worth", 2, 5,
        reference=effect,
        cases=lambda: [
            (_table([3.0, 3.2], [2.6, 2.0], [2.9, 3.3], [2.1, 2.6]), "a"),
            (_table([3.0, 3.2], [2.6, 2.0], [2.9, 3.3], [2.1, 2.6]), "b"),
            (_table([5.0, 4.0, 4.5], [4.5, 4.1, 4.0], [4.0, 4.0, 4.0], [4.4, 3.0, 3.9]), "a")],
        mistakes={
            "That is the step alone, beside nothing. It may be worth less, or more, where the "
            "others are there too: average over all pairs.":
                lambda errors, step: errors[frozenset({step})] - errors[frozenset()],
            "That only takes the step away from everything. Average over all pairs.":
                lambda errors, step: errors[frozenset("ab")] - errors[frozenset("ab") - {step}],
            "The sign is turned: with the step minus without it.":
                lambda errors, step: -effect(errors, step),
            "That is one number, the mean over the seeds. Keep one for each seed: their spread "
            "says how far to trust it.": lambda errors, step: effect(errors, step).mean(),
            "That is the sum over the pairs. Take their mean.":
                lambda errors, step: effect(errors, step) * (len(errors) // 2),
            "That is the mean with the step. Take away the mean without it.":
                lambda errors, step: _with_and_without(errors, step)[0].mean(0),
        },
        idea="the pairs of networks that differ in this step and in nothing else",
        hints=("For each set of steps without this one there is the same set with it: steps | "
               "{step}.",
               "Collect errors[steps | {step}] − errors[steps], one tensor for each pair, and take "
               "torch.stack(pairs).mean(0)."),
        right="Each pair differs in one thing, and each seed is its own control.",
        why="In a full table each step is there once with and once without it, all else equal. The "
            "mean over these pairs is called its main effect.",
    ),
    Quiz(
        "11.5", "What may be claimed?", 2, 3,
        choices={
            "a": "A teacher lowers the error of pruned networks.",
            "b": "At 50 times, trained as briefly as here and with the other two steps as they "
                 "are, these networks read so much more with a teacher than without.",
            "c": "With a teacher magnitude pruning is better than Variational Dropout.",
            "d": "The three steps' effects add up, so all three together are best at any level."},
        answer="b",
        mistakes={
            "a": "Of which networks, how far pruned, how long trained? The table has one level and "
                 "five networks of one kind.",
            "c": "Variational Dropout stands in no row of the table, and its networks had no "
                 "teacher: two things would differ.",
            "d": "Whether effects add up is seen in the table, not to be assumed, and it has one "
                 "level."},
        idea="what differed between the two networks that are compared, and what did not",
        hints=("Which of these sentences is about the rows of the table, and about no others?",
               "Look for the level, the number of networks, and the rival that was really run."),
        right="It names the level, the networks, and the one thing that differed.",
        why="An ablation tells the steps apart where it was made. A wider sentence needs other "
            "levels and networks; a rival needs a row of its own.",
    ),
    Exercise(
        "11.6", "Dead paths", 2, 5,
        reference=on_paths,
        cases=lambda: [_thin(3, (6, 5, 3)), _thin(7, (4, 4, 4)), _thin(12, (8, 6, 2))],
        mistakes={
            "That counts all weights of both masks, dead ends too.":
                lambda first, second: int(first.sum()) + int(second.sum()),
            "What a neuron reads is in vain if nobody reads the neuron: the first layer has dead "
            "ends too.": lambda first, second: int(first.sum()) + int(
                second[:, first.any(1)].sum()),
            "A neuron that reads nothing says nothing: the second layer has dead ends too.":
                lambda first, second: int(first[second.any(0)].sum()) + int(second.sum()),
            "That counts the dead ends, not what is left without them.":
                lambda first, second: int(first.sum()) + int(second.sum()) - on_paths(
                    first, second),
            "That counts neurons. Count the weights on the paths through them.":
                lambda first, second: int((second.any(0) & first.any(1)).sum()),
        },
        idea="a neuron between the layers needs both an input and a reader",
        hints=("first is (neurons × inputs), second is (outputs × neurons). Which neurons does "
               "some output read? second.any(0).",
               "Count first's rows of neurons that are read, and second's columns of neurons that "
               "read something."),
        right="Of two layers that is what `effective_weights` counts.",
        why="A weight counts where a signal can pass: from some input through a neuron that reads "
            "it to some output that reads the neuron.",
    ),
)
