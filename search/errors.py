"""One tree of errors. Each says what went wrong, what was got, what was expected and how to cure it."""

from __future__ import annotations

from collections.abc import Mapping

REFUSED = "Refused"
"""Name of `PolicyViolation` in JSON."""


class XunrenError(Exception):
    """Base of every error that is meant for a person.

    Args:
        what: one sentence that says what went wrong.
        got: the offending value, shortened for display.
        expected: what would have been right.
        cure: what to do now.
    """

    def __init__(self, what: str, *, got: object = None, expected: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.got = "" if got is None else shorten(str(got))
        self.expected = expected
        self.cure = cure

    def __str__(self) -> str:
        parts = [self.what]
        for label, text in (("got", self.got), ("expected", self.expected), ("cure", self.cure)):
            if text:
                parts.append(f"{label}: {text}")
        return "; ".join(parts)

    def as_dict(self) -> Mapping[str, str]:
        """Return the error as plain data, for JSON."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "got": self.got,
            "expected": self.expected,
            "cure": self.cure,
        }


class BadInput(XunrenError):
    """An input that cannot be used."""


class NotFound(XunrenError):
    """What was asked for does not exist."""


class Conflict(XunrenError):
    """The request contradicts what is already there (another model, another process, another schema)."""


class Unavailable(XunrenError):
    """A part that is needed cannot run now (store, model, disk)."""


class Denied(XunrenError):
    """The requester may not do this."""


class TooWide(Denied):
    """A search that needs the approval of another person first."""


class Unauthenticated(XunrenError):
    """The requester is not signed in."""


class TooMany(XunrenError):
    """Too many tries; `wait_s` says how long to wait."""

    def __init__(self, what: str, *, wait_s: int = 0, got: object = None, expected: str = "", cure: str = "") -> None:
        super().__init__(what, got=got, expected=expected, cure=cure)
        self.wait_s = wait_s


class BadMedia(XunrenError):
    """A media file that cannot be indexed. `reason` is a short stable word for reports and counters."""

    def __init__(self, what: str, *, reason: str, got: object = None, expected: str = "", cure: str = "") -> None:
        super().__init__(what, got=got, expected=expected, cure=cure)
        self.reason = reason


class PolicyViolation(XunrenError):
    """A sentence that the content policy forbids. `rule` is a name in ``search/parsing/content_policy.toml``."""

    def __init__(self, what: str, *, rule: str, got: object = None, expected: str = "", cure: str = "") -> None:
        super().__init__(what, got=got, expected=expected, cure=cure)
        self.rule = rule

    def as_dict(self) -> Mapping[str, str]:
        """Return the error as plain data, for JSON, with the rule's name."""
        return {**super().as_dict(), "error": REFUSED, "rule": self.rule}


def class_named(name: str) -> type[XunrenError]:
    """Return the class of the errors that are called `name` in JSON; `XunrenError` for an unknown name."""
    found = PolicyViolation if name == REFUSED else globals().get(name)
    return found if isinstance(found, type) and issubclass(found, XunrenError) else XunrenError


def shorten(text: str, limit: int = 120) -> str:
    """Return `text` on one line, at most `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
