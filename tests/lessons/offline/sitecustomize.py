"""Block every address but loopback, in each Python that starts with this folder on its path."""

import sys


def block(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.bind"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"  # a local socket's path
    else:
        return
    if host not in ("localhost", "127.0.0.1", "::1", None, ""):
        raise OSError(f"blocked: {event} to {host}")

sys.addaudithook(block)
