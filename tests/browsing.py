"""The Chromium of this machine, how tests start it, and a server of files for it."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextlib.contextmanager
def chromium():
    """Give a headless browser of its own, closed in the end."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no Chromium is installed here"
    with sync_playwright() as playwright:
        # without our TMPDIR: the path of a socket that it makes there has to be short
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env={
            name: value for name, value in os.environ.items() if name != "TMPDIR"})
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path):
    """Serve a folder on 127.0.0.1; give its URL, which ends in a slash."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
