"""Where the repository's files are, and how one is written. Needs nothing but Python itself."""

from __future__ import annotations  # the doctor imports it, also where Python is too old

import os
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
DATA = HOME / "data"
CHECKPOINTS = DATA / "checkpoints"
RESULTS = DATA / "results"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another process has its own
    part.write_bytes(content)
    part.replace(path)
