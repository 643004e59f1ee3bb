"""JupyterHub for one room. `course hub` starts it and says in COURSE_ROOM what it needs to know."""

import asyncio
import json
import os
import sys
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner

from course_lib._files import HOME

from course_tools.classroom.accounts import TEACHER, home_of, passwords
from course_tools.classroom.limits import confine, end_all, make_groups

c = get_config()  # noqa: F821
room = json.loads(os.environ["COURSE_ROOM"])
state, port, ssl = Path(room["state"]), room["port"], "s" if room["certificate"] else ""
bin_folder = Path(sys.prefix) / "bin"

# As root, in mounts of its own: what is temporary lies on the learner's disk, and is seen by
# nobody else. Then as the learner, who can never become another.
ENTER = """set -e
mount --bind "$HOME/../tmp" /tmp
mount --bind "$HOME/../tmp" /var/tmp
mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev tmpfs /dev/shm
cd "$HOME/work"
exec setpriv --reuid "$USER" --regid "$USER" --init-groups --no-new-privs --bounding-set=-all "$@"
"""


class OwnAccount(LocalProcessSpawner):
    """Start a learner's server under the learner's own Linux account and limits."""

    def make_preexec_fn(self, name):
        """Return what the new process does first, while it still is root's."""
        make_groups(name)
        return lambda: confine(name)

    async def stop(self, now=False):
        """Stop the server, and whatever else the learner has left running."""
        await super().stop(now)
        await asyncio.to_thread(end_all, self.user.name)


class Trusted(SimpleLocalProcessSpawner):
    """Start a learner's server under the account of whoever runs the hub: nothing is separate."""

    def make_preexec_fn(self, name):
        """Return what the new process does first."""
        return lambda: (os.chdir(home_of(name, state) / "work"), confine(name, together=False))


c.JupyterHub.bind_url = f"http{ssl}://{room['listen']}:{port}"
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = room["certificate"], room["key"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
proxy = HOME / "classroom/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
c.ConfigurableHTTPProxy.command = ["node", str(proxy)]
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
c.ConfigurableHTTPProxy.check_running_interval = 2
c.JupyterHub.db_url = f"sqlite:///{state / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "cookie")
c.JupyterHub.template_paths = [str(HOME / "classroom/templates")]

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = passwords(state)["learners"]
c.SharedPasswordAuthenticator.admin_password = passwords(state)[TEACHER]
c.Authenticator.admin_users = {TEACHER}
c.Authenticator.allowed_users = set(room["names"])
c.Authenticator.username_pattern = "|".join([*room["names"], TEACHER])

if room["root"]:
    c.JupyterHub.spawner_class = OwnAccount
    c.Spawner.cmd = ["unshare", "--mount", "sh", "-c", ENTER, "sh",
                     str(bin_folder / "jupyterhub-singleuser")]
else:
    c.JupyterHub.spawner_class = Trusted
    c.SimpleLocalProcessSpawner.home_dir_template = str(state / "homes/{username}/home")
    c.Spawner.cmd = [str(bin_folder / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.notebook_dir = str(state / "homes/{username}/home/work")
c.Spawner.disable_user_config = True
c.Spawner.start_timeout = c.Spawner.http_timeout = 180
c.JupyterHub.concurrent_spawn_limit = 0  # a limit would turn learners away, with "try again"
c.JupyterHub.default_url = lambda handler: (  # the teacher has no server, and needs no account
    "/hub/admin" if handler.current_user and handler.current_user.admin else "")
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}  # show the progress page at once
c.Spawner.environment = {
    "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin",
    "JUPYTER_CONFIG_PATH": str(HOME / "course_tools/jupyter"),
    "COURSE_PROGRESS": lambda spawner: str(home_of(spawner.user.name, state) / "progress.json"),
    "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
} | ({"JUPYTER_PATH": str(state / "public")} if room["forked"] else {})
c.Spawner.args = [
    "--ServerApp.terminals_enabled=False",
    "--MappingKernelManager.cull_idle_timeout=2400", "--MappingKernelManager.cull_interval=120",
    "--MappingKernelManager.cull_connected=True",  # a tab left open would hold a kernel for days
]

# For `course hub`, which starts all servers before the class, and to end what is idle for long
c.JupyterHub.services = [
    {"name": "doors", "api_token": os.environ["COURSE_DOORS"]},
    {"name": "cull", "command": [sys.executable, "-m", "jupyterhub_idle_culler",
                                 "--timeout=5400", "--cull-every=300"],
     "environment": {"HOME": str(state)}},  # so that one whose hub was killed can be found
]
c.JupyterHub.load_roles = [
    {"name": "doors", "scopes": ["list:users", "read:servers", "servers"], "services": ["doors"]},
    {"name": "cull", "services": ["cull"],
     "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"]},
]
