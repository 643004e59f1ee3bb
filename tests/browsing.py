"""The Chromium of this machine, and how tests start it."""

import contextlib
import os
import shutil

CHROMIUM = next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextlib.contextmanager
def chromium():
    """Give a headless browser of its own, closed in the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # without our TMPDIR: the path of a socket that it makes there has to be short
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env={
            name: value for name, value in os.environ.items() if name != "TMPDIR"})
        yield browser
        browser.close()
