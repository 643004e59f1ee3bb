"""Exercises of lesson 00, start here."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


def share_of_zeros(numbers: Tensor) -> Tensor:
    """Return the share of numbers that are exactly zero."""
    return (numbers == 0).float().mean()


def report(validation: Tensor, test: Tensor) -> list:
    """Choose the best candidate by validation; return which it is, and its accuracy on test."""
    chosen = int(validation.argmax())
    return [chosen, float(test[chosen])]


EXERCISES = (
    Quiz(
        "0.1", "Misread digits", 1, 1,
        choices={"a": "about 10", "b": "about 150", "c": "about 1,000", "d": "about 5,000"},
        answer="b",
        mistakes={
            "a": "That would be one in a thousand. Some of these digits are written very badly; "
                 "this network is good, but not as good as that.",
            "c": "That would be one in ten, as many as a network that has learned only roughly.",
            "d": "Guessing blindly would misread about 9,000. This one has been trained: think of "
                 "a far better reader.",
        },
        idea="what one mistake in a hundred would be",
        hints=("What share would you misread? Multiply it by 10,000.",
               "It misreads between one and two in a hundred."),
        right="Between one and two in a hundred. The next cell counts them.",
        why="The accuracy measured below is between 98 and 99 %; what is missing to 100 % is read "
            "wrong.",
    ),
    Exercise(
        "0.2", "Share of zeros", 1, 2,
        reference=share_of_zeros,
        cases=lambda: [(torch.tensor([0.0, 2.0, 0.0, 5.0, 0.0]),), (torch.tensor([1.0, -1.0]),),
                       (torch.tensor([[-3.0, 0.0], [4.0, 0.001]]),)],
        mistakes={
            "That is the share of numbers that are not zero: turn the question round.":
                lambda numbers: (numbers != 0).float().mean(),
            "That is how many zeros there are: a share divides by how many numbers there are.":
                lambda numbers: (numbers == 0).sum(),
            "That counts negative numbers as well. Only 0 itself is asked for: ==, not <=.":
                lambda numbers: (numbers <= 0).float().mean(),
            "That divides the zeros by the other numbers; a share divides by all of them.":
                lambda numbers: (numbers == 0).sum() / (numbers != 0).sum(),
        },
        idea="what share means: how many of all",
        hints=("numbers == 0 gives True or False for each number.",
               "True counts as 1 and False as 0 once you turn them into numbers, with .float().",
               "Take the mean of (numbers == 0).float()."),
        right="You will see this share again as sparsity.",
        why="A comparison gives True or False for each number; as numbers these are 1 and 0, and "
            "their mean is the share of True.",
    ),
    Quiz(
        "0.3", "Share of the whole network", 1, 2,
        answer=43.7,
        tolerance=0.4,
        mistakes={
            49.5: "That is the share of fc1. Here all weights are asked for: the other two layers "
                  "have kept theirs.",
            56.3: "That is the share that is left: turn the question round.",
            0.437: "As a share that is right. The answer is asked for in per cent.",
            16.5: "That is a third of fc1's share, as if the three layers were equally large. "
                  "Count the weights of each.",
        },
        idea="how many weights the drawing has in all, and how many of them are zero",
        hints=("The drawing says how many weights each of the three layers has.",
               "The zeros were counted after the slider; all weights are 235,200 + 30,000 + "
               "1,000.",
               "Divide the zeros by 266,200, and multiply by 100."),
        right="Nearly 44 %: fc1 has most of the weights, so it is most of the network.",
        why="116,437 of 266,200 weights are zero, 43.7 %. fc1 alone holds 88 % of all weights.",
    ),
    Quiz(
        "0.4", "Which control", 2, 2,
        choices={
            "a": "1,500 images, 4 epochs, from other seeds",
            "b": "1,000 images, 6 epochs",
            "c": "1,000 images, 4 epochs, a network with more units",
            "d": "2,000 images, 4 epochs",
        },
        answer="b",
        mistakes={
            "a": "That repeats the second training. It shows how much is chance, but not which of "
                 "the two changes, images or steps, brought the gain.",
            "c": "That changes a third thing, and leaves the first two as entangled as they were.",
            "d": "That changes images and steps together once more, so it cannot tell them apart.",
        },
        idea="what differs between the two trainings beside the images: count the steps of each",
        hints=("A step is made after every 128 images: how many steps does each training make?",
               "4 epochs of 1,500 images are 6,000 images seen, 4 epochs of 1,000 only 4,000."),
        right="As many steps, and only the images differ. The next cell trains it.",
        why="A control gets everything that the method gets but the one thing in question. 6 "
            "epochs of 1,000 images make as many steps as 4 epochs of 1,500, so what is still "
            "gained is gained by the images.",
    ),
    Quiz(
        "0.5", "The ninth seed", 2, 2,
        choices={
            "a": "It gains between 0.1 and 0.9 points, with a probability of 95 %",
            "b": "It gains, since the whole interval lies above zero",
            "c": "It is more likely to gain than to lose, and may well lose",
            "d": "Nothing at all, since seeds are chance",
        },
        answer="c",
        mistakes={
            "a": "That would be an interval of single seeds. This one is an interval of their "
                 "mean; single seeds lie further apart.",
            "b": "The interval says so of the mean. Look at the figure: marks of single seeds lie "
                 "on both sides of their mean, some of them outside its interval.",
            "d": "Chance has an average too, and that one is above zero if the interval is right.",
        },
        idea="whose interval it is: that of the mean",
        hints=("Is it an interval of single seeds, or of their mean?",
               "With eight seeds the interval reaches 0.84 times as far as the seeds scatter. How "
               "far is zero from 0.5 on that scale?"),
        right="The interval is about the mean. A single seed is one throw of the dice.",
        why="The interval reaches 0.4 points to each side, so single seeds scatter by about 0.48 "
            "points (their standard deviation) around 0.5. Zero is about one standard deviation "
            "away: around one seed in seven loses.",
    ),
    Exercise(
        "0.6", "Choose, then report", 2, 5,
        reference=report,
        cases=lambda: [
            (torch.tensor([0.970, 0.985, 0.960]), torch.tensor([0.972, 0.979, 0.991])),
            (torch.tensor([0.90, 0.91, 0.93, 0.92]), torch.tensor([0.95, 0.90, 0.92, 0.91])),
            (torch.tensor([0.5, 0.4]), torch.tensor([0.4, 0.6])),
        ],
        mistakes={
            "That chooses by the test images, and then reports on them: like the best of a hundred "
            "guessers, it reports luck.":
                lambda validation, test: [int(test.argmax()), float(test.max())],
            "That reports the accuracy on the images it chose by, which the choice has flattered.":
                lambda validation, test: [int(validation.argmax()), float(validation.max())],
            "The choice is right, but the accuracy is that of another candidate: report the one "
            "that was chosen.":
                lambda validation, test: [int(validation.argmax()), float(test.max())],
            "The test images had a say in that choice. Validation alone chooses.":
                lambda validation, test: [int((validation + test).argmax()),
                                          float(test[(validation + test).argmax()])],
        },
        idea="which of the two parts chooses, and which one has the last word",
        hints=("Two things are returned: which candidate is chosen, and the accuracy to report.",
               "validation.argmax() is the place of the largest number.",
               "Report test at that place, also where another candidate does better there."),
        right="Validation chooses, test has the last word, and is asked about one candidate only.",
        why="By the validation images one of many was chosen, so there its accuracy is flattered. "
            "The test images had no part in the choice; on them it is an honest figure.",
    ),
)
