"""`xunren serve`: the page, the API and the indexing of what waits in the catalogue, in one process."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import uvicorn

from api.accounts import AccountStore, check_oidc
from api.cases import tiles_of
from api.composition import open_catalog, open_context
from api.jobs import (
    apply_retention_until,
    deliver_alerts_until,
    exit_on_sigterm,
    export_heads_until,
    in_background,
    index_until,
)
from api.reindex import backfill_until, load_indexes_until
from api.runtime import Activity, AppContext, address_file
from api.web.app import create_app
from indexer.recorder import Recorder
from search.config import Settings
from search.errors import BadInput, Unavailable
from search.types import SegmentReport


def serve(
    settings: Settings,
    *,
    insecure: bool,
    on_start: Callable[[str, str], None],
    record: bool = True,
    index: bool = True,
) -> None:
    """Answer until interrupted.

    Args:
        settings: settings with `host` and `port`; port 0 takes a free one.
        insecure: allow an address that other machines reach without TLS, or without accounts.
        on_start: told the page's address once it answers, and the link to the first account where there is none.
        record: also record the live cameras.
        index: also index what is recorded or waits, and delete what is too old.

    Raises:
        BadInput: an address that other machines reach, without `insecure`.
        Unavailable: the port is taken, or a part cannot run.
        Conflict: the index was made with another model.
    """
    exit_on_sigterm()  # uvicorn raises the signal again when it has stopped answering
    loopback = _is_loopback(settings.host)
    _check_tls(settings)
    check_oidc(settings)
    tiles_of(settings)  # a wrong folder fails now rather than at the first map
    if not loopback and not insecure:
        _check_open_address(settings)
    with ExitStack() as stack:
        listener = stack.enter_context(closing(_listen(settings.host, settings.port)))
        if record:  # before the model is loaded, which takes seconds that would not be recorded
            catalog = stack.enter_context(open_catalog(settings))
            stack.enter_context(Recorder(settings, catalog))
        context = stack.enter_context(open_context(settings))
        context.engine.warm_up()
        port = listener.getsockname()[1]
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
        url = f"{'https' if settings.tls_cert else 'http'}://{host}:{port}"
        activity = Activity()
        hosts = ("127.0.0.1", "localhost", settings.host) if loopback else None
        local_key = secrets.token_urlsafe(32)
        setup_token = _setup_token(context)
        made = create_app(context, activity=activity, hosts=hosts, local_key=local_key, setup_token=setup_token)
        config = uvicorn.Config(
            made,
            log_level="warning",
            access_log=False,
            ssl_certfile=settings.tls_cert or None,
            ssl_keyfile=settings.tls_key or None,
        )
        server = uvicorn.Server(config)
        made.state.stopping = lambda: server.should_exit
        stack.enter_context(_announcement(settings, url, local_key))
        stack.enter_context(in_background("alerts", lambda stop: deliver_alerts_until(context, stop)))
        if settings.audit_export_dir:
            stack.enter_context(in_background("heads", lambda stop: export_heads_until(context, stop)))
        if index:
            stack.enter_context(in_background("indexing", lambda stop: index_until(context, stop, activity, _ignore)))
            stack.enter_context(in_background("re-index", lambda stop: backfill_until(context, stop)))
            stack.enter_context(in_background("retention", lambda stop: apply_retention_until(context, stop)))
        else:
            stack.enter_context(in_background("indexes", lambda stop: load_indexes_until(context, stop)))
        on_start(url, f"{url}/#setup={setup_token}" if setup_token else "")
        server.run(sockets=[listener])


def _setup_token(context: AppContext) -> str:
    """Return the token of the link to the first account, a new one at each start; nothing where one exists."""
    needed = context.settings.accounts and AccountStore(context.catalog).empty()
    return secrets.token_urlsafe(24) if needed else ""


def _check_open_address(settings: Settings) -> None:
    if settings.accounts and settings.tls_cert:
        return
    missing = "passwords would travel in clear" if settings.accounts else "there are no accounts"
    raise BadInput(
        f"this address can be reached by other machines, and {missing}",
        got=settings.host,
        expected="127.0.0.1, or tls_cert and tls_key",
        cure="leave --host away, or add --insecure where a proxy speaks TLS and everyone who can reach it may",
    )


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise BadInput("tls_cert and tls_key belong together", cure="give both, or none")


def _ignore(_: SegmentReport) -> None:
    """Do nothing: the activity has been noted already."""


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
def _announcement(settings: Settings, url: str, key: str) -> Iterator[None]:
    """Leave address and key in the data folder, for its owner only: `xunren search` and others find them there."""
    file = address_file(settings)
    file.unlink(missing_ok=True)  # whose mode may be another
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        json.dump({"url": url, "pid": os.getpid(), "key": key, "certificate": settings.tls_cert}, written)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
