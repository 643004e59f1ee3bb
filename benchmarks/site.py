"""How soon a page of the site shows something, and how much it loads: `make site` before.

First contentful paint from a server on this machine, in Chromium with the processor throttled four
times; bytes as the files have them, with all pictures of the page.
"""

import statistics
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOME / "tests")]

from browsing import chromium, served  # noqa: E402

SITE = HOME / "build" / "site"
TIMES, GOAL_SECONDS, GOAL_BYTES = 5, 1.0, 6e6
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOADED = """async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map(image => image.decode()));
    const loaded = performance.getEntriesByType("resource");
    return loaded.reduce((sum, one) => sum + one.decodedBodySize, 0);
}"""


def measured(browser: object, url: str) -> tuple[float, float]:
    """Return the seconds to the first contentful paint, and the bytes that the page loads."""
    page = browser.new_context().new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url, wait_until="load")
    seconds, size = page.evaluate(PAINT) / 1000, page.evaluate(LOADED)
    page.context.close()
    return seconds, size


def main() -> None:
    """Print a line for each page."""
    if not (SITE / "index.html").is_file():
        sys.exit("the site is not built: make site")
    with chromium() as browser, served(SITE) as home:
        print(f"{'page':<30}{'first paint, s':>15}{'worst':>8}{'MB':>8}")
        measured(browser, home)  # the browser's own start is no page's
        for path in sorted(SITE.glob("*.html")):
            runs = [measured(browser, home + path.name) for _ in range(TIMES)]
            paints, size = [run[0] for run in runs], runs[0][1] + path.stat().st_size
            amiss = statistics.median(paints) > GOAL_SECONDS or size > GOAL_BYTES
            print(f"{path.stem:<30}{statistics.median(paints):>15.2f}{max(paints):>8.2f}"
                  f"{size / 1e6:>8.2f}{'  over the goal' if amiss else ''}", flush=True)


if __name__ == "__main__":
    main()
