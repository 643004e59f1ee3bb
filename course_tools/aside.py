"""Where a learner's file is kept when another takes its place."""

import time
from pathlib import Path


def aside(path: Path, why: str = "") -> Path:
    """Return a path beside `path` with the reason, the date and the time in its name."""
    name = " ".join(filter(None, (path.stem, why, time.strftime("%Y-%m-%d %H.%M.%S"))))
    return path.with_name(name + path.suffix)
