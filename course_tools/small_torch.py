"""Install the torch that the course pins: on Linux its CPU build, where that can be had.

Linux's default build is for GPUs and gigabytes larger, so an index of CPU builds is asked before
pip's own: with a short time-out and no retries, for those who cannot reach it. Needs Python and pip
alone, since it comes before all other packages.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

SECONDS = 5  # that an index has to answer


def main(arguments: list[str] | None = None) -> int:
    """Say in one line where torch comes from and how large it is; install it."""
    parser = argparse.ArgumentParser(prog="course_tools.small_torch", description=__doc__)
    parser.add_argument("constraints", help="the file that pins torch")
    parser.add_argument("index", nargs="?", default="", help="URL of an index of CPU builds")
    options = parser.parse_args(arguments)
    wanted = ["-c", options.constraints, requirement(options.constraints)]
    if options.index and sys.platform == "linux":
        small = [*wanted, "--no-deps", "--index-url", options.index]
        if said := plan([*small, "--timeout", str(SECONDS), "--retries", "0"]):
            print(said, flush=True)
            if not pip(small).returncode:
                return 0
        print(f"torch: {options.index} has no build for here or does not answer; "
              "asking pip's own index", flush=True)
    if said := plan(wanted):
        print(said, flush=True)
    return pip(wanted).returncode


def requirement(constraints: str) -> str:
    """Return what the file says of torch, such as "torch==2.13.0"."""
    found = re.search(r"^torch==\S+", Path(constraints).read_text("utf-8"), re.MULTILINE)
    return found[0] if found else "torch"


def pip(arguments: list[str], **options) -> subprocess.CompletedProcess:
    """Run pip install."""
    return subprocess.run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check",
                           *arguments], **options)


def plan(arguments: list[str]) -> str:
    """Say what pip would install, from where, and how large it is; "" where it could not."""
    done = pip([*arguments, "--dry-run", "--quiet", "--report", "-"], capture_output=True)
    if done.returncode:
        return ""
    files = json.loads(done.stdout)["install"]
    if not files:
        return "torch: installed already"
    sizes = [size(file["download_info"]["url"]) for file in files]
    torch = next(file for file in files if file["metadata"]["name"] == "torch")
    others = f" with {len(files) - 1} other packages" if len(files) > 1 else ""
    return (f"torch {torch['metadata']['version']}{others}: {sum(sizes) / 1e6:,.0f} MB from "
            f"{source(torch['download_info']['url'])}")


def source(url: str) -> str:
    """Return the host of a file, or its folder where it is on this machine."""
    parts = urlsplit(url)
    return parts.netloc or str(Path(unquote(parts.path)).parent)


def size(url: str) -> int:
    """Return the bytes of a file without taking it; 0 where nobody says."""
    if url.startswith("file:"):
        return Path(unquote(urlsplit(url).path)).stat().st_size
    try:
        with urlopen(Request(url, method="HEAD"), timeout=SECONDS) as answer:
            return int(answer.headers.get("Content-Length", 0))
    except (URLError, OSError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
