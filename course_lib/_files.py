"""Where the repository's files are; reading and writing them. Needs nothing but Python itself."""

from __future__ import annotations  # the doctor imports it, also where Python is too old

import hashlib
import os
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
DATA = HOME / "data"
CHECKPOINTS = DATA / "checkpoints"
RESULTS = DATA / "results"


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another process has its own
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:  # nothing half written stays, as where the disk is full
        part.unlink(missing_ok=True)


def read_shipped(path: Path, folders: str, sha256: str | None = None) -> bytes:
    """Read a file that ships with the course in `folders`.

    A missing file raises FileNotFoundError, one of another checksum ValueError.
    """
    remedy = f"restore it with: git checkout -- {folders}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {remedy}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if sha256 not in (None, found):
        raise ValueError(f"{path} is damaged ({len(content):,} bytes): its sha256 is {found}, "
                         f"expected {sha256}; {remedy}")
    return content
