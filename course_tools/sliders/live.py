"""A live view: sliders, a line of text and a picture, with a static twin where nothing can move."""

import asyncio
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import ipywidgets
import numpy as np
import PIL.Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_tools import plots

Read = Callable[..., object]  # what the network gives at the sliders' values
Show = Callable[[object], str]  # moves the picture to what was read, returns the line of text
REST = 0.4  # seconds without a move, after which latency is measured


@dataclass(frozen=True)
class Live:
    """Hold a live view: move a slider's `value`, and `picture` and `text` follow.

    `picture` holds an <img>: ipywidgets.Image has no text alternative, and in JupyterLab 4.6 it was
    seen to break where all cells are run right after a notebook is opened. `timing`, where there is
    one, is a line that is written once the sliders have been at rest for a moment.
    """

    sliders: dict[str, ipywidgets.FloatSlider | ipywidgets.IntSlider]
    line: ipywidgets.HTML
    picture: ipywidgets.HTML
    twin: plots.Picture
    timing: ipywidgets.HTML | None = None

    @property
    def slider(self) -> ipywidgets.FloatSlider | ipywidgets.IntSlider:
        """Return the first slider, which most views have alone."""
        return next(iter(self.sliders.values()))

    @property
    def text(self) -> str:
        """Return the line above the picture."""
        return self.line.value

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        controls = ipywidgets.GridBox(list(self.sliders.values()), layout={
            "grid_template_columns": f"repeat({min(2, len(self.sliders))}, max-content)"})
        lines = [self.line] if self.timing is None else [self.line, self.timing]
        box = ipywidgets.VBox([controls, *lines, self.picture])
        return box._repr_mimebundle_() | self.twin._repr_mimebundle_()


def live(sliders: Sequence[ipywidgets.Widget], read: Read, draw: Callable[[np.ndarray], Show], *,
         columns: int, at: Sequence[tuple], title: str, alt: str, inches: float = 3.6,
         time_it: Callable[..., str] | None = None) -> Live:
    """Put sliders over a row of panels that `draw` sets up; the static twin rests at each of `at`.

    What `draw` returns is called with what `read` makes of the sliders' values. `time_it` is called
    with the values, where latency is measured, once the hand rests: timing needs a fraction of a
    second in which nothing else runs. `title` is the twin's, and says what its rows show together.
    """
    show, render = _staged(draw, columns, inches)
    line, picture = ipywidgets.HTML(), ipywidgets.HTML()
    timing = None if time_it is None else ipywidgets.HTML()

    def move(change: dict | None = None) -> None:
        line.value = show(read(*(slider.value for slider in sliders)))
        picture.value = plots.Picture(render(), f"{alt} {line.value}",
                                      round(100 * inches * columns)).html
        if timing is not None:
            timing.value = "latency: measured when the hand rests"

    def rest() -> None:
        if timing is not None:
            timing.value = time_it(*(slider.value for slider in sliders))

    for slider in sliders:
        slider.observe(move, "value")
        slider.observe(_at_rest(rest), "value")
    move()
    rest()
    passed = [] if len(sliders) > 1 else [(sliders[0].max * share,)
                                          for share in np.linspace(0, 1, 11).tolist()]
    return Live({slider.description: slider for slider in sliders}, line, picture,
                _twin(cache(read), draw, columns, [[*passed, values] for values in at], title,
                      alt, inches), timing)


def dial(name: str, value: float, least: float, most: float, step: float
         ) -> ipywidgets.FloatSlider:
    """Return a slider from `least` to `most` that begins at `value`, shown with two decimals."""
    return ipywidgets.FloatSlider(
        value=value, min=least, max=most, step=step, readout_format=".2f", description=name,
        layout={"width": "24em"}, style={"description_width": "initial"})


def trail(ax: Axes, xlabel: str, most: float) -> Callable[[float, float], None]:
    """Set up accuracy (%) against what a slider sets, from 0 to `most`; return what marks a point.

    Points that were marked before stay as a line.
    """
    seen: dict[float, float] = {}
    line, = ax.plot([], [], color=plots.BLUE, marker="o", markersize=4, animated=True)
    here, = ax.plot([], [], color=plots.RED, marker="D", markersize=9, animated=True)
    room = 0.04 * most  # so that no mark is cut off at an end
    ax.set(xlim=(-room, most + room), ylim=(0, 103), xlabel=xlabel, ylabel="accuracy (%)")
    ax.grid(alpha=0.3)

    def mark(value: float, accuracy: float) -> None:
        seen[value] = accuracy
        line.set_data(sorted(seen), [seen[x] for x in sorted(seen)])
        here.set_data([value], [accuracy])

    return mark


def _staged(draw: Callable[[np.ndarray], Show], columns: int, inches: float
            ) -> tuple[Show, Callable[[], bytes]]:
    """Set up a row of panels; return what moves them and what renders them."""
    axes = plots.panels(1, columns, width=inches * columns, height=3.4)
    return draw(axes[0]), _renderer(axes[0, 0].figure)


def _at_rest(action: Callable[[], None]) -> Callable[[dict], None]:
    """Return an observer that runs `action` once no change has come for a moment.

    Outside a running event loop, where no hand drags, it does nothing.
    """
    waiting: list[asyncio.TimerHandle] = []

    def changed(change: dict) -> None:
        while waiting:
            waiting.pop().cancel()
        try:
            waiting.append(asyncio.get_running_loop().call_later(REST, action))
        except RuntimeError:
            return

    return changed


def _renderer(figure: Figure) -> Callable[[], bytes]:
    """Draw what stands still once; return a function that adds what moves and gives the PNG.

    What moves are the artists marked `animated`.
    """
    canvas = figure.canvas
    canvas.draw()
    figure.set_layout_engine("none")
    still = canvas.copy_from_bbox(figure.bbox)
    moving = figure.findobj(lambda artist: artist.get_animated())

    def render() -> bytes:
        canvas.restore_region(still)
        for artist in moving:
            artist.axes.draw_artist(artist)
        stream = io.BytesIO()  # not canvas.print_png, which would draw everything anew
        PIL.Image.fromarray(np.asarray(canvas.buffer_rgba())).save(stream, "png", compress_level=1)
        return stream.getvalue()

    return render


def _twin(read: Read, draw: Callable[[np.ndarray], Show], columns: int,
          ways: Sequence[Sequence[tuple]], title: str, alt: str, inches: float) -> plots.Picture:
    """Draw the same picture several times, one row each, moved along its way to the last values.

    Above all rows stands the title, above each the line of text.
    """
    axes = plots.panels(len(ways), columns, width=inches * columns, height=0.4 + 2.9 * len(ways))
    figure, lines = axes[0, 0].figure, []
    for row, way in zip(axes, ways, strict=True):
        show = draw(row)
        lines.append([show(read(*values)) for values in way][-1])
        row[0].set_title(textwrap.fill(lines[-1], round(11 * inches * columns)), fontsize=11,
                         fontweight="normal", loc="left")
    for artist in figure.findobj(lambda artist: artist.get_animated()):
        artist.set_animated(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.get_layout_engine().set(h_pad=0.12)  # a line belongs to the row below it
    return plots.picture(axes[0, 0], f"{alt} At rest: {' '.join(lines)}", dpi=90)
