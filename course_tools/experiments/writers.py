"""Who wrote the digits, and what pruning costs on whose.

The writer of every MNIST digit has been known since Yadav and Bottou 2019, *Cold Case: The Lost
MNIST Digits*. Their label files are not part of the course: `qmnist-train-labels.tsv.gz` and
`qmnist-test-labels.tsv.gz` (unpacked or not) come from github.com/facebookresearch/qmnist. What is
stored of them here is counts of groups. The networks are those of `flattery`, whose file says which
images each of them reads wrong: nothing is trained.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.data import MNIST
from course_lib.intervals import drop_between

from course_tools.experiments.images import right_images
from course_tools.experiments.recipes import FLATTERY
from course_tools.experiments.results import load_results
from course_tools.experiments.two_levels import image_variance

KINDS = ("students", "employees")
STUDENTS = 4  # the NIST series that high-school students wrote; employees wrote the others
DIGIT, SERIES, WRITER = range(3)  # columns of a label file


@dataclass(frozen=True)
class Hands:
    """Hold for each image of a split who wrote it, each of shape (images,).

    `writer` is int64, the others are bool: whether a student, and whether someone who wrote
    training digits too.
    """

    writer: Tensor
    student: Tensor
    seen: Tensor

    def groups(self) -> dict[str, Tensor]:
        """Return which images are in each group that has any, bool (images,).

        Their names say who wrote them, and whether such a person wrote training digits too:
        "students, seen", "students, unseen", "employees, seen", "employees, unseen".
        """
        found = {f"{who}, {where}": one & other
                 for who, one in zip(KINDS, (self.student, ~self.student), strict=True)
                 for where, other in (("seen", self.seen), ("unseen", ~self.seen))}
        return {name: group for name, group in found.items() if group.any()}


def writers(data: MNIST, *, seed: int, labels: Path, recipe: Mapping = FLATTERY) -> list[dict]:
    """Break the drops of `flattery`'s networks down by who wrote the digits.

    A row for each network. "groups": of both splits and each group the images, how many the network
    reads wrong, the drop's [lost, gained], and the "image_variance" that other images would add to
    the mean drop of all networks of this strength, None where there are fewer than two networks or
    images. "post_stratified" is the validation drop if half of its digits were by students, as in
    test; "by_mix" what the test groups' drops would be in validation's mix.
    "clustered": how many times wider an interval is that takes whole writers, not images, to be
    drawn at random; of the network's error, and of its drop.
    """
    hands = read_hands(data, labels)
    networks = sorted(load_results("flattery"), key=itemgetter("seed"))
    place = sorted({row["seed"] for row in networks}).index(seed)
    return [_row(network, hands, place, {
        split: [right_images([row for row in networks if row["strength"] == strength], split)
                for strength in (0.0, network["strength"])] for split in hands})
            for network in networks if network["seed"] == seed]


def _row(network: Mapping, hands: Mapping[str, Hands], place: int,
         right: Mapping[str, list[Tensor]]) -> dict:
    """Return the row of the network at this place of all; `right` has (seeds, images) twice."""
    groups = {split: {name: _of_group(right[split], group, place)
                      for name, group in hands[split].groups().items()} for split in hands}
    kept = ("seed", "strength", "nonzero", "bytes", "validation", "test")
    return {key: network[key] for key in kept} | {
        "groups": groups,
        "post_stratified": in_the_mix_of(groups["test"], groups["validation"]),
        "by_mix": in_the_mix_of(groups["validation"], groups["test"]),
        "clustered": {split: _clustered(*(each[place].double() for each in right[split]),
                                        hands[split].writer) for split in hands}}


def _of_group(right: list[Tensor], group: Tensor, place: int) -> dict:
    before, after = (each[:, group] for each in right)
    found, drops = drop_between(before[place], after[place]), before.double() - after.double()
    return {"images": int(group.sum()), "wrong": int((~after[place]).sum()),
            "drop": [found.lost, found.gained],
            "image_variance": image_variance(drops) if min(drops.shape) > 1 else None}


def _clustered(before: Tensor, after: Tensor, writer: Tensor) -> dict:
    return {"error": clustering(1 - after, writer), "drop": clustering(before - after, writer)}


def in_the_mix_of(wanted: Mapping, groups: Mapping) -> float:
    """Return the drop that a split's groups would have in the mix of students and employees wanted.

    >>> def group(images, lost): return {"images": images, "drop": [lost, 0]}
    >>> half = {"students, unseen": group(50, 0), "employees, unseen": group(50, 0)}
    >>> in_the_mix_of(half, {"students, seen": group(100, 4), "employees, unseen": group(300, 3)})
    0.025
    """
    images = {kind: _sum(wanted, kind)[0] for kind in KINDS}
    sums = {kind: _sum(groups, kind) for kind in KINDS}
    return sum(images[kind] / sum(images.values()) * lost / among
               for kind, (among, lost) in sums.items())


def _sum(groups: Mapping, kind: str) -> tuple[int, int]:
    """Return how many images a kind of people wrote, and how many are lost beyond those gained."""
    those = [group for name, group in groups.items() if name.startswith(kind)]
    return (sum(group["images"] for group in those),
            sum(group["drop"][0] - group["drop"][1] for group in those))


def clustering(values: Tensor, writer: Tensor) -> float:
    """Return the standard error of a mean over whole writers, as a multiple of that over images.

    1.0 where no image differs from another.
    """
    centred = values - values.mean()
    sums = torch.zeros(int(writer.max()) + 1, dtype=values.dtype).index_add_(0, writer, centred)
    return float((sums.square().sum() / centred.square().sum()).sqrt()) if centred.any() else 1.0


def read_hands(data: MNIST, folder: Path) -> dict[str, Hands]:
    """Read who wrote the digits of validation and test; refuse files that name other digits."""
    ours = {"train": torch.cat([data.train.labels, data.validation.labels]),
            "test": data.test.labels}
    files = {name: _read(Path(folder), name, digits) for name, digits in ours.items()}
    training, validation = files["train"].split([len(data.train), len(data.validation)])
    return {split: Hands(of[:, WRITER], of[:, SERIES] == STUDENTS,
                         torch.isin(of[:, WRITER], training[:, WRITER]))
            for split, of in (("validation", validation), ("test", files["test"]))}


def _read(folder: Path, name: str, digits: Tensor) -> Tensor:
    """Return digit, series and writer of the first images of a label file, int64 (images, 3)."""
    path = folder / f"qmnist-{name}-labels.tsv"
    packed = path.with_name(path.name + ".gz")
    if not (path.is_file() or packed.is_file()):
        raise FileNotFoundError(f"{packed} is missing; it is part of "
                                "github.com/facebookresearch/qmnist")
    with path.open() if path.is_file() else gzip.open(packed, "rt") as lines:
        table = torch.from_numpy(np.loadtxt(lines, np.int64, usecols=range(3), ndmin=2,
                                            max_rows=len(digits)))
    if not table[:, DIGIT].equal(digits):
        raise ValueError(f"{path.name} in {folder} holds other digits than MNIST; allowed is the "
                         "file of QMNIST as published")
    return table
