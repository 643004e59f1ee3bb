"""Build the site of the course from the stored lessons into build/site."""

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

import lessons  # noqa: E402  after the path is set
from places import NOTEBOOKS  # noqa: E402

BUILD = HOME / "build"


def write_sources(sources: Path) -> None:
    """Write what Sphinx reads: pages, lessons, pictures."""
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(HOME / "site" / "pages", sources)
    figures = [lessons.write_lesson(path, sources) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def main() -> int:
    sources = BUILD / "site-source"
    write_sources(sources)
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    code = build_main(["-q", "-b", "html", "-c", str(HOME / "site"), "-d", str(BUILD / "site-doctrees"), str(sources), str(BUILD / "site")])
    shutil.copytree(sources / "pictures", BUILD / "site" / "pictures")
    return code


if __name__ == "__main__":
    sys.exit(main())
