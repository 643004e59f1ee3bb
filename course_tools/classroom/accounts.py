"""Who learns here: names, passwords, accounts, and a home with working copies for each.

In the state folder `homes/learner01/home` is the learner's own (0700), `homes/learner01/tmp` what
the learner sees as /tmp, `disks/learner01.ext4` what both lie on, if they are bounded, and `public`
the kernel that all may use. All else is whose hub it is: passwords.json, hub.sqlite, logs.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from course_lib._allowed import require
from course_lib._files import HOME, write_whole

from course_tools.classroom.limits import end_all
from course_tools.lessons.copies import lay_copies

TEACHER = "teacher"
MOST = 99


def names(learners: int, prefix: str = "learner") -> list[str]:
    """Return the names to sign in with, which become names of Linux accounts: learner01, ….

    >>> names(2, "guest")
    ['guest01', 'guest02']
    """
    require(1 <= learners <= MOST, "learners", learners, f"1 to {MOST}")
    require(re.fullmatch("[a-z]{2,12}", prefix), "prefix", prefix, "2 to 12 letters from a to z")
    return [f"{prefix}{number:02}" for number in range(1, learners + 1)]


def passwords(state: Path) -> dict[str, str]:
    """Return the class's password and the teacher's; make them where there are none yet."""
    path = state / "passwords.json"
    if not path.is_file():
        from xkcdpass.xkcd_password import generate_wordlist, generate_xkcdpassword

        words = generate_wordlist("eff-short")
        path.touch(0o600)
        path.write_text(json.dumps({
            who: generate_xkcdpassword(words, numwords=count, delimiter="-")
            for who, count in (("learners", 4), (TEACHER, 9))}))  # 41 and 93 bits
    return json.loads(path.read_text())


def home_of(name: str, state: Path) -> Path:
    """Return a learner's home folder."""
    return state / "homes" / name / "home"


def prepare(who: list[str], state: Path, megabytes: int = 0) -> list[str]:
    """Make accounts, homes and working copies; what is there stays. Return a sentence or more.

    As root each name becomes a Linux account, and with `megabytes` each home a disk of that size.
    Otherwise homes are folders of whoever runs this.
    """
    root = os.getuid() == 0
    require(root or not megabytes, "megabytes", megabytes, "0 where you are not root")
    if root:
        check_open(state)
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o711 if root else 0o700)
    passwords(state)
    as_user(None, _map_mnist)
    said = []
    for name in who:
        place = state / "homes" / name
        place.mkdir(parents=True, exist_ok=True)
        if megabytes:
            _make_disk(name, state, megabytes)
        new = not (place / "home" / "work").exists()
        _make_home(name, place, root)
        said += [f"{name}: new"] * new
    return [*said, f"{len(who)} learners are prepared in {state}"]


def check_open(state: Path) -> None:
    """Raise ValueError where other accounts could not read the course, its Python, or the state."""
    for path in (HOME, Path(sys.prefix), Path(sys.executable).resolve(), state.resolve()):
        for folder in path.parents:
            closed = folder.exists() and not folder.stat().st_mode & 0o001
            require(not closed, "place", str(path), f"one that every account can reach, and "
                    f"{folder} is closed to others; /opt is open, and so is Python in /usr")


def _map_mnist() -> None:
    """Let the file of images be made that all kernels share: learners cannot write it."""
    from course_lib.data import load_mnist

    load_mnist()


def _make_home(name: str, place: Path, root: bool) -> None:
    """Make account, folders and copies of the lessons, all as the learner's own."""
    home = place / "home"
    if root:
        place.chmod(0o755)
        if _home_of_account(name) is None:
            subprocess.run(["useradd", "--user-group", "--no-create-home", "--home-dir", home,
                            "--shell", "/usr/sbin/nologin", name], check=True)
        user = pwd.getpwnam(name)
        require(user.pw_dir == str(home), "home of the account " + name, user.pw_dir, str(home))
    for folder in (home, place / "tmp"):
        folder.mkdir(exist_ok=True)
        if root:
            os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o700)
    as_user(name if root else None, lambda: lay_copies(home / "work"))


def as_user(name: str | None, work: Callable[[], object]) -> None:
    """Do something in a process of its own, with a learner's rights only."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if name is not None:
                user = pwd.getpwnam(name)
                os.setgroups([])
                os.setresgid(*[user.pw_gid] * 3)
                os.setresuid(*[user.pw_uid] * 3)
            work()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("a class could not be prepared; the lines above say why")


def _make_disk(name: str, state: Path, megabytes: int) -> None:
    """Lay a file system of a fixed size below a home. It takes no room before it is filled."""
    image = state / "disks" / f"{name}.ext4"
    if not image.exists():
        free = shutil.disk_usage(state).free // 10**6
        require(megabytes < free, "megabytes", megabytes, f"less than the {free:,} that are free")
        image.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(image, b"")
        os.truncate(image, megabytes * 10**6)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    mount_disks(state)


def mount_disks(state: Path) -> None:
    """Mount what is not mounted, as after the machine was started anew."""
    for image in sorted((state / "disks").glob("*.ext4")):
        place = state / "homes" / image.stem
        if not place.is_mount():
            subprocess.run(["mount", "-o", "loop,nosuid,nodev", image, place], check=True)


def remove(who: list[str], state: Path) -> None:
    """Take away accounts and mounts. What learners have written stays where it is."""
    for name in who:
        end_all(name)
        place = state / "homes" / name
        if place.is_mount():
            subprocess.run(["umount", "--lazy", place], check=True)
        if os.getuid() == 0 and home_of(name, state) == _home_of_account(name):
            subprocess.run(["userdel", name], check=True)


def _home_of_account(name: str) -> Path | None:
    try:
        return Path(pwd.getpwnam(name).pw_dir)
    except KeyError:
        return None
