"""Pages of build/site in a real Chromium, to which no address but its own is open."""

import functools
import http.server
import os
import threading

import pytest
from built import CHROMIUM, FLAGS, SITE

FOLDER = f"{SITE.as_uri()}/"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a word."""

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="session")
def server():
    """Serve the site on loopback; give its URL."""
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "no Chromium is installed here"
    with sync_playwright() as playwright:
        # without our TMPDIR: the path of a socket that it makes there has to be short
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env={
            name: value for name, value in os.environ.items() if name != "TMPDIR"})
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Give a function that opens a page of the site; whatever is amiss on it fails the test."""
    amiss, contexts = [], []

    def open_page(name, base=FOLDER, **settings):
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()

        def route(route):
            if not route.request.url.startswith((base, "data:", "blob:")):
                amiss.append(f"{name} asks for {route.request.url}")
                return route.abort()
            return route.continue_()

        page.route("**/*", route)
        page.on("console", lambda message: message.type in ("error", "warning") and amiss.append(
            f"{name}: {message.type}: {message.text}"))
        page.on("pageerror", lambda error: amiss.append(f"{name}: {error}"))
        page.on("requestfailed", lambda request: amiss.append(f"{name}: failed: {request.url}"))
        page.on("response", lambda response: response.status >= 400 and amiss.append(
            f"{name}: {response.status}: {response.url}"))
        page.goto(base + name, wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert amiss == []
