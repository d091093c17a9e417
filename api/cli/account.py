"""`xunren account` and `xunren key`: the commands and their options. Only the owner of the data folder can use them."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.context import settings_of
from api.cli.options import Json

account_app = typer.Typer(help="Accounts that may sign in: add, list and change them.", no_args_is_help=True)
key_app = typer.Typer(help="API keys for jobs.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="operator, supervisor, auditor or admin (repeatable).")]
Everything = Annotated[bool, typer.Option("--everything", help="Sees all cameras.")]
Districts = Annotated[list[str] | None, typer.Option("--district", help="Sees this district's cameras (repeatable).")]
Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Sees this camera (repeatable).")]
BackHours = Annotated[float | None, typer.Option(help="Sees recordings of the last so many hours only.")]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def add_to(app: typer.Typer) -> None:
    """Add the groups to the command line."""
    app.add_typer(account_app, name="account")
    app.add_typer(key_app, name="key")


@account_app.command("add")
def account_add(
    context: typer.Context,
    name: Name,
    role: Roles = None,
    everything: Everything = False,
    district: Districts = None,
    camera: Cameras = None,
    back_hours: BackHours = None,
    password_stdin: Stdin = False,
    oidc: Annotated[bool, typer.Option("--oidc", help="No password: it signs in at the OIDC provider.")] = False,
) -> None:
    """Make an account; asks for its password."""
    from api.commands import account as commands

    rights = commands.AccountRights(role or (), everything, district or (), camera or (), back_hours)
    commands.add_account(settings_of(context), name, rights, from_stdin=password_stdin, oidc=oidc)


@account_app.command("list")
def account_list(context: typer.Context, json: Json = False) -> None:
    """List the accounts."""
    from api.commands.account import list_accounts

    list_accounts(settings_of(context), as_json=json)


@account_app.command("change")
def account_change(
    context: typer.Context,
    name: Name,
    role: Roles = None,
    everything: Everything = False,
    district: Districts = None,
    camera: Cameras = None,
    back_hours: BackHours = None,
    disable: Annotated[bool | None, typer.Option("--disable/--enable", help="Lock out, or let in again.")] = None,
) -> None:
    """Change the options that you give: roles replace roles, a scope replaces the scope."""
    from api.commands import account as commands

    rights = commands.AccountRights(role or (), everything, district or (), camera or (), back_hours)
    commands.change_account(settings_of(context), name, rights, disable)


@account_app.command("password")
def account_password(context: typer.Context, name: Name, password_stdin: Stdin = False) -> None:
    """Give an account a new password; its sessions end."""
    from api.commands.account import set_password

    set_password(settings_of(context), name, from_stdin=password_stdin)


@key_app.command("new")
def key_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Roles = None,
    everything: Everything = False,
    district: Districts = None,
    camera: Cameras = None,
    back_hours: BackHours = None,
    days: Annotated[float, typer.Option(help="Days until it expires, at most 366.")] = 90.0,
) -> None:
    """Make a key and print it, this once."""
    from api.commands import account as commands

    rights = commands.AccountRights(role or (), everything, district or (), camera or (), back_hours)
    commands.new_key(settings_of(context), name, rights, days)


@key_app.command("list")
def key_list(context: typer.Context, json: Json = False) -> None:
    """List the keys, without their secrets."""
    from api.commands.account import list_keys

    list_keys(settings_of(context), as_json=json)


@key_app.command("remove")
def key_remove(context: typer.Context, number: Annotated[int, typer.Argument(help="Number of the key.")]) -> None:
    """Revoke a key."""
    from api.commands.account import remove_key

    remove_key(settings_of(context), number)
