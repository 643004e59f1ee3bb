"""A small page that carries every live figure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

HOME = Path(__file__).resolve().parents[3]
LIVE = HOME / "site" / "live"
DIST = LIVE / "dist"
NAMES = ("draw", "sparsity", "threshold", "neurons", "rounds", "bound", "surgery")
POLICY = ("default-src 'none'; script-src 'self' file: 'wasm-unsafe-eval'; style-src 'self' file:; "
          "img-src 'self' file: data:; worker-src blob:; base-uri 'none'")
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Live figures</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css"><script src="_static/live/live.js" defer></script></head>
<body><main><h1>Live figures</h1>{figures}</main></body></html>
"""
FIGURE = """<section><h2 id="{name}">{name}</h2>
<div class="live" data-live="{name}"><p>What {name} looks like at rest.</p></div></section>
"""
STYLE = """body { background: #fff; color: #1d1d1f; font: 1rem/1.5 sans-serif; margin: 0 auto;
  max-width: 50rem; padding: 0 .75rem }
html[data-theme=dark] body { background: #14181e; color: #e8eaed }
"""


def write(folder: Path) -> Path:
    """Write the page, light and dark and one for each figure, beside a copy of what was built."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(DIST, folder / "_static" / "live", dirs_exist_ok=True)
    (folder / "page.css").write_text(STYLE, "utf-8")
    for theme in ("light", "dark"):
        pages = {theme: NAMES} | {f"{theme}-{name}": (name,) for name in NAMES}
        for page, names in pages.items():
            figures = "".join(FIGURE.format(name=name) for name in names)
            (folder / f"{page}.html").write_text(
                PAGE.format(theme=theme, policy=POLICY, figures=figures), "utf-8")
    return folder


def built() -> None:
    """Build what the page loads; workers that test side by side do so one after the other."""
    with FileLock(HOME / "build" / "live.lock"):
        if not (LIVE / "node_modules").is_dir():
            _run("npm", "ci")
        if not (DIST / "live.js").is_file() or _newest(LIVE / "src") > _newest(DIST / "live.js"):
            _run("npm", "run", "--silent", "build")
        if not (DIST / "data" / "bound.js").is_file():
            _run(sys.executable, "weights.py")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=LIVE, check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"PYTHONPATH": str(HOME)})


def _newest(place: Path) -> float:
    return max(path.stat().st_mtime for path in (place, *place.rglob("*")))


def figure(page, name: str):
    """Scroll to a figure, wait until it lives, return it."""
    place = page.locator(f'[data-live="{name}"]')
    place.scroll_into_view_if_needed()
    page.wait_for_selector(f'[data-live="{name}"][data-ready]', timeout=60_000)
    return place.locator(".live-figure")


def move(page, live, value: int) -> None:
    """Put the slider somewhere, and wait until the figure is there."""
    live.locator("input[type=range]").evaluate("""(input, value) => {
        input.value = value;
        input.dispatchEvent(new Event('input'));
    }""", value)
    arrived(page, live, value)


def arrived(page, live, value: int) -> None:
    """Wait until the figure shows what it found at this position."""
    page.wait_for_function("([live, value]) => live.dataset.at === value",
                           arg=[live.element_handle(), str(value)], timeout=30_000)


def line(live) -> str:
    """Return the figure's line of text."""
    return live.locator(".live-line").inner_text().replace("\u00a0", " ")


def right(live) -> int:
    """Return how many digits the figure's network has read right."""
    return int(live.get_attribute("data-right"))
