"""Build the site of the course from the stored lessons into build/site; nothing is executed."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from sphinx.cmd.build import build_main

SITE = Path(__file__).resolve().parent
HOME = SITE.parent
sys.path.insert(0, str(HOME))

from lessons import write_lesson  # noqa: E402  these stand on course_tools
from pages import write_pages  # noqa: E402
from places import LIVE, NOTEBOOKS  # noqa: E402

BUILD = HOME / "build"
SOURCES, OUT, PAPER = BUILD / "site-sources", BUILD / "site", BUILD / "site-paper"
UNUSED = ("**/*.map", "_static/locales/*/*/*.po", "_static/*macros.html",
          "_static/scripts/fontawesome.js*", "_static/vendor/fontawesome/webfonts/*")
CHROMIUM = next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)


def write_sources(sources: Path) -> None:
    """Write what Sphinx reads: lessons, their pictures, and the pages beside them."""
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    figures = [figure for path in sorted(NOTEBOOKS.glob("*.ipynb"))
               for figure in write_lesson(path, sources)]
    write_pages(SITE / "pages", sources, figures, "course.pdf" if CHROMIUM else "")


def sphinx(builder: str, out: Path) -> None:
    """Run one of Sphinx's builders; a warning is an error."""
    shutil.rmtree(out, ignore_errors=True)
    code = build_main(["-q", "-W", "--keep-going", "-b", builder, "-c", str(SITE),
                       "-d", str(BUILD / "site-doctrees"), str(SOURCES), str(out)])
    if code:
        sys.exit(code)
    shutil.copytree(SOURCES / "pictures", out / "pictures")


def printing(pdf: Path) -> subprocess.Popen:
    """Begin to print the course as one PDF, with Chromium."""
    sphinx("singlehtml", PAPER)
    page = PAPER / "index.html"
    page.write_text(page.read_text("utf-8").replace('loading="lazy"', ""), "utf-8")
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return subprocess.Popen(
        [CHROMIUM, "--headless", "--disable-gpu", *flags, "--no-pdf-header-footer",
         "--generate-pdf-document-outline", f"--print-to-pdf={pdf}", page.as_uri()],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def add_pdf(printer: subprocess.Popen, pdf: Path) -> None:
    """Wait for the PDF and put it into the site."""
    if printer.wait(timeout=300) or not pdf.is_file():
        sys.exit(f"{CHROMIUM} could not print the course")
    shutil.copy2(pdf, OUT / pdf.name)


def main() -> int:
    """Build everything and say how long it took, or write the sources alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, help="write only what Sphinx reads, into a folder")
    options = parser.parse_args()
    if options.sources:
        write_sources(options.sources)
        return 0
    started = time.perf_counter()
    write_sources(SOURCES)
    pdf = PAPER / "course.pdf"
    printer = printing(pdf) if CHROMIUM else None
    sphinx("html", OUT)
    for pattern in UNUSED:
        for file in OUT.glob(pattern):
            file.unlink()
    if LIVE.is_dir():
        shutil.copytree(LIVE, OUT / "_static" / "live", dirs_exist_ok=True)
    if printer:
        add_pdf(printer, pdf)
    else:
        print("no Chromium is installed here: the site is built without its PDF")
    size = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file()) / 1e6
    print(f"build/site/index.html: {len(list(OUT.glob('*.html')))} pages, {size:.1f} MB, "
          f"{time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
