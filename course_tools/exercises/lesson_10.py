"""Exercises of lesson 10, the capstone: a quiz, and two networks to be made."""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from course_lib.data import MNIST
from course_lib.masks import kept_units, unit_masks
from course_lib.removal import remove_units
from course_lib.training import train

from course_tools.capstone.levels import LEVELS, Level, Weighed, weigh
from course_tools.exercises.kinds import Project, Quiz


def satellite_2(model: nn.Sequential, data: MNIST) -> nn.Sequential:
    """Keep about a third of the filters, and retrain for longer, at a higher rate."""
    smaller = remove_units(model, kept_units(unit_masks(model, 0.65, "filter")))
    train(smaller, data.train, epochs=2, lr=5e-3)
    return smaller


def satellite_3(model: nn.Sequential, data: MNIST) -> nn.Sequential:
    """Leave out layers that give as many maps as they read, then filters; retrain."""
    left_out = ("2_2", "3_2", "3_3", "4_2", "4_3", "fc1", "relu5", "drop5")
    shallow = nn.Sequential(OrderedDict((name, part) for name, part in model.named_children()
                                        if not name.endswith(left_out)))
    shares = {"conv3_1": 0.5, "conv4_1": 0.625}
    small = remove_units(shallow, kept_units(unit_masks(shallow, shares, "filter")))
    train(small, data.train, epochs=4, lr=5e-3)
    return small


def weighed_on_test(answer: object) -> Weighed:
    """Weigh a learner's network on the test split; any other object raises ValueError."""
    if not isinstance(answer, nn.Module):
        wanted = " Call it: what it returns counts." if callable(answer) else ""
        given = repr(answer) if isinstance(answer, str | int) else f"a {type(answer).__name__}"
        raise ValueError(f"check takes the network itself, and was given {given}.{wanted}")
    return weigh(answer, "test")


def mistakes(level: Level) -> dict[str, Callable[[Weighed], bool]]:
    """Return a message for each mistake with the test that recognises it, in the order asked."""
    def large(weighed: Weighed) -> bool:
        return weighed.file_bytes > level.file_bytes

    def slow(weighed: Weighed) -> bool:
        return weighed.ratio > level.ratio

    return {
        "Many of its weights are zeros, and they take bytes and time like any other number "
        "(lesson 07). Take whole units out, with remove_units.":
            lambda weighed: weighed.zeros > 0.2 and large(weighed),
        "That is as large as the reference itself. Nothing has been taken out yet.":
            lambda weighed: weighed.file_bytes > 450_000,
        "It cannot read any more. What a removal breaks has to be mended: retrain it, with train.":
            lambda weighed: weighed.drop.value > 0.1,
        "The value of its drop lies within the bound, but not the whole interval. Train for "
        "longer, or give it a few more filters.":
            lambda weighed: weighed.drop.value <= level.drop_bound < weighed.drop.high and not (
                large(weighed) or slow(weighed)),
        "It has the right size, and loses too much. Train for longer, or at a higher rate, or with "
        "a teacher; or keep filters in other layers.":
            lambda weighed: weighed.drop.value > level.drop_bound and not (
                large(weighed) or slow(weighed)),
        "A small file is not a fast network. Time goes into large maps and into each call of a "
        "layer, weights or not (lesson 04): look at the macs of measure(model), and count layers.":
            lambda weighed: slow(weighed) and not large(weighed),
    }


EXERCISES = (
    Quiz(
        "10.1", "Masks on board", 1, 2,
        choices={"a": "the file, the latency and the drop", "b": "the file and the drop",
                 "c": "the drop alone"},
        answer="c",
        mistakes={
            "a": "Which ordinary library leaves a product with zero out? Think of lesson 07.",
            "b": "How long was the file of the network with 90 % zeros, in lesson 02?",
        },
        idea="what a zero costs, in a file and in a product",
        hints=("Ask of each budget: does a zero count less there than another number?",
               "In a file of float32 each number takes four bytes, whichever it is."),
        right="Zeros cost accuracy little, and save neither a byte nor a microsecond.",
        why="Our file holds every weight, and an ordinary library multiplies by every weight. Only "
            "the drop profits from a mask's free choice.",
    ),
    Project(
        "10.2", "Level 2", 2, 20,
        reference=satellite_2, weigh=weighed_on_test, budgets=LEVELS[2].budgets, met=LEVELS[2].met,
        mistakes=mistakes(LEVELS[2]),
        idea="the three lines below, and at what each of them would cost you in the other two",
        hints=("Which share of the filters fits into the file? What is left of the weights is "
               "about the square of it.",
               "One epoch at the usual rate does not mend that much. Give it more epochs and a "
               "higher lr, and compare on validation.",
               "Keep 35 % of the filters, and train for two epochs with lr=5e-3."),
        right="Half of level 1's bytes, and a smaller loss: retraining made the difference.",
        why="The file asks for about a third of the filters. With half of them level 1 lost about "
            "a point, so one epoch will hardly do for fewer. Two, at five times the rate, do.",
    ),
    Project(
        "10.3", "Level 3", 3, 30,
        reference=satellite_3, weigh=weighed_on_test, budgets=LEVELS[3].budgets, met=LEVELS[3].met,
        mistakes=mistakes(LEVELS[3]),
        idea="the three lines below, and at what each of them would cost you in the other two",
        hints=("Remove ever more filters from the reference, and its time stops falling: each of "
               "its 36 layers has to be called. What else could be taken out?",
               "A convolution that gives as many maps as it reads can be left out with its norm "
               "and ReLU, and all shapes still fit. So can fc1, which reads 64 numbers and gives "
               "64, with its ReLU and dropout. "
               "The named children that stay, in an OrderedDict, make a new nn.Sequential.",
               "Keep one convolution in each block, then 16 filters in the third and 24 in the "
               "fourth. Train for four epochs with lr=5e-3."),
        right="A reader in less than a tenth of the bytes: it flies.",
        why="At one image a time the calls of 36 layers cost more than their arithmetic, so whole "
            "layers go first: those that give as many maps as they read. Filters go until the file "
            "fits, and four epochs teach what is left to read again. In our trials a teacher "
            "reached no smaller drop in the same time.",
    ),
)
