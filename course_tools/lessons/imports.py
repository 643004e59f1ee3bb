"""Old names in a learner's copy: where what a lesson once imported is today.

Until November 2026 there was one package, course_lib, with everything in it.
"""

import re
import shutil
from pathlib import Path

from course_tools.aside import aside

MOVED = {  # the longest beginning of a dotted name counts; "" for what is gone
    "course_lib.capstone": "course_tools.capstone",
    "course_lib.checks": "course_tools.checks",
    "course_lib.coding": "course_lib.relative_index",
    "course_lib.coding.gap_bits": "",
    "course_lib.doctor": "course_tools.doctor",
    "course_lib.experiments": "course_tools.experiments",
    "course_lib.experiments.filters_kept": "",
    "course_lib.experiments.neuron_scores": "",
    "course_lib.experiments.perceptron": "course_lib.models.perceptron",
    "course_lib.han.qualities": "course_tools.experiments.recipes.qualities",
    "course_lib.iterative.prune_gradually": "",
    "course_lib.measure.claim": "course_tools.checks.claim",
    "course_lib.measure.latency": "course_tools.sliders.latency.latency",
    "course_lib.measure.seed_interval": "course_lib.intervals.seed_interval",
    "course_lib.plots": "course_tools.plots",
    "course_lib.progress": "course_tools.checks",
    "course_lib.removal.build_chain": "course_lib.chains.build_chain",
    "course_lib.removal.chain_config": "course_lib.chains.chain_config",
    "course_lib.search.paired_drop": "course_lib.intervals.paired_drop",
    "course_lib.sizes.load_arrays": "safetensors.numpy.load",
    "course_lib.submissions": "course_tools.capstone",
    "course_lib.tradeoff": "course_lib.search",
    "course_lib.tradeoff.granularities": "course_tools.experiments.recipes.granularities",
    "course_lib.widgets": "course_tools.sliders",
    "course_lib.widgets.quiz": "course_tools.checks.quiz",
}
IMPORT = re.compile(
    r"^([ \t]*)from (course_lib[.\w]*) import (\([^)]*\)|[^\n#;]*[^\n#;\s])", re.MULTILINE)
DOTTED = re.compile(r"\bcourse_lib(\.\w+)+")
BACKUP = "with old imports"


def renew_imports(path: Path) -> str:
    """Let a copy import from where things are today; return what was done, "" if nothing was.

    Nothing but names of modules changes. The copy as it was stays beside it. What is no notebook
    is left alone.
    """
    import nbformat  # a second, which `renewed` does not need

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # whatever is in it, it is the learner's
        return ""
    old = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = renewed(cell.source)
    if BACKUP in path.stem or [cell.source for cell in notebook.cells] == old:
        return ""
    backup = aside(path, BACKUP)
    shutil.copy2(path, backup)
    nbformat.write(notebook, path)
    return (f"{path.name}: its imports name the course's modules of today; what you had is in "
            f"{backup.name}")


def renewed(source: str) -> str:
    """Return code with today's names for the modules of the course.

    >>> print(renewed("from course_lib.measure import claim, measure"))
    from course_tools.checks import claim
    from course_lib.measure import measure
    """
    return DOTTED.sub(lambda name: _today(name[0]), IMPORT.sub(_statements, source))


def _today(name: str) -> str:
    known = max((old for old in MOVED if f"{name}.".startswith(f"{old}.")), key=len, default=None)
    return name if known is None else MOVED[known] + name[len(known):]


def _statements(match: re.Match) -> str:
    """Return an import from one old module as imports from as many as its names are in today."""
    indent, module, names = match.groups()
    modules: dict[str, list[str]] = {}
    for name in filter(None, (" ".join(name.split()) for name in names.strip("()").split(","))):
        imported, _, alias = name.partition(" as ")
        home, _, today = _today(f"{module}.{imported}").rpartition(".")
        alias = alias or imported
        said = alias if today in ("", alias) else f"{today} as {alias}"
        modules.setdefault(home, []).append(said)
    if list(modules) == [module]:
        return match[0]
    return "\n".join(f"{indent}from {home} import {', '.join(names)}" if home else
                     f"{indent}# {', '.join(names)}: gone since, see the lesson of today"
                     for home, names in modules.items())
