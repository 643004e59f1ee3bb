"""A simulated learner: a browser's cookies, a server, a kernel's websocket."""

import json
import time
import uuid
from urllib.parse import urlsplit

import httpx
import websocket

PATIENCE = 300  # seconds for any one step
SILENCE = 60  # seconds: a browser answers the server's pings, a simulated one only while it waits


class Learner:
    """One learner: cookies, a server, a kernel."""

    def __init__(self, url: str, name: str, password: str) -> None:
        """Come in with an empty browser."""
        self.url, self.name, self.password = url.rstrip("/"), name, password
        self.browser = httpx.Client(timeout=PATIENCE, trust_env=False, follow_redirects=True,
                                    verify=False)
        self.base = f"{self.url}/user/{name}"
        self.socket = None

    def sign_in(self) -> None:
        """Fill in the sign-in form."""
        self.browser.get(f"{self.url}/hub/login")
        answer = self.browser.post(f"{self.url}/hub/login", follow_redirects=False, data={
            "username": self.name, "password": self.password, "_xsrf": self._xsrf("/hub/")})
        if answer.status_code != 302:
            raise RuntimeError(f"sign-in gives {answer.status_code}")

    def open_lab(self) -> None:
        """Ask for Lab's page until it is there, through the hub's page of progress."""
        began, answer = time.monotonic(), self.browser.get(f"{self.url}/hub/spawn")
        while "jupyter-config-data" not in answer.text:
            if answer.status_code == 429 or time.monotonic() > began + PATIENCE:
                raise RuntimeError(f"Lab gives {answer.status_code} at {answer.url}")
            time.sleep(0.5)
            answer = self.browser.get(f"{self.base}/lab")

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Call the server's API as Lab does."""
        head = {"X-XSRFToken": self._xsrf(f"/user/{self.name}/")}
        answer = self.browser.request(method, f"{self.base}/api/{path}", headers=head, **options)
        answer.raise_for_status()
        return answer

    def _xsrf(self, path: str) -> str:
        found = [each.value for each in self.browser.cookies.jar
                 if each.name == "_xsrf" and each.path == path]
        return found[0] if found else ""

    def start_kernel(self) -> str:
        """Ask for a kernel and connect to it; return its id."""
        self.kernel = self.ask("POST", "kernels", json={"name": "python3"}).json()["id"]
        self.connect()
        return self.kernel

    def connect(self) -> None:
        """Open the kernel's websocket, as a browser does again after it was cut off."""
        if self.socket is not None:
            self.socket.close()
        place = urlsplit(self.base)
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.browser.cookies.jar
                            if place.path.startswith(each.path.rstrip("/")))
        scheme = "wss" if place.scheme == "https" else "ws"
        self.socket = websocket.create_connection(
            f"{scheme}://{place.netloc}{place.path}/api/kernels/{self.kernel}/channels",
            cookie=cookies, timeout=PATIENCE, http_no_proxy=["*"],
            sslopt={"cert_reqs": 0} if scheme == "wss" else None)
        self.heard = time.monotonic()

    def run(self, code: str) -> str:
        """Run code; return what it printed. An error in it raises RuntimeError."""
        if time.monotonic() > self.heard + SILENCE:
            self.connect()  # the server cuts off who has not answered for two minutes
        number, printed = uuid.uuid4().hex, []
        self.socket.send(json.dumps({
            "header": {"msg_id": number, "username": self.name, "session": number, "date": "",
                       "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {}, "metadata": {}, "buffers": [], "channel": "shell",
            "content": {"code": code, "silent": False, "store_history": True,
                        # what comes next is not to be passed over because this failed
                        "user_expressions": {}, "allow_stdin": False, "stop_on_error": False}}))
        waits = {"execute_reply", "idle"}
        while waits:
            message = json.loads(self.socket.recv())
            self.heard = time.monotonic()
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            waits -= {message["msg_type"], content.get("execution_state")}
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            if message["msg_type"] == "error":
                raise RuntimeError(f"{content['ename']}: {content['evalue']}")
            if content.get("status") == "aborted":
                raise RuntimeError("the kernel passed over this code")
        return "".join(printed)

    def leave(self) -> None:
        """Shut the kernel down and go."""
        self.ask("DELETE", f"kernels/{self.kernel}")
        self.socket.close()
        self.browser.close()
