"""A class of two: they sign in, work, cannot reach each other, and outlive what is killed."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace

import httpx
import pytest
from browsing import CHROMIUM, chromium
from rooms import AXE, PLACE, PREFIX, as_others, why_not_as_others

from course_lib._files import HOME

from course_tools.classroom.accounts import home_of, names, passwords, remove
from course_tools.classroom.faults import find, until_at_work
from course_tools.classroom.hub import PLAIN, announcement
from course_tools.classroom.simulated import Learner

pytest.importorskip("jupyterhub", reason="pip install -c constraints.txt -e '.[class]'")
pytestmark = pytest.mark.skipif(
    not (HOME / "classroom/node_modules").is_dir() or sys.platform != "linux"
    or (os.getuid() == 0 and bool(why_not_as_others())),
    reason=f"npm ci --prefix classroom; Linux; {why_not_as_others()}")
STATE = PLACE / "state"


def free_ports():
    """Return a port that is free, as are the two after it."""
    for port in range(21_000, 30_000, 10):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no port is free")


@pytest.fixture(scope="module")
def hub(place):
    """Open a class of two; return its URL and what it printed."""
    port = free_ports()
    who = ["--learners", "2", "--names", PREFIX, "--state", str(STATE)]
    course = [sys.executable, "-m", "course_tools", "hub"]
    if os.getuid() == 0:
        subprocess.run([*course, "prepare", *who, "--disk", "50"], check=True, cwd=HOME)
    process = subprocess.Popen([*course, *who, "--port", str(port)], cwd=HOME, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        assert said[-1].startswith("Ctrl-C"), "".join(said)
        yield f"http://127.0.0.1:{port}", "".join(said)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(180) == 0
        assert not find(STATE, "jupyterhub-singleuser")
        assert not find(STATE, "jupyterhub_idle_culler")
        remove(names(2, PREFIX), STATE)
        shutil.rmtree(STATE)


@pytest.fixture(scope="module")
def learners(hub):
    """Sign two learners in, each with a kernel."""
    two = [Learner(hub[0], name, passwords(STATE)["learners"]) for name in names(2, PREFIX)]
    for learner in two:
        learner.sign_in()
        learner.open_lab()
        learner.start_kernel()
    return two


def test_the_screen_says_how_to_get_in(hub):
    url, said = hub
    assert f"Open {url}" in said
    assert passwords(STATE)["learners"] in said
    assert passwords(STATE)["teacher"] not in said
    assert "2 servers are up" in said
    assert "Only this machine can open it" in said
    assert ("every learner is you" in said) == (os.getuid() != 0)


@pytest.mark.parametrize(("listen", "certificate", "warned"), [
    ("0.0.0.0", None, True), ("0.0.0.0", "room.pem", False), ("127.0.0.1", None, False)])
def test_who_listens_to_the_network_without_a_certificate_is_told(hub, listen, certificate, warned):
    options = Namespace(listen=listen, certificate=certificate, port=8000, names="learner",
                        learners=2)
    said = announcement(options, STATE, 2, 1.0)
    assert (PLAIN in said) == warned
    assert (f"http{'s' if certificate else ''}://" in said)


@pytest.mark.parametrize(("name", "password"), [
    (f"{PREFIX}01", "not-the-password"), ("somebody", None), ("root", None), ("teacher", None)])
def test_no_other_name_and_no_other_password_gets_in(hub, name, password):
    with pytest.raises(RuntimeError, match="sign-in gives 403"):
        Learner(hub[0], name, password or passwords(STATE)["learners"]).sign_in()


def test_the_teacher_signs_in_with_a_password_of_her_own(hub):
    teacher = Learner(hub[0], "teacher", passwords(STATE)["teacher"])
    teacher.sign_in()
    assert teacher.browser.get(f"{hub[0]}/hub/").url.path == "/hub/admin"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here")
    with chromium() as browser:
        yield browser


@pytest.fixture
def signed_in(hub, browser):
    """Give a function that signs somebody in in a browser of their own; it returns the page."""
    contexts = []

    def sign_in(name, password, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.goto(hub[0])
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password", exact=False).first.fill(password)
        page.get_by_role("button", name="Sign in").click()
        return page

    yield sign_in
    for context in contexts:
        context.close()


def test_two_learners_open_the_course_in_a_browser(signed_in):
    pages = [signed_in(name, passwords(STATE)["learners"]) for name in names(2, PREFIX)]
    for page, name in zip(pages, names(2, PREFIX), strict=True):
        page.locator("strong", has_text="does everything work?").wait_for(timeout=60_000)
        assert f"/user/{name}/lab/tree/00_start_here.ipynb" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_on_the_hubs_pages(signed_in, hub, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not here: make test-classroom brings it")
    page = signed_in("teacher", "wrong", color_scheme=scheme, bypass_csp=True)
    page.get_by_text("Invalid username or password").wait_for()
    seen = {"sign-in": violations(page)}
    page = signed_in("teacher", passwords(STATE)["teacher"], color_scheme=scheme, bypass_csp=True)
    page.get_by_role("button", name="Shutdown Hub").wait_for()
    seen["teacher"] = violations(page)
    page.goto(f"{hub[0]}/hub/token")
    seen["token"] = violations(page)
    page = signed_in(names(1, PREFIX)[0], passwords(STATE)["learners"], color_scheme=scheme,
                     bypass_csp=True)
    for where in ("home", "nowhere"):
        page.goto(f"{hub[0]}/hub/{where}")
        seen[where] = violations(page)
    assert not any(seen.values()), seen


def violations(page):
    """Return what axe-core finds against WCAG 2.2 A and AA."""
    page.wait_for_timeout(500)
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => axe.run({runOnly: tags})", [
        "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"])
    assert len(found["passes"]) > 5
    return [(one["id"], node["html"]) for one in found["violations"] for node in one["nodes"]]


def test_lessons_are_there_and_no_terminals(learners):
    listed = [each["name"] for each in learners[0].ask("GET", "contents").json()["content"]]
    assert "02_weights_and_masks.ipynb" in listed
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        learners[0].ask("POST", "terminals")


def test_each_has_progress_and_one_thread_of_their_own(learners):
    learners[0].run("from course_tools.checks.progress import record; record('2.1', 'right')")
    assert learners[0].run("from course_tools.checks.progress import read; print(read())"
                           ) == "{'2.1': 'right'}\n"
    assert learners[1].run("from course_tools.checks.progress import read; print(read())"
                           ) == "{}\n"
    assert learners[0].run("import torch; print(torch.get_num_threads())") == "1\n"


def test_the_images_are_one_file_for_everyone(learners):
    code = ("from course_lib.data import load_mnist; data = load_mnist(); "
            "print('train.float32' in open('/proc/self/maps').read())")
    assert [learner.run(code) for learner in learners] == ["True\n", "True\n"]


@as_others
def test_nobody_reads_anothers_files_nor_the_hubs(learners):
    other = home_of(f"{PREFIX}02", STATE)
    for path in (other, other / "work", STATE / "passwords.json", STATE / "hub.sqlite",
                 STATE / "hub.log", STATE / "cookie"):
        with pytest.raises(RuntimeError, match="PermissionError"):
            learners[0].run(f"import os; os.listdir({str(path)!r}) if os.path.isdir({str(path)!r})"
                            f" else open({str(path)!r})")
    for code in ("import os; os.setuid(0)", f"open({str(HOME / 'course_lib' / 'x.py')!r}, 'w')"):
        with pytest.raises(RuntimeError, match="PermissionError"):
            learners[0].run(code)


@as_others
def test_nobody_uses_anothers_server(learners):
    learners[0].base = learners[1].base
    try:
        with pytest.raises(httpx.HTTPStatusError, match="40[34]"):
            learners[0].ask("GET", "contents")
    finally:
        learners[0].base = f"{learners[0].url}/user/{learners[0].name}"


@as_others
def test_what_is_temporary_is_seen_by_its_owner_alone(learners):
    learners[0].run("open('/tmp/mine', 'w').write('x'); open('/dev/shm/mine', 'w').write('x')")
    assert learners[1].run("import os; print(os.listdir('/tmp').count('mine'), "
                           "os.listdir('/dev/shm'))") == "0 []\n"


@as_others
def test_who_fills_a_disk_fills_their_own(learners):
    with pytest.raises(RuntimeError, match="No space left"):
        learners[0].run("open('/tmp/full', 'wb').write(bytes(60 * 10**6))")
    learners[1].run("open('/tmp/fine', 'wb').write(bytes(10**6))")
    learners[0].run("import os; os.remove('/tmp/full'); open('kept.txt', 'w').write('kept')")


def test_ten_gigabytes_and_endless_printing_stop_nobody_else(learners):
    with pytest.raises(RuntimeError, match="MemoryError"):
        learners[0].run("bytearray(10**10)")
    learners[0].socket.settimeout(2)
    with pytest.raises(Exception, match="timed out"):  # what is printed is cut off by the server
        learners[0].run("while True: print('x' * 100)")
    assert learners[1].run("print(6 * 7)") == "42\n"
    learners[0].ask("POST", f"kernels/{learners[0].kernel}/interrupt")
    until_at_work(learners[0], time.monotonic())


def test_a_killed_hub_comes_back_and_kernels_live_on(learners):
    learners[1].run("there = 1; open('saved.txt', 'w').write('saved')")
    for what in ("configurable-http-proxy", "-m jupyterhub "):
        for pid in find(STATE, what):
            os.kill(pid, signal.SIGKILL)
        until_at_work(learners[1], time.monotonic())
        assert learners[1].run("print(there)") == "1\n"
    assert learners[1].ask("GET", "contents/saved.txt").json()["content"] == "saved"


def test_a_killed_server_starts_again_with_what_was_saved(hub, learners):
    mine = find(STATE / "homes" / learners[1].name, "jupyterhub-singleuser")
    assert len(mine) == 1
    for pid in mine:
        os.kill(pid, signal.SIGKILL)
    again = Learner(hub[0], learners[1].name, passwords(STATE)["learners"])
    until_the_hub_answers(hub[0])  # it was killed just before
    again.sign_in()
    again.open_lab()
    assert again.ask("GET", "contents/saved.txt").json()["content"] == "saved"


def until_the_hub_answers(url):
    """Wait for a hub that was started again, and for its proxy."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/hub/health", trust_env=False).status_code == 200:
                return
        time.sleep(0.5)
    raise TimeoutError("the hub did not come back")


def test_the_kernels_folder_is_read_by_all_and_written_by_none(hub):
    spec = STATE / "public" / "kernels" / "python3" / "kernel.json"
    assert json.loads(spec.read_text())["argv"][1:3] == ["-I", "-S"]
    assert oct(spec.stat().st_mode & 0o777) == "0o644"
    assert oct((STATE / "passwords.json").stat().st_mode & 0o777) == "0o600"
