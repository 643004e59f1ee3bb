"""Where torch comes from: stand-in indexes on loopback, and pip itself."""

import functools
import http.server
import os
import socket
import subprocess
import sys
import threading
import zipfile

import pytest

from course_lib._files import HOME

from course_tools.small_torch import requirement

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch is small")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *said):
        pass


def wheel(folder, name, version):
    """Write a package that holds nothing but its name, and the page of an index that lists it."""
    folder = folder / name
    folder.mkdir(parents=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\n"
                                             f"Version: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                                          "Root-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr("ballast", "x" * 3_000_000)
    (folder / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>')


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves an index of one package and returns its URL."""
    servers = []

    def start(name, version):
        folder = tmp_path / f"index-{len(servers)}"
        wheel(folder, name, version)
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def install(tmp_path, serve):
    """Return a function that installs into an empty folder with a pip that knows one index."""
    (tmp_path / "constraints.txt").write_text("torch-pruning==1.0\ntorch==2.13.0\n")
    pips_own = serve("torch", "2.13.0")
    environment = {name: value for name, value in os.environ.items() if "PIP_" not in name}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": pips_own,
                    "PIP_TARGET": str(tmp_path / "installed"), "PIP_NO_CACHE_DIR": "1"}

    def run(*index):
        done = subprocess.run(
            [sys.executable, "-m", "course_tools.small_torch", tmp_path / "constraints.txt",
             *index], cwd=HOME, env=environment, capture_output=True, text=True,
            timeout=120)  # pip's own patience with a silent index is many minutes
        found = [path.name for path in (tmp_path / "installed").glob("torch-*")]
        return done, found, pips_own.removeprefix("http://")

    return run


@linux_only
def test_the_index_of_cpu_builds_comes_first(install, serve):
    index = serve("torch", "2.13.0+cpu")
    done, found, _ = install(index)
    assert (done.returncode, found) == (0, ["torch-2.13.0+cpu.dist-info"])
    host = index.removeprefix("http://")
    assert done.stdout.splitlines()[0] == f"torch 2.13.0+cpu: 3 MB from {host}"


@pytest.fixture
def silent():
    """Listen, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@linux_only
@pytest.mark.parametrize("why", ["is silent", "has no torch"])
def test_without_it_pips_own_index_is_asked(why, install, serve, silent):
    index = silent if why == "is silent" else serve("numpy", "1.0")
    done, found, own = install(index)
    assert (done.returncode, found) == (0, ["torch-2.13.0.dist-info"])
    first, second, *_ = done.stdout.splitlines()
    assert first == (f"torch: {index} has no build for here or does not answer; asking pip's own "
                     "index")
    assert second == f"torch 2.13.0: 3 MB from {own}"


def test_no_index_is_pips_own(install):
    done, found, own = install()
    assert (done.returncode, found) == (0, ["torch-2.13.0.dist-info"])
    assert done.stdout.splitlines()[0] == f"torch 2.13.0: 3 MB from {own}"


def test_the_pin_is_torchs_and_not_that_of_a_package_like_it():
    assert requirement(HOME / "constraints.txt").startswith("torch==2.")
