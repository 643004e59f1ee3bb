"""The capstone: what a submission costs beside the reference network, and the three levels.

What is weighed is the file that a network becomes, not the object that a learner holds.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torch import nn

from course_lib.intervals import Drop, drop_between
from course_lib.measure import measure

from course_tools.capstone.readings import PARTS, reference_right_on, right_on
from course_tools.capstone.submission import read_submission, submission

WAIT = 180.0  # seconds until a timing is given up


@dataclass(frozen=True, repr=False)
class Weighed:
    """Hold what a submission costs: bytes of its file, its time by the reference's, its drop.

    `part` is the split on which the drop was found, `zeros` the share of zeros among the weights.
    """

    file_bytes: int
    ratio: float
    drop: Drop
    part: str
    zeros: float

    def __repr__(self) -> str:
        """Return one line, the drop in points with its 95 % interval."""
        return (f"{self.file_bytes:,} bytes, {self.ratio:.2f} of the reference's time, "
                f"drop on {self.part} {self.drop.points:.2f} points")


def weigh(model: nn.Sequential, part: str = "validation") -> Weighed:
    """Write a network, read it back, and weigh what was read; choose by validation, not by test.

    On "test" it counts as a look, see `looks`. What cannot be a submission raises ValueError.
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}; allowed is {' or '.join(map(repr, PARTS))}")
    content = submission(model)
    lost = drop_between(reference_right_on(part), right_on(content, part))
    return Weighed(len(content), ratio_in_a_fresh_process(content), lost, part,
                   measure(read_submission(content)).sparsity)


@lru_cache(64)
def ratio_in_a_fresh_process(content: bytes) -> float:
    """Return the time of a submission by that of the reference, found by another Python.

    The same submission is timed once.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.safetensors"
        path.write_bytes(content)
        try:
            done = subprocess.run([sys.executable, "-m", "course_tools.capstone", str(path)],
                                  capture_output=True, text=True, check=True, timeout=WAIT)
        except subprocess.TimeoutExpired:
            raise ValueError(f"no time was found within {WAIT:g} seconds; allowed is a network "
                             "that one can wait for") from None
    return float(done.stdout)


# The levels

@dataclass(frozen=True)
class Finding:
    """Hold what one budget of a project came to, "met", "open" or "missed", and words for it."""

    name: str
    verdict: str
    told: str

    @property
    def met(self) -> bool:
        """Return whether the budget is met."""
        return self.verdict == "met"

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.name}: {self.verdict}, {self.told}"


@dataclass(frozen=True)
class Level:
    """Hold the budgets of one level: bytes of the file, share of the reference's time, drop bound.

    The whole interval of the drop has to lie within the bound, as lesson 06 says of *met*.
    """

    file_bytes: int
    ratio: float
    drop_bound: float

    @property
    def sentences(self) -> dict[str, str]:
        """Return what each budget asks for, in words."""
        points = 100 * self.drop_bound
        return {"file": f"at most {self.file_bytes:,} bytes",
                "latency": f"at most {self.ratio:g} of the reference's time",
                "drop": f"the whole interval of the drop at most {points:g} "
                        f"point{'' if points == 1 else 's'}"}

    @property
    def met(self) -> tuple[str, ...]:
        """Return the lines of a submission that meets all budgets."""
        return tuple(str(Finding(name, "met", told)) for name, told in self.sentences.items())

    def budgets(self, found: Weighed) -> tuple[Finding, ...]:
        """Hold a submission against each budget, in words that are the same in every run."""
        verdicts = {"file": _met(found.file_bytes <= self.file_bytes),
                    "latency": _met(found.ratio <= self.ratio),
                    "drop": found.drop.verdict(self.drop_bound)}
        told = self.sentences
        if verdicts["file"] == "missed":
            told["file"] = f"{found.file_bytes:,} bytes where {told['file']} are allowed"
        if verdicts["drop"] == "open":
            told["drop"] = f"its interval holds the bound; asked for is {told['drop']}"
        return tuple(Finding(name, verdict, told[name]) for name, verdict in verdicts.items())


def _met(fine: bool) -> str:
    return "met" if fine else "missed"


LEVELS = {1: Level(200_000, 0.8, 0.02), 2: Level(90_000, 0.7, 0.01),
          3: Level(40_000, 0.4, 0.0075)}
