"""A step of each live figure of the web site, in a headless Chromium: from the input to the line.

The goal for 2,000 digits: a median of 30 ms, a 95th percentile of 60 ms. Where Node or Chromium is
missing, nothing is measured.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOME), str(HOME / "tests"), str(HOME / "tests" / "site" / "live")]

from browsing import CHROMIUM, chromium  # noqa: E402
from live_page import built, figure, write  # noqa: E402

STEPS = 60
STEP = """([live, value]) => new Promise(done => {
    const input = live.querySelector('input[type=range]'), started = performance.now();
    const seen = new MutationObserver(() => {
        if (live.dataset.at !== String(value)) return;
        seen.disconnect();
        done(performance.now() - started);
    });
    seen.observe(live, {attributes: true});
    input.value = value;
    input.dispatchEvent(new Event('input'));
})"""


def step_times(page, name: str, rest: int = 20) -> list[float]:
    """Move a figure's slider to and fro; return the milliseconds of each step, the first apart."""
    live = figure(page, name)
    most = int(live.get_by_role("slider").get_attribute("max"))
    places = [round(most * (7 * step % 20 + step / STEPS) / 21) for step in range(STEPS)]
    times = []
    for now, before in zip(places[1:], places, strict=False):
        if now != before:
            times.append(page.evaluate(STEP, [live.element_handle(), now]))
            page.wait_for_timeout(rest)
    return times[1:]


def main() -> None:
    """Print median, 95th percentile and slowest step of each figure."""
    if CHROMIUM is None or shutil.which("npm") is None:
        print("live figures: Chromium or Node is missing here, nothing is measured")
        return
    built()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        write(Path(folder))
        for plain in (False, True):
            for name in ("threshold", "sparsity", "neurons", "rounds", "surgery"):
                page = browser.new_page()
                if plain:
                    page.add_init_script("delete window.WebAssembly")
                page.goto((Path(folder) / f"light-{name}.html").as_uri())
                times = sorted(step_times(page, name))
                page.close()
                print(f"{name + (', plain JavaScript' if plain else ''):<28} "
                      f"median {statistics.median(times):5.1f} ms, "
                      f"95th percentile {times[int(0.95 * len(times))]:5.1f} ms, "
                      f"slowest {times[-1]:5.1f} ms (goal 30 and 60)")


if __name__ == "__main__":
    main()
