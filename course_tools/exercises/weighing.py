"""Projects whose answer is a network: its size and its accuracy, held against two budgets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from torch import nn

from course_lib.data import MNIST, load_mnist

from course_tools.capstone.levels import Finding


@cache
def mnist() -> MNIST:
    """Return the digits, loaded once."""
    return load_mnist()


@dataclass(frozen=True)
class Weighed:
    """Hold the size of a network, in what its project counts, and its accuracy on validation."""

    size: float
    accuracy: float


@dataclass(frozen=True)
class Scales:
    """Hold how one project weighs an answer; `weigh`, `findings` and `met` are a `Project`'s.

    `allowed` ends the refusal of an answer that is no network. `asked` has the words for the budget
    of size, then for that of accuracy, by their names; `fits` says of both whether they are met.
    """

    name: str
    allowed: str
    read: Callable[[nn.Module], Weighed]
    asked: Mapping[str, str]
    fits: Callable[[Weighed], tuple[bool, bool]]

    def weigh(self, answer: object) -> Weighed:
        """Measure a network; what is none for these images raises ValueError."""
        if not isinstance(answer, nn.Module):
            raise ValueError(f"{self.name} is a {type(answer).__name__}; allowed is a network"
                             f"{self.allowed}")
        try:
            return self.read(answer)
        except (RuntimeError, IndexError) as error:
            raise ValueError(f"{self.name} does not run on the digits: {error}") from None

    def findings(self, found: Weighed) -> tuple[Finding, ...]:
        """Hold a network against the budgets, in words that are the same in every run."""
        return tuple(Finding(name, "met" if fine else "missed", told)
                     for (name, told), fine in zip(self.asked.items(), self.fits(found),
                                                   strict=True))

    @property
    def met(self) -> tuple[str, ...]:
        """Return the lines where all are met."""
        return tuple(str(Finding(name, "met", told)) for name, told in self.asked.items())
