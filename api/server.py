"""`xunren serve`: the page, the API and the indexing of what waits in the catalogue, in one process."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn

from api.app import create_app
from api.client import address_file
from api.parts import Parts, open_parts
from api.routes.activity import Activity
from indexer.pipes import Stopped
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.types import Segment

log = logging.getLogger(__name__)

POLL_S = 1.0  # how often the catalogue is asked for new segments while there are none


def serve(settings: Settings, *, insecure: bool, on_start: Callable[[str], None]) -> None:
    """Answer until interrupted.

    Args:
        settings: with `host` and `port`; port 0 takes a free one.
        insecure: allow an address that other machines reach, although there are no accounts yet.
        on_start: told the page's address once it answers.

    Raises:
        BadInput: an address that other machines reach, without `insecure`.
        Unavailable: the port is taken, or a part cannot run.
    """
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises the signal again when it has stopped answering
    loopback = _is_loopback(settings.host)
    if not loopback and not insecure:
        raise BadInput(
            "this address can be reached by other machines, and there are no accounts yet",
            got=settings.host,
            expected="127.0.0.1",
            cure="leave --host away, or add --insecure if everyone who can reach it may search",
        )
    with closing(_listen(settings.host, settings.port)) as listener, open_parts(settings) as parts:
        parts.engine.warm_up()
        port = listener.getsockname()[1]
        url = f"http://{'127.0.0.1' if settings.host in ('0.0.0.0', '::') else settings.host}:{port}"  # noqa: S104
        activity = Activity()
        app = create_app(
            parts, activity=activity, hosts=("127.0.0.1", "localhost", settings.host) if loopback else None
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        with _announced(settings, url), _indexing(parts, activity):
            on_start(url)
            server.run(sockets=[listener])


def _leave(_signal: int, _frame: object) -> None:
    """End by the front door, so that everything is closed and leases are given back."""
    raise SystemExit(0)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as e:
        raise Unavailable(
            "cannot listen there", got=f"{host}:{port}", cure=f"{e.strerror}; choose another --port or --host"
        ) from None


@contextmanager
def _announced(settings: Settings, url: str) -> Iterator[None]:
    """Leave the address in the data folder, where `xunren search` and `xunren index` look for it."""
    file = address_file(settings)
    file.write_text(json.dumps({"url": url, "pid": os.getpid()}), "utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _indexing(parts: Parts, activity: Activity) -> Iterator[None]:
    """Index in the background what waits in the catalogue."""
    stop = threading.Event()

    def progress(segment: Segment, offset_ms: int) -> None:
        activity.note(segment, offset_ms)
        if stop.is_set():
            raise Stopped

    def work() -> None:
        with parts.executor() as executor:
            while not stop.wait(POLL_S):
                for report in executor.run(progress):
                    activity.done(report.segment)
                    log.info("%s: %s, %d rows", report.segment.path, report.state, report.rows)

    def guarded() -> None:
        while not stop.is_set():
            try:
                work()
            except Stopped:
                return
            except Exception:  # searching must go on; what failed is tried again, and said
                activity.clear()
                log.exception("indexing stopped; trying again in 10 s")
                stop.wait(10)

    thread = threading.Thread(target=guarded, name="indexing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
