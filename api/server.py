"""`xunren serve`: the page, the API and the indexing of what waits in the catalogue, in one process."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import uvicorn

from api.app import create_app
from api.client import address_file
from api.parts import open_catalog, open_parts
from api.routes.activity import Activity
from api.services import (
    deliver_until,
    export_heads_until,
    in_background,
    index_until,
    keep_until,
    leave_by_the_front_door,
)
from indexer.recorder import Recorder
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.live_catalog import LiveCatalog
from search.types import SegmentReport


def serve(
    settings: Settings,
    *,
    insecure: bool,
    on_start: Callable[[str], None],
    record: bool = True,
    index: bool = True,
) -> None:
    """Answer until interrupted.

    Args:
        settings: with `host` and `port`; port 0 takes a free one.
        insecure: allow an address that other machines reach, although there are no accounts yet.
        on_start: told the page's address once it answers.
        record: also record the live cameras.
        index: also index what is recorded or waits, and delete what is too old.

    Raises:
        BadInput: an address that other machines reach, without `insecure`.
        Unavailable: the port is taken, or a part cannot run.
        Conflict: another process has the index open or records into the same folder.
    """
    leave_by_the_front_door()  # uvicorn raises the signal again when it has stopped answering
    loopback = _is_loopback(settings.host)
    if not loopback and not insecure:
        raise BadInput(
            "this address can be reached by other machines, and there are no accounts yet",
            got=settings.host,
            expected="127.0.0.1",
            cure="leave --host away, or add --insecure if everyone who can reach it may search",
        )
    with ExitStack() as stack:
        listener = stack.enter_context(closing(_listen(settings.host, settings.port)))
        if record:  # before the model is loaded, which takes seconds that would not be recorded
            catalog = stack.enter_context(open_catalog(settings))
            stack.enter_context(Recorder(settings, LiveCatalog(catalog)))
        parts = stack.enter_context(open_parts(settings))
        parts.engine.warm_up()
        port = listener.getsockname()[1]
        url = f"http://{'127.0.0.1' if settings.host in ('0.0.0.0', '::') else settings.host}:{port}"  # noqa: S104
        activity = Activity()
        hosts = ("127.0.0.1", "localhost", settings.host) if loopback else None
        server = uvicorn.Server(
            uvicorn.Config(create_app(parts, activity=activity, hosts=hosts), log_level="warning", access_log=False)
        )
        stack.enter_context(_announced(settings, url))
        stack.enter_context(in_background("alerts", lambda stop: deliver_until(parts, stop)))
        if settings.audit_export_dir:
            stack.enter_context(in_background("heads", lambda stop: export_heads_until(parts, stop)))
        if index:
            stack.enter_context(in_background("indexing", lambda stop: index_until(parts, stop, activity, _ignore)))
            stack.enter_context(in_background("retention", lambda stop: keep_until(parts, stop)))
        on_start(url)
        server.run(sockets=[listener])


def _ignore(_: SegmentReport) -> None:
    """The activity has been told already."""


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
