"""What of the classroom can be tested without JupyterHub, root or npm."""

import json
import os
import re

import pytest

from course_lib._files import HOME

from course_tools.__main__ import main
from course_tools.classroom import accounts, limits

CONTAINER = json.loads((HOME / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
VALUES = (HOME / "classroom" / "kubernetes" / "values.yaml").read_text("utf-8")
PROXY = json.loads((HOME / "classroom" / "package.json").read_text("utf-8"))
README = (HOME / "classroom" / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("learners", "prefix", "message"), [
    (0, "learner", "learners is 0; allowed is 1 to 99"),
    (100, "learner", "learners is 100; allowed is 1 to 99"),
    (3, "root; rm", "prefix is 'root; rm'; allowed is 2 to 12 letters"),
])
def test_names_that_are_none_are_refused(learners, prefix, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        accounts.names(learners, prefix)


def test_a_place_that_is_closed_to_others_is_refused(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(ValueError, match="one that every account can reach"):
        accounts.check_open(tmp_path / "class")


def test_what_learners_have_written_stays_when_the_class_is_prepared_again(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(accounts, "passwords", lambda state: {})
    assert accounts.prepare(["guest01"], tmp_path)[0] == "guest01: new"
    home = accounts.home_of("guest01", tmp_path)
    mine = home / "work" / "00_start_here.ipynb"
    mine.write_text("mine", "utf-8")
    assert accounts.prepare(["guest01"], tmp_path) == [f"1 learners are prepared in {tmp_path}"]
    assert mine.read_text("utf-8") == "mine"
    assert home.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match="megabytes is 10; allowed is 0 where you are not root"):
        accounts.prepare(["guest01"], tmp_path, 10)


def test_groups_are_found_in_both_versions(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "GROUPS", tmp_path)
    assert limits.folders("guest01") == {}
    for controller in ("memory", "pids"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").touch()
    assert limits.folders("guest01")["pids"] == tmp_path / "pids" / "course" / "guest01"
    (tmp_path / "cgroup.controllers").touch()
    assert set(limits.folders("guest01").values()) == {tmp_path / "course" / "guest01"}


def test_the_hub_says_what_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("course_tools.classroom.hub.HOME", tmp_path)
    with pytest.raises(SystemExit):
        main(["hub", "--state", str(tmp_path)])
    assert "npm ci --prefix classroom" in capsys.readouterr().err


def test_the_container_has_its_file_its_port_and_its_commands():
    dockerfile = (HOME / ".devcontainer" / CONTAINER["build"]["dockerfile"]).read_text("utf-8")
    assert (HOME / ".devcontainer" / CONTAINER["build"]["context"]).resolve() == HOME
    assert f"EXPOSE {CONTAINER['forwardPorts'][0]}" in dockerfile
    assert CONTAINER["postCreateCommand"] == "course doctor"
    assert re.findall("^USER (.*)$", dockerfile, re.MULTILINE)[-1] == CONTAINER["remoteUser"]


def test_no_password_stands_in_the_values_for_kubernetes():
    lines = [line for line in VALUES.splitlines() if not line.lstrip().startswith("#")]
    assert not re.search("password:", "\n".join(lines))
    assert "uid: 1000" in VALUES
    assert "terminals_enabled=False" in VALUES


def test_the_proxy_is_the_version_that_hubs_want():
    assert re.fullmatch(r"5\.\d+\.\d+", PROXY["dependencies"]["configurable-http-proxy"])


@pytest.mark.parametrize(("said", "limit"), [
    ("2 GB", limits.MEMORY == 2 * 10**9), ("| 200 |", limits.PROCESSES == 200),
    ("500 MB", limits.FILE == 500 * 10**6)])
def test_the_limits_are_those_that_are_written_down(said, limit):
    assert said in README
    assert limit
