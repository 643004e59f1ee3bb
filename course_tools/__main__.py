"""The `course` command: doctor, lab, run, refresh, progress, reset, solutions, experiments.

Modules are imported where they are used, so that `doctor` runs where others are missing.
"""

from __future__ import annotations  # so that the doctor can tell a Python that is too old

import argparse
import os
import sys
from pathlib import Path

from course_lib._files import HOME


def doctor(asked: argparse.Namespace) -> int:
    """Check that the lessons can run here, and say how to mend what is wrong."""
    from course_tools.doctor import examine

    findings = []
    for finding in examine():
        print(finding, flush=True)
        findings.append(finding)
    wrong = sum(finding.state == "wrong" for finding in findings)
    print("Every lesson can run here." if not wrong else f"{wrong} to mend before lessons can run.")
    return int(wrong > 0)


def lab(asked: argparse.Namespace) -> int:
    """Open the course in JupyterLab, on working copies of the lessons in work/."""
    from course_tools.lessons.copies import lay_copies

    work = asked.work.resolve()
    for sentence in lay_copies(work):
        print(f"{work.name}/{sentence}", flush=True)
    arguments = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work}",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.log_level=WARN",
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
    ]
    if asked.no_browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        arguments.append("--allow-root")
    print("JupyterLab is starting; if no browser opens, open the URL it prints. "
          "Ctrl-C ends it.", flush=True)
    os.chdir(work)
    # Kernel and browser share the cores: torch's threads sleep while they wait for each other, or
    # training would crawl whenever the browser is busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # What it remembers, such as open tabs, is the course's own and not that of other work.
    for kept in ("workspaces", "settings"):
        os.environ.setdefault(f"JUPYTERLAB_{kept.upper()}_DIR", str(work / ".jupyterlab" / kept))
    # without its offer of news, which needs a network
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, (
        str(HOME / "course_tools" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH"))))
    if os.name == "nt":
        import subprocess

        server = subprocess.Popen(arguments)
        while True:  # Ctrl-C is JupyterLab's to answer
            try:
                return server.wait()
            except KeyboardInterrupt:
                pass
    os.execv(arguments[0], arguments)  # JupyterLab takes this process's place
    return 0


def run(asked: argparse.Namespace) -> int:
    """Execute the lessons without a browser; print a table, write HTML pages to build/html."""
    from course_tools.lessons import execution, notebooks

    pages = HOME / "build" / "html"
    pages.mkdir(parents=True, exist_ok=True)
    runs = []
    for path in notebooks.find(asked.lesson):
        runs.append(execution.execute(path, _progress))
        (pages / f"{path.stem}.html").write_text(execution.page(runs[-1]), "utf-8")
    _progress("")
    print(execution.table(runs))
    print(f"pages: {pages.relative_to(HOME).as_posix()}/")
    return int(any(run.failure for run in runs))


def refresh(asked: argparse.Namespace) -> int:
    """Execute the lessons in place and store their outputs; a lesson that fails stays as it is."""
    from course_tools.lessons import execution, notebooks

    runs = []
    for path in notebooks.find(asked.lesson):
        runs.append(execution.execute(path, _progress))
        if not runs[-1].failure:
            execution.store(runs[-1], path)
    _progress("")
    print(execution.table(runs))
    return int(any(run.failure for run in runs))


def progress(asked: argparse.Namespace) -> int:
    """Show which exercises are right, and what is next."""
    from course_tools.checks.progress import place, progress_panel

    print(progress_panel())
    print(f"Kept in {place()}" if place() else "Progress is not kept here.")
    return 0


def reset(asked: argparse.Namespace) -> int:
    """Restore a lesson in work/, or one exercise of it; what you had is kept, dated."""
    from course_tools.lessons.copies import reset

    print(reset(asked.lesson, asked.work.resolve(), asked.exercise))
    return 0


def solutions(asked: argparse.Namespace) -> int:
    """Write solved copies of the lessons to build/solutions."""
    from course_tools.checks.solutions import write_solutions

    for path in write_solutions(HOME / "build" / "solutions"):
        print(path.relative_to(HOME).as_posix())
    return 0


def experiments(asked: argparse.Namespace) -> int:
    """Make the files that lessons plot long runs from; --help lists them."""
    from course_tools.experiments.__main__ import main as run

    run(asked.others)
    return 0


def _progress(line: str) -> None:
    """Show one line in place where there is a terminal, one below the other where there is none."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line:
        print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="course", description="Pruning, by experiment.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (doctor, lab, run, refresh, progress, reset, solutions, experiments):
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
        if command in (run, refresh):
            entry.add_argument("lesson", nargs="?", default="", help="such as 02; all if left out")
    asked, asked.others = parser.parse_known_args(arguments)
    if asked.others and asked.command is not experiments:
        parser.error(f"unrecognized arguments: {' '.join(asked.others)}")
    try:
        return asked.command(asked)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
