"""What every picture of the course shares: colours, style, panels, a text alternative."""

import base64
import html
import io
import struct
import textwrap
from dataclasses import dataclass

import matplotlib
import numpy as np
import PIL.Image
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
COLOURS, MARKS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY), "osD^vP"
matplotlib.rcParams.update({
    "font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "figure.constrained_layout.use": True, "legend.frameon": False, "figure.dpi": 100,
})


@dataclass(frozen=True)
class Picture:
    """Hold a figure as PNG with the words that stand for it where it cannot be seen."""

    png: bytes
    alt: str
    width: int

    @property
    def html(self) -> str:
        """Return an <img> that needs no other file and does not flicker where it is replaced."""
        across, down = struct.unpack(">II", self.png[16:24])  # from the PNG's header
        return (f'<img alt="{html.escape(self.alt)}" width="{self.width}" '
                f'height="{round(self.width * down / across)}" decoding="sync" '
                'style="max-width: 100%; height: auto" '
                f'src="data:image/png;base64,{_base64(self.png)}">')

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "image/png": _base64(self.png),
                "text/plain": textwrap.fill(self.alt, 100)}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def picture(ax: Axes, alt: str, *, dpi: int = 130) -> Picture:
    """Turn the whole figure that `ax` is part of into a picture with a text alternative.

    In a lesson the title and the words must not be read before the figure is seen: a learner is
    asked to predict. So they stand, with the call, in a cell that begins with a comment, which
    says what is drawn and tells no result:

        # figure: accuracy against sparsity
        ax.set_title("Small weights matter least, up to a point")
        picture(ax, "Accuracy against sparsity: flat to 0.7, and steep beyond.")

    `course refresh` folds a cell that begins so. JupyterLab shows its first line, to eyes and to
    screen readers, until someone clicks it open; so does an exported page. What a learner should
    read of the drawing, such as `ax = curves(...)`, may stand in an open cell above.
    """
    if not alt.strip():
        raise ValueError(f"alt is {alt!r}; allowed is a sentence that says what the figure shows")
    drawn, small = io.BytesIO(), io.BytesIO()
    ax.figure.savefig(drawn, format="png", dpi=dpi)
    # 256 colours are enough for a figure, and a third of the bytes in a stored lesson
    PIL.Image.open(drawn).convert("RGB").quantize(256).save(small, "png", optimize=True)
    return Picture(small.getvalue(), alt, round(ax.figure.get_figwidth() * 100))


def panels(rows: int = 1, columns: int = 1, *, width: float = 7.2, height: float = 3.8,
           sharey: bool = False) -> np.ndarray:
    """Return new axes in the course's style, an array (rows, columns); sizes in inches.

    They stand in no window and no notebook shows them by itself: `picture` does.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure.subplots(rows, columns, squeeze=False, sharey=sharey)


def axes_for(ax: Axes | None) -> Axes:
    """Return these axes, or new ones for None."""
    return panels()[0, 0] if ax is None else ax
