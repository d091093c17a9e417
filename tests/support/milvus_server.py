"""A real Milvus server for the store's contract tests, out of reach of every network.

PyPI's `milvus` listens on every interface whatever its settings say, so it runs in a network namespace of its own,
which has nothing but a loopback. A Unix socket, which namespaces do not part, is the only way in::

    test -> 127.0.0.1:PORT (thread of the test process) -> Unix socket -> helper in the namespace -> Milvus

This file is both sides: `running_milvus` for tests, and, run as a script by the server's own virtual environment, the
helper. The helper ends Milvus and itself when its standard input closes, so a killed test run leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGE = "milvus==2.3.5"
START_S = 60.0
ROOT = Path(__file__).parents[2]


# The test's side -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running_milvus(folder: Path, *, keep: bool = False) -> Iterator[str]:
    """Start a server with its data in `folder`, give its http address on 127.0.0.1, end it; `keep` leaves the data.

    XUNREN_TEST_MILVUS_URI names a running server instead, for machines where no namespace can be made.

    Raises:
        RuntimeError: it did not start; the helper's last words are in the message.
    """
    given = os.environ.get("XUNREN_TEST_MILVUS_URI")
    if given:
        yield given
        return
    python = _server_python()
    way_in = folder / "milvus.sock"  # connected to by its short name: a Unix address has at most 107 bytes
    way_in.unlink(missing_ok=True)
    log_path = folder / "helper.log"
    alone = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-Urn"]
    with log_path.open("wb") as log:
        helper = subprocess.Popen(
            [*alone, str(python), str(Path(__file__).resolve()), way_in.name, "data", *["keep"] * keep],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(way_in, helper, log_path)
        with _listening(folder, way_in.name) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        _end(helper)


@contextlib.contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database on a running server, give the address of it, and remove it with all its collections."""
    from pymilvus import MilvusClient

    name = f"test_{uuid.uuid4().hex[:12]}"
    client = MilvusClient(server)
    client.create_database(name)
    try:
        yield f"{server}/{name}"
    finally:
        inside = MilvusClient(f"{server}/{name}")
        for collection in inside.list_collections():
            inside.drop_collection(collection)
        client.drop_database(name)
        inside.close()
        client.close()


def _server_python() -> Path:
    """The interpreter of the server's virtual environment, which is made on first use."""
    home = Path(os.environ.get("XUNREN_TEST_MILVUS_VENV") or ROOT / ".venv-milvus")
    python = home / "bin" / "python"
    if not (home / "bin" / "milvus-server").exists():
        for command in (
            [sys.executable, "-m", "venv", str(home)],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE],
        ):
            subprocess.run(command, check=True)
    return python


def _wait_for(way_in: Path, helper: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while not way_in.exists():
        if helper.poll() is not None or time.monotonic() > until:
            said = log.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(
                f"the Milvus test server did not start within {START_S:g} s (exit {helper.poll()}): {said}\n"
                "cure: allow network namespaces (unshare -n), or name a server in XUNREN_TEST_MILVUS_URI"
            )
        time.sleep(0.05)


def _end(helper: subprocess.Popen[bytes]) -> None:
    assert helper.stdin is not None
    helper.stdin.close()  # the helper's sign to end Milvus and then itself
    try:
        helper.wait(timeout=15)
    except subprocess.TimeoutExpired:
        helper.kill()
        helper.wait()


@contextlib.contextmanager
def _listening(folder: Path, name: str) -> Iterator[int]:
    """A port on the loopback whose connections go through the Unix socket `name` in `folder`."""
    folder_fd = os.open(folder, os.O_RDONLY)

    def connect() -> socket.socket:
        inner = socket.socket(socket.AF_UNIX)
        inner.connect(f"/proc/self/fd/{folder_fd}/{name}")
        return inner

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_forward_all, args=(door, connect), daemon=True).start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)
    os.close(folder_fd)


# Both sides ----------------------------------------------------------------------------------------------------


def _forward_all(door: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Accept until `door` is closed; pass bytes between each connection and a new one from `connect`."""
    while True:
        try:
            outer, _ = door.accept()
        except OSError:
            return
        try:
            inner = connect()
        except OSError:
            outer.close()
            continue
        for a, b in ((outer, inner), (inner, outer)):
            threading.Thread(target=_pump, args=(a, b), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    source.close()  # the other pump closes its own


# The helper's side, in the namespace -----------------------------------------------------------------------------


def _loopback_up() -> None:
    """What `ip link set lo up` does, without needing iproute2."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        get_flags, set_flags, up = 0x8913, 0x8914, 1
        request = bytearray(struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(s, get_flags, request)
        flags = struct.unpack_from("h", request, 16)[0]
        fcntl.ioctl(s, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def _alone() -> bool:
    """Whether the loopback is the only interface here."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def _helper(way_in: str, data: str, keep: str = "") -> None:
    if not _alone():
        sys.exit("refused: Milvus listens on every interface, and there is more than the loopback here")
    _loopback_up()
    from milvus import MilvusServer  # type: ignore[import-not-found, unused-ignore]

    server = MilvusServer()
    server.set_base_dir(str(Path(data).resolve()))
    server.config.extra_configs["proxy.timeTickInterval"] = "20"  # ms that a Strong read waits for; 200 by default
    try:
        server.start()
        address = ("127.0.0.1", server.listen_port)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(way_in + ".new")
            door.listen(64)
            threading.Thread(
                target=_forward_all, args=(door, lambda: socket.create_connection(address)), daemon=True
            ).start()
            Path(way_in + ".new").rename(way_in)
            sys.stdin.buffer.read()
    finally:
        server.stop()
        if not keep:
            shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    _helper(*sys.argv[1:])
