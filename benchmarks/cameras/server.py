"""The simulated cameras' server as a process that tests and benchmarks start, disturb and end."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from search.errors import BadInput, NotFound, Unavailable

SYSTEM_PYTHON = Path("/usr/bin/python3")  # Debian's `gi` is installed for this one only
PACKAGES = ("gir1.2-gst-rtsp-server-1.0", "python3-gi")
_CURE = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
_SCRIPT = Path(__file__).with_name("gst_server.py")
_START_S = 60.0  # the first start on a machine looks at every plug-in of GStreamer
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class Mount:
    """What one camera shows.

    Attributes:
        file: Annex-B with access unit delimiters, as `make_media` makes; ends in .h264 or .h265.
        fps: pictures per second.
        phase_s: how far into the file the camera is when the server starts, so that cameras differ.
    """

    file: Path
    fps: float = 25.0
    phase_s: float = 0.0

    @property
    def codec(self) -> str:
        """From the file's name."""
        return codec_of(self.file)


def codec_of(file: Path) -> str:
    """Which of "h264" and "h265" it is.

    Raises:
        BadInput: the name ends otherwise.
    """
    codec = file.suffix[1:]
    if codec not in ("h264", "h265"):
        raise BadInput("a camera's media is an Annex-B file", got=file.name, expected="NAME.h264 or NAME.h265")
    return codec


class CameraServer:
    """RTSP cameras on 127.0.0.1, served by one process; a context manager.

    Args:
        mounts: name of each camera, the path of its address, and what it shows.
        user: with `password`, asked of clients by Basic and Digest; empty for none.
        password: see `user`.
        port: 0 takes a free one, kept over restarts.
        mtu: bytes of an RTP packet at most. Cameras send 1400; more costs less.

    Raises:
        Unavailable: GStreamer's RTSP server is not there, or does not start.
    """

    def __init__(
        self,
        mounts: Mapping[str, Path | Mount],
        *,
        user: str = "",
        password: str = "",
        port: int = 0,
        mtu: int = 1400,
    ) -> None:
        self._mounts = {name: m if isinstance(m, Mount) else Mount(m) for name, m in mounts.items()}
        self._user, self._password, self._mtu = user, password, mtu
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url(self, name: str, user: str | None = None, password: str | None = None) -> str:
        """Address of a camera, also of one that does not exist. User and password are the right ones unless given."""
        user, password = self._user if user is None else user, self._password if password is None else password
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{self.port}/{name}"

    def do(self, name: str, action: str, **arguments: float | Path) -> None:
        """Disturb a camera: see the commands of `gst_server`. `file` of "media" may come with its `fps`.

        Raises:
            NotFound: no such camera.
            BadInput: the server refuses the command.
            Unavailable: the server does not answer.
        """
        if name not in self._mounts:
            raise NotFound("no such camera", got=name, expected=", ".join(self._mounts))
        command: dict[str, Any] = {"mount": f"/{name}", "do": action, **arguments}
        if isinstance(file := arguments.get("file"), Path):
            command |= {"file": str(file.absolute()), "codec": codec_of(file)}
        process = self._running()
        assert process.stdin is not None  # noqa: S101  # it was started with pipes
        try:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            process.stdin.flush()
        except OSError as e:
            raise Unavailable("the camera server is gone", got=e) from None
        answer = self._answer(_ANSWER_S)
        if "error" in answer:
            raise BadInput("the camera server refuses the command", got=answer["error"])

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self._running().pid

    def cpu_s(self) -> float:
        """Seconds of CPU that the server's process has used since it was started."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it without a farewell (SIGKILL)."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()

    close = kill

    def restart(self) -> None:
        """Start it again on the same port, each camera from its beginning; ends it first where it runs."""
        self.kill()
        self._start()

    def freeze(self) -> None:
        """Let it do nothing, with all connections open (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise Unavailable("the camera server was ended", cure="restart() starts it again")
        return self._process

    def _start(self) -> None:
        _check_packages()
        config = {
            "port": self.port,
            "mtu": self._mtu,
            "user": self._user,
            "password": self._password,
            "mounts": [
                {
                    "path": f"/{name}",
                    "file": str(mount.file.absolute()),
                    "codec": mount.codec,
                    "fps": mount.fps,
                    "phase": mount.phase_s,
                }
                for name, mount in self._mounts.items()
            ],
        }
        with tempfile.TemporaryFile() as said:  # a pipe that nobody empties would stop it
            command = [str(SYSTEM_PYTHON), str(_SCRIPT), json.dumps(config)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)
            try:
                answer = self._answer(_START_S)
            except Unavailable as e:
                self.kill()
                said.seek(0)
                last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise Unavailable("the camera server does not start", got=last or e.got) from None
            if "ready" not in answer:
                self.kill()
                raise Unavailable("the camera server does not start", got=answer.get("error"))
            self.port = int(answer["ready"])

    def _answer(self, timeout_s: float) -> dict[str, Any]:
        process = self._running()
        assert process.stdout is not None  # noqa: S101  # it was started with pipes
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(timeout_s) else b""
        if not line:
            got = f"exit status {process.returncode}" if process.poll() is not None else f"nothing in {timeout_s:g} s"
            raise Unavailable("the camera server does not answer", got=got)
        answer: dict[str, Any] = json.loads(line)
        return answer


def _check_packages() -> None:
    """Whether the system's python3 has what the server is made of.

    Raises:
        Unavailable: it has not.
    """
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('GstApp', '1.0')"
    if not SYSTEM_PYTHON.exists():
        raise Unavailable("simulated cameras need the system's Python", got=f"no {SYSTEM_PYTHON}", cure=_CURE)
    done = subprocess.run([str(SYSTEM_PYTHON), "-c", probe], capture_output=True, check=False)
    if done.returncode:
        got = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Unavailable("simulated cameras need GStreamer's RTSP server", got=got, cure=_CURE)
