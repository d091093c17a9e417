"""A TCP proxy that misbehaves on command: the network between a recorder and its cameras."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets the connection


class FaultyProxy:
    """Passes connections to 127.0.0.1:`port` on, from a port of its own and in a thread of its own; a context manager.

    Args:
        port: of the server behind.

    Attributes:
        attempts: when clients connected, let in or not; seconds, monotonic.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self.attempts: list[float] = []
        self._refusing = False
        self._open: set[asyncio.StreamWriter] = set()  # both ends of each connection
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-proxy")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def url_of(self, url: str) -> str:
        """The same camera, through the proxy."""
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}").geturl()

    def stall(self) -> None:
        """Pass nothing on, in either direction; connections stay open, new ones are let in."""
        self._call(self._flowing.clear)

    def flow(self) -> None:
        """End `stall` and `refuse`."""
        self._refusing = False
        self._call(self._flowing.set)

    def garbage(self, n_bytes: int) -> None:
        """Send random bytes to every client, between what the server sends."""
        self._call(lambda: self._inject(n_bytes))

    def cut(self) -> None:
        """Reset all connections."""
        self._call(self._cut)

    def refuse(self) -> None:
        """Close every new connection at once, until `flow`."""
        self._refusing = True

    def close(self) -> None:
        """Reset all connections and end the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def _call(self, work: Callable[[], object]) -> None:
        """Do it in the proxy's thread, and wait for that."""

        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _inject(self, n_bytes: int) -> None:
        for client in self._clients:
            client.write(os.urandom(n_bytes))

    def _cut(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets transports close

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(time.monotonic())
        if self._refusing:
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine runs in a task
        self._tasks.add(task)
        try:
            behind, to_behind = await asyncio.open_connection("127.0.0.1", self._behind)
            await self._pass_on(reader, writer, behind, to_behind)
        except (OSError, asyncio.CancelledError):
            _reset(writer)  # nobody is behind, or the proxy closes; asyncio would print the cancellation
        finally:
            self._tasks.discard(task)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        behind: asyncio.StreamReader,
        to_behind: asyncio.StreamWriter,
    ) -> None:
        """Both directions, until one ends."""
        both = {writer, to_behind}
        self._open |= both
        self._clients.add(writer)
        pumps = [asyncio.ensure_future(self._pump(*ends)) for ends in ((reader, to_behind), (behind, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._clients.discard(writer)
            self._open -= both
            for end in both:
                end.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while True:
            await self._flowing.wait()
            data = await source.read(_CHUNK)
            await self._flowing.wait()
            if not data:
                return
            target.write(data)
            await target.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    plug: socket.socket | None = writer.get_extra_info("socket")
    if plug is not None and plug.fileno() >= 0:  # not closed by the other end meanwhile
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
