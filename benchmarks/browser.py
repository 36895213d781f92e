"""Pictures of pages, taken in headless Chromium over its debugging pipe."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-sync", "--disable-background-networking",
    "--remote-debugging-pipe", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip
COMMANDS_FD, ANSWERS_FD = 3, 4  # fixed by --remote-debugging-pipe


class Browser:
    """Headless Chromium with WebGL in software; a context manager."""

    def __init__(self) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise FileNotFoundError("chromium is needed for pictures")
        self._profile = tempfile.TemporaryDirectory()
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()

        def place_pipes() -> None:
            spare = os.dup(answers), os.dup(commands)  # neither may be overwritten by the first dup2
            os.dup2(spare[1], COMMANDS_FD)
            os.dup2(spare[0], ANSWERS_FD)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._profile.name}"],
            preexec_fn=place_pipes,
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        self._count, self._unread = 0, b""

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._profile.cleanup()

    def picture(
        self, address: str, file: Path, width: int, height: int, wait_s: float, scheme: str = "light"
    ) -> None:
        """Open a page, let it draw for `wait_s`, and write what is seen as PNG. scheme: light or dark."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", session, **size)
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self._call("Emulation.setEmulatedMedia", session, features=[preference])
        self._call("Page.navigate", session, url=address)
        time.sleep(wait_s)
        taken = self._call("Page.captureScreenshot", session, format="png")["data"]
        file.write_bytes(base64.b64decode(taken))
        self._call("Target.closeTarget", targetId=target)

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """A command of the DevTools protocol, and its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])

    def _next(self) -> bytes:
        while b"\0" not in self._unread:
            found = os.read(self._answers, 1 << 20)
            if not found:
                raise RuntimeError("chromium has ended")
            self._unread += found
        first, _, self._unread = self._unread.partition(b"\0")
        return first
