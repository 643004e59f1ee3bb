"""Who reads which digits right, and how many networks were looked at on the test digits."""

import hashlib
from functools import cache

from torch import Tensor

from course_lib.data import Split, load_mnist
from course_lib.models import load_trained
from course_lib.training import predictions

from course_tools.capstone.submission import read_submission
from course_tools.capstone.timing import REFERENCE

PARTS = ("validation", "test")
_seen: set[str] = set()  # the files that were looked at on test


def looks() -> int:
    """Return how many networks were looked at on the test digits since this kernel started.

    The same network counts once, and the reference not at all.
    """
    return len(_seen)


def right_on(content: bytes, part: str) -> Tensor:
    """Return which digits of a part the network in a file reads right, bool (n,)."""
    if part == "test":
        _seen.add(hashlib.sha256(content).hexdigest())
    return predictions(read_submission(content), splits()[part]) == splits()[part].labels


@cache
def reference_right_on(part: str) -> Tensor:
    """Return which digits of a part the reference reads right, bool (n,)."""
    return predictions(load_trained(REFERENCE), splits()[part]) == splits()[part].labels


@cache
def splits() -> dict[str, Split]:
    """Return validation and test; the training images are not kept a second time."""
    data = load_mnist()
    return {part: Split(split.images.clone(), split.labels.clone())
            for part, split in zip(PARTS, (data.validation, data.test), strict=True)}
