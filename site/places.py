"""Where things are: the repository's files, README's table of the lessons, the live figures."""

import re
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
NOTEBOOKS = HOME / "notebooks"
LIVE = HOME / "site" / "live" / "dist"  # what is built there; where it is not, the pictures stay


@dataclass(frozen=True)
class Live:
    """Hold a live figure: the call in a lesson that it stands for, its name, a title."""

    lesson: str
    call: str
    name: str
    title: str

    @property
    def shown(self) -> str:
        """Return what its caption says: one that does not live on the page stands still there."""
        if self.name or not self.title:
            return self.title
        return f"{self.title}, at some of its positions; it moves in JupyterLab"


LIVES = (
    Live("00", "threshold_slider(", "threshold", "a slider for the threshold of one layer"),
    Live("01", "rank_slider(", "", "a slider for the directions of fc1 that are kept"),
    Live("02", "sparsity_slider(", "sparsity", "a slider for the sparsity of the whole network"),
    Live("03", "neuron_slider(", "neurons", "a slider for the neurons that are removed"),
    Live("04", "filter_sliders(", "", "a slider for the filters of each layer"),
    Live("05", "threshold_slider(", "rounds", "a slider that brings out the 28 bands"),
    Live("06", "bound_slider(", "bound", "a slider for the drop bound"),
    Live("12", "two_weights_slider(", "", "a slider for the weight that can pay for another"),
    Live("12", "surgery_slider(", "surgery", "a slider for the sparsity, four ways compared"),
    Live("13", "sentence_slider(", "", "a slider for the sparsity, and a sentence written anew"),
)


@dataclass(frozen=True)
class Row:
    """Hold a lesson's row in README's table."""

    file: str
    title: str
    question: str
    minutes: str
    seconds: str


def live_at(lesson: str, source: str) -> Live:
    """Return the live figure that a cell shows; one without name or title where it shows none."""
    return next((live for live in LIVES if live.lesson == lesson and live.call in source),
                Live(lesson, "", "", ""))


def rows() -> list[Row]:
    """Return the table of the lessons as README has it; a test there holds its minutes."""
    found = re.findall(r"^\| \[(.+?)\]\(notebooks/(.+?)\) \| (.+?) \| (.+?) \| (.+?) \|$",
                       (HOME / "README.md").read_text("utf-8"), re.MULTILINE)
    return [Row(file, title, *others) for title, file, *others in found]


def table_row(path: Path) -> Row:
    """Return one lesson's row; a lesson that README does not have raises ValueError."""
    for row in rows():
        if row.file == path.name:
            return row
    raise ValueError(f"{path.name} is not in README's table of lessons")


def section(file: str, heading: str) -> str:
    """Return what stands below a heading of a document; no such heading raises ValueError."""
    text = (HOME / file).read_text("utf-8")
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text,
                      re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"{file} has no heading {heading!r}")
    return found[1].strip()
