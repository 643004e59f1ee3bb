"""Pages of build/site in a real Chromium, to which no address but its own is open."""

import browsing
import pytest
from built import SITE

FOLDER = f"{SITE.as_uri()}/"


@pytest.fixture(scope="session")
def server():
    with browsing.served(SITE) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    with browsing.chromium() as browser:
        yield browser


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
