"""Exercises of lesson 10, the capstone: a quiz, two networks to be made, and a control."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from course_lib.chains import build_chain, chain_config
from course_lib.data import MNIST
from course_lib.masks import kept_units, unit_masks
from course_lib.removal import remove_units
from course_lib.training import train

from course_tools.capstone.control import CONTROL, OPEN, YOURS, Beside, beside
from course_tools.capstone.levels import LEVELS, Finding, Level, Weighed, weigh
from course_tools.exercises.kinds import Project, Quiz


def satellite_2(model: nn.Sequential, data: MNIST) -> nn.Sequential:
    """Keep about a third of the filters, and retrain for longer, at a higher rate."""
    smaller = remove_units(model, kept_units(unit_masks(model, 0.65, "filter")))
    train(smaller, data.train, epochs=3, lr=5e-3)
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


def comparison(my_satellite_2: nn.Sequential, data: MNIST) -> tuple[Beside, str]:
    """Train the same layers from first weights, for as long and at the same rate; conclude."""
    torch.manual_seed(1)
    control = build_chain(chain_config(my_satellite_2))
    train(control, data.train, epochs=3, lr=5e-3)
    found = beside(my_satellite_2, control, epochs=3, control_epochs=3)
    if found.drop.low > 0:
        return found, "yours reads more"
    return found, "the control reads more" if found.drop.high < 0 else "not told apart"


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
        "The value of its drop lies within the bound, but not the whole interval: that is open. "
        "Train for longer, or give it a few more filters.":
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


# The control

CONCLUSIONS = (YOURS, CONTROL, OPEN)
INHERITED, READS = 0.3, 0.9  # a cosine, and a share of the test digits
ASKED = {"layers": "the control has the same layers, as wide as yours",
         "weights": "it began with first weights of its own",
         "training": f"it was trained for as many epochs, or more, and reads {READS:.0%} or more",
         "conclusion": "it is the one that the interval allows"}


@dataclass(frozen=True)
class Concluded:
    """Hold two networks side by side, and what a learner concludes."""

    found: Beside
    conclusion: str


def concluded(answer: object) -> Concluded:
    """Take a pair of what `beside` returned and a conclusion; else ValueError."""
    pair = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, None)
    if not isinstance(pair[0], Beside):
        raise ValueError(f"check takes a pair, what beside(...) returned and your conclusion, and "
                         f"was given: {type(answer).__name__}")
    if pair[1] not in CONCLUSIONS:
        raise ValueError(f"the conclusion is {str(pair[1])[:40]!r}; allowed is one of "
                         f"{', '.join(map(repr, CONCLUSIONS))}")
    return Concluded(*pair)


def findings(answer: Concluded) -> tuple[Finding, ...]:
    """Hold a comparison against what is asked, in words that are the same in every run."""
    found, alike = answer.found, answer.found.alike
    fits = {"layers": alike is not None, "weights": alike is None or alike < INHERITED,
            "training": found.control_epochs >= found.epochs and found.accuracy >= READS,
            "conclusion": answer.conclusion == found.conclusion}
    return tuple(Finding(name, "met" if fits[name] else "missed", told)
                 for name, told in ASKED.items())


def _missed(name: str) -> Callable[[Concluded], bool]:
    return lambda answer: any(finding.name == name and not finding.met
                              for finding in findings(answer))


EXERCISES = (
    Quiz(
        "10.1", "Masks on board", 1, 2,
        choices={"a": "the file, the latency and the drop", "b": "the file and the drop",
                 "c": "the drop alone", "d": "none of the three"},
        answer="d",
        mistakes={
            "a": "Which ordinary library leaves a product with zero out? Think of lesson 07.",
            "b": "How long was the file of the network with 90 % zeros, in lesson 02?",
            "c": "Untouched, the network has a drop of 0, which is within every bound. What would "
                 "a mask help it to meet?",
        },
        idea="what a zero costs, in a file and in a product, and what the drop is without it",
        hints=("Ask of the file and of the clock: does a zero count less there than another "
               "number?",
               "And the drop: how large is it before anything is pruned, and which way can a mask "
               "be expected to move it?"),
        right="Zeros save neither a byte nor a microsecond, and the drop was 0 without them.",
        why="Our file holds every weight, an ordinary library multiplies by every weight, and the "
            "reference has no drop that could be made smaller. A mask is a decision: it shows "
            "which weights a network can do without, for as long as they are only zeroed.",
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
               "Keep 35 % of the filters, and train for three epochs with lr=5e-3."),
        right="Less than half of level 1's bytes, within half of its bound. Now its control: 10.4.",
        why="The file asks for about a third of the filters. With half of them level 1 lost about "
            "a point, so a part of an epoch will hardly do for fewer. Three whole ones at a "
            "higher rate do. Whether the reference's filters deserve the merit is exercise 10.4.",
    ),
    Project(
        "10.3", "Level 3", 3, 25,
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
            "reached no smaller drop in the same time. Another way to fewer layers: a batch norm "
            "in eval mode multiplies and adds, and so does the convolution before it. Once all "
            "is trained the two can be folded into one, exactly, by "
            "torch.nn.utils.fusion.fuse_conv_bn_eval.",
    ),
    Project(
        "10.4", "Its control", 2, 12,
        reference=comparison, weigh=concluded, budgets=findings,
        met=tuple(str(Finding(name, "met", told)) for name, told in ASKED.items()),
        mistakes={
            "A control differs in one thing alone, where its weights come from. Build it from "
            "chain_config of your own network.": _missed("layers"),
            "The control's weights are still much like yours: it inherited them. build_chain gives "
            "first weights; a copy of yours does not.": _missed("weights"),
            "The control was trained for fewer epochs than yours, or hardly at all: that is no "
            "fair rival.": _missed("training"),
            "The whole interval lies on one side of zero, so they are told apart.":
                lambda answer: answer.conclusion == OPEN != answer.found.conclusion,
            "The interval holds zero. On these digits they are not told apart, whichever reads "
            "more.": lambda answer: answer.found.conclusion == OPEN != answer.conclusion,
            "That is the other way round: above zero, yours reads more.":
                lambda answer: answer.found.conclusion != answer.conclusion,
        },
        idea="which of the lines below is missed",
        hints=("build_chain(chain_config(network)) has the layers of a network and first weights. "
               "How long did yours train, and at which rate?",
               "Call torch.manual_seed first, so that you get the same control again. Train it as "
               "yours was retrained, then beside(...) says how the two stand.",
               "The pair is (beside(my_satellite_2, control, epochs=3, control_epochs=3), "
               "\"not told apart\"), with your epochs, and with the conclusion that your interval "
               "allows."),
        right="A result beside its control. Now write the three sentences.",
        why="Three sentences of ours, from one run. vgg_mini without 65 % of its filters, "
            "retrained for 3 epochs, read 0.06 [-0.17, 0.29] points more of the test digits than "
            "the same layers from first weights, trained for 3 epochs: they are not told apart. "
            "That is one network and one control, and the 15 epochs that vgg_mini itself had taken "
            "are not counted. We had looked at the test digits four times.",
    ),
)
