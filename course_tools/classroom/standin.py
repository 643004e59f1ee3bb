"""What Jupyter starts as a kernel: asks for a copy of the prepared process and stands in for it.

    python -I -S standin.py SOCKET CONNECTION_FILE

It passes SIGINT on, ends when its kernel ends or when the server that started it is gone; and when
it ends, so does its kernel. Where no prepared process answers it becomes an ordinary kernel.
It imports little, for one of it runs for each kernel.
"""

import contextlib
import json
import os
import signal
import socket
import sys


def main(path: str, connection: str) -> int:
    """Stand in for one kernel."""
    server, parent = socket.socket(socket.AF_UNIX), os.getppid()
    environment = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
    wanted = {"connection": connection, "environment": environment,
              "folder": os.getcwd()}  # noqa: PTH109 - pathlib is large
    try:
        server.connect(path)
        text = json.dumps(wanted).encode() + b"\n"
        sent = socket.send_fds(server, [text], [1, 2])
        server.sendall(text[sent:])
        kernel = int(server.recv(64))
    except (OSError, ValueError):  # nobody is there, or it was cut off
        os.execv(sys.executable,
                 [sys.executable, "-m", "ipykernel_launcher", "-f", connection])

    def interrupt(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the kernel ends with this process
    server.settimeout(1)
    while os.getppid() == parent:
        try:
            if not server.recv(64):
                return 1
        except TimeoutError:
            pass
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
