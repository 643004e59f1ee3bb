"""The `course` command: lab, doctor, run, refresh, progress, reset, solutions, grade, hub, more.

Modules are imported where they are used, so that `doctor` runs where others are missing.
"""

from __future__ import annotations  # so that the doctor can tell a Python that is too old

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib._files import HOME

if TYPE_CHECKING:
    from course_tools.lessons.execution import Run


def doctor(options: argparse.Namespace) -> int:
    """Check that the lessons can run here, and say how to mend what is wrong."""
    from course_tools.doctor import examine

    findings = []
    for finding in examine():
        print(finding, flush=True)
        findings.append(finding)
    wrong = sum(finding.state == "wrong" for finding in findings)
    print("Every lesson can run here." if not wrong else f"{wrong} to mend before lessons can run.")
    return int(wrong > 0)


def lab(options: argparse.Namespace) -> int:
    """Open the course in JupyterLab, on working copies of the lessons in work/."""
    from course_tools.lessons.copies import lay_copies

    work = options.work.resolve()
    for sentence in lay_copies(work, HOME / "notebooks"):
        print(f"{work.name}/{sentence}", flush=True)
    arguments = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work}",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.log_level=WARN",
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
    ]
    if options.no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        arguments.append("--allow-root")
    print("JupyterLab is starting; if no browser opens, open the URL it prints. "
          "Ctrl-C ends it.", flush=True)
    os.chdir(work)
    return _become(arguments, _environment(work))


def _environment(work: Path) -> dict[str, str]:
    """Return what JupyterLab and its kernels need to know, beside what the user has set."""
    config = [str(HOME / "course_tools" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH")]
    return {
        # Kernel and browser share the cores: torch's threads sleep while they wait for each other,
        # or training would crawl whenever the browser is busy.
        "OMP_WAIT_POLICY": "passive",
        # What it remembers, such as open tabs, is the course's own and not that of other work.
        "JUPYTERLAB_WORKSPACES_DIR": str(work / ".jupyterlab" / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(work / ".jupyterlab" / "settings"),
    } | os.environ | {
        # without its offer of news, which needs a network
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, config)),
    }


def _become(arguments: list[str], environment: dict[str, str]) -> int:
    """Let another program take this process's place; where that cannot be, wait for its end."""
    if os.name != "nt":
        os.execve(arguments[0], arguments, environment)
    import subprocess

    server = subprocess.Popen(arguments, env=environment)
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:  # Ctrl-C is JupyterLab's to answer
            pass


def run(options: argparse.Namespace) -> int:
    """Execute the lessons without a browser; print a table, write HTML pages to build/html."""
    from course_tools.lessons.execution import page

    pages = HOME / "build" / "html"
    pages.mkdir(parents=True, exist_ok=True)

    def show(run: Run, path: Path) -> None:
        (pages / f"{path.stem}.html").write_text(page(run), "utf-8")

    failed = _execute(options.lesson, show)
    print(f"pages: {pages.relative_to(HOME).as_posix()}/")
    return failed


def refresh(options: argparse.Namespace) -> int:
    """Execute the lessons in place and store their outputs; a lesson that fails stays as it is."""
    from course_tools.lessons.execution import store

    def keep(run: Run, path: Path) -> None:
        if not run.failure:
            store(run, path)

    return _execute(options.lesson, keep)


def _execute(lesson: str, finish: Callable[[Run, Path], None]) -> int:
    """Execute lessons, finish each, and print a table; return 1 if one has failed."""
    from course_tools.lessons.execution import execute, table
    from course_tools.lessons.notebooks import find_lessons

    runs = []
    for path in find_lessons(lesson, HOME / "notebooks"):
        runs.append(execute(path, _progress))
        finish(runs[-1], path)
    _progress("")
    print(table(runs))
    return int(any(run.failure for run in runs))


def progress(options: argparse.Namespace) -> int:
    """Show which exercises are right, and what is next."""
    from course_tools.checks.progress import progress_file, progress_panel

    print(progress_panel())
    print(f"Kept in {progress_file()}" if progress_file() else "Progress is not kept here.")
    return 0


def reset(options: argparse.Namespace) -> int:
    """Restore a lesson in work/, or one exercise of it; what you had is kept, dated."""
    from course_tools.lessons.copies import reset

    print(reset(options.lesson, options.work.resolve(), options.exercise, HOME / "notebooks"))
    return 0


def solutions(options: argparse.Namespace) -> int:
    """Write solved copies of the lessons to build/solutions."""
    from course_tools.checks.solutions import write_solutions

    for path in write_solutions(HOME / "build" / "solutions"):
        print(path.relative_to(HOME).as_posix())
    return 0


def grade(options: argparse.Namespace) -> int:
    """Grade a folder of learners' notebooks; classroom/grading.md says how safe that is."""
    from course_tools.grading.grade import grade_folder, summary
    from course_tools.grading.isolation import Limits
    from course_tools.grading.reports import file_name, page, table

    if options.no_isolation:
        print("Without isolation: a notebook can do whatever you can do here.", file=sys.stderr)
    limits = Limits(options.seconds, int(options.memory * 1e9), not options.no_isolation)
    feedback, grades = options.feedback or options.csv.parent / "feedback", []
    for each in grade_folder(options.folder, limits, options.jobs):
        grades.append(each)
        print(summary(each), flush=True)
        feedback.mkdir(parents=True, exist_ok=True)
        (feedback / file_name(each.learner)).write_text(page(each), "utf-8", "replace")
    options.csv.write_text(table(grades), "utf-8")
    print(f"{len(grades)} learners: {options.csv}, and a page each in {feedback}")
    return 0


def experiments(options: argparse.Namespace) -> int:
    """Make the files that lessons plot long runs from; --help lists them."""
    from course_tools.experiments.__main__ import main as run_experiments

    run_experiments(options.others)
    return 0


def hub(options: argparse.Namespace) -> int:
    """Hold a class: JupyterHub on one Linux machine, a browser for each learner."""
    from course_tools.classroom.hub import main as hold

    return hold(options)


def _progress(line: str) -> None:
    """Show one line in place where there is a terminal, one below the other where there is none."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line:
        print(line, file=sys.stderr, flush=True)


def _add_hub(entry: argparse.ArgumentParser) -> None:
    entry.add_argument("action", nargs="?", choices=("open", "prepare", "remove"),
                       default="open", help="prepare: make accounts and working copies only; "
                       "remove: take the accounts away again, not the files (open)")
    entry.add_argument("--learners", type=int, default=30, help="how many names there are (30)")
    entry.add_argument("--names", default="learner", metavar="PREFIX",
                       help="what names begin with (learner: learner01, learner02, …)")
    entry.add_argument("--state", type=Path, default=HOME / "class",
                       help="folder for accounts, homes and the hub's records (class)")
    entry.add_argument("--disk", type=int, default=0, metavar="MB",
                       help="prepare: each home on a disk of this size, as root (0: not bounded)")
    entry.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS",
                       help="address to be found at; 0.0.0.0 for the network (127.0.0.1)")
    entry.add_argument("--port", type=int, default=8000, help="and the two after it (8000)")
    entry.add_argument("--certificate", type=Path, help="for https, in PEM, with --key")
    entry.add_argument("--key", type=Path, help="of the certificate")
    entry.add_argument("--cold", action="store_true",
                       help="say so as soon as the hub answers, not when all servers are up")
    entry.add_argument("--ordinary-kernels", action="store_true",
                       help="a Python for each kernel, not a copy of a prepared one")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="course", description="Pruning, by experiment.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (doctor, lab, run, refresh, progress, reset, solutions, grade, hub, experiments):
        entry = commands.add_parser(command.__name__, help=command.__doc__,
                                    add_help=command is not experiments)
        entry.set_defaults(command=command)
        if command is lab:
            entry.add_argument("--no-browser", action="store_true", help="only print the URL")
        if command is reset:
            entry.add_argument("lesson", help="such as 03")
            entry.add_argument("--exercise", default="", help="such as 3.2; all if left out")
        if command in (lab, reset):
            entry.add_argument("--work", type=Path, default=HOME / "work",
                               help="folder for the working copies (work)")
        if command is grade:
            entry.add_argument("folder", type=Path, help="of notebooks, flat or as nbgrader's")
            entry.add_argument("--csv", type=Path, default=Path("grades.csv"))
            entry.add_argument("--feedback", type=Path, help="folder for pages (beside the CSV)")
            entry.add_argument("--jobs", type=int, default=1, help="learners at once (1)")
            entry.add_argument("--seconds", type=float, default=300, help="a notebook (300)")
            entry.add_argument("--memory", type=float, default=4, help="GB a notebook (4)")
            entry.add_argument("--no-isolation", action="store_true",
                               help="for files that you trust as you trust yourself")
        if command is hub:
            _add_hub(entry)
        if command in (run, refresh):
            entry.add_argument("lesson", nargs="?", default="", help="such as 02; all if left out")
    options, options.others = parser.parse_known_args(arguments)
    if options.others and options.command is not experiments:
        parser.error(f"unrecognized arguments: {' '.join(options.others)}")
    try:
        return options.command(options)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
