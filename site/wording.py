"""Sentences of the lessons that a page says otherwise: nothing runs there but the live figures.

A sentence that its lesson no longer has raises ValueError, so that none is forgotten.
"""

import re

from places import LIVE

PAGE = {
    "00": {
        "A page like this one is a *notebook*. The grey boxes are *cells* of Python. Click the "
        "first one and press Shift+Enter: it runs, its result appears below it, and the next cell "
        "is selected. Go on like that to the bottom of the page, reading as you go.":
            "A lesson is a *notebook*; this page shows one after its run. The grey boxes are "
            "*cells* of Python, each with its result below it. Nothing has to be installed to "
            "read on. In JupyterLab (`make lab`) you click the first cell and press Shift+Enter: "
            "it runs, and the next one is selected.",
        "The first one shows how far you are. Today that is nothing yet; come back to it whenever "
        "you begin again. (Should it fail, go on to the next one: it says what is missing.)":
            "The first one shows how far a learner is; here stands what it says on the first day.",
        "The next cell is folded to one line, `# figure: …`. Such cells hold the title and the "
        "description of a picture, which you should not read before you have made up your mind "
        "and seen it. Run them like any other; a click on the line opens one. (Statements that "
        "would give an answer away are folded too, behind `# claim: …`.)":
            "The next cell is folded to one line. Such cells hold the title and the description "
            "of a picture, which you should not read before you have made up your mind and seen "
            "it; a click on the line opens one. (Statements that would give an answer away are "
            "folded too.)",
        'Where no buttons appear, change the cell to `quiz("0.1", "a")`, with the letter you '
        "mean, and run it.":
            "Where no buttons appear, your browser runs no scripts.",
    },
    "01": {
        "Then drag the slider, and watch what is left of the weights of one of the two twins.":
            "Then look at three positions of a slider that moves in JupyterLab, and at what is "
            "left of the weights of one of the two twins.",
    },
    "04": {
        "One slider for each layer.":
            "In JupyterLab there is one slider for each layer; here they stand at three "
            "positions.",
    },
    "10": {
        "(Double-click here and write; nobody judges them but you.)":
            "(In JupyterLab, double-click here and write; nobody judges them but you.)",
    },
    "12": {
        "Then drag it.":
            "Then look at three positions of the sliders, which move in JupyterLab.",
        "Does it find what you found by dragging?":
            "Does it find the place with the lowest error in the figure?",
    },
}
BESIDE_LIVE = {
    "00": {
        "The left picture counts":
            "The first picture counts",
        "The right picture keeps":
            "The second picture keeps",
    },
    "02": {
        "The picture on the right shows, for each of the 784 pixels,":
            "The picture of the pixels shows, for each of the 784,",
    },
    "05": {
        "Drag the threshold: when do bands appear, and how many do you count?":
            "Go through stored rounds of the loop, cut and retraining in turn: when do bands "
            "appear, and how many do you count?",
    },
    "06": {
        "Now drag the bound over these trials.":
            "Now drag the bound over the trials of a long run (`course experiments tradeoff`).",
        "Every square is a layer, to scale, as large as the weights that it has left.":
            "The notebook's slider also draws every layer as a square, to scale, as large as the "
            "weights that it has left.",
    },
}


def worded(sources: list[str], lesson: str) -> list[str]:
    """Return a lesson's cells of prose as the page says them.

    A sentence of these tables that no cell has, or several have, raises ValueError.
    """
    said = [PAGE, BESIDE_LIVE] if (LIVE / "live.js").is_file() else [PAGE]
    for old, new in (pair for table in said for pair in table.get(lesson, {}).items()):
        pattern = re.compile(r"\s+".join(map(re.escape, old.split())))
        found = sum(len(pattern.findall(source)) for source in sources)
        if found != 1:
            raise ValueError(f"lesson {lesson} says {found} times: {old!r}; allowed is once")
        sources = [pattern.sub(lambda _, new=new: new, source) for source in sources]
    return sources
