"""`xunren serve`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 8000; 0 takes a free one).")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow a host that others can reach without TLS or accounts.")
    ] = False,
    record: Annotated[bool, typer.Option(help="Record the live cameras, too.")] = True,
    index: Annotated[bool, typer.Option(help="Index what is recorded or waits, too.")] = True,
) -> None:
    """Run the page, the API, recording and indexing in one process."""
    from api.web import server

    def started(url: str, setup: str) -> None:
        typer.echo(f"Xunren answers at {url}  (API: {url}/docs, stop with Ctrl-C)")
        if setup:
            typer.echo(f"Nobody has an account yet. Make the first one at {setup}  (valid once, until the server ends)")

    typer.echo("Loading the model ...")
    settings = settings_of(context, host=host, port=port)
    server.serve(settings, insecure=insecure, on_start=started, record=record, index=index)
