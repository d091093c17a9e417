"""One machine or many: which settings contradict each other, told at the start with the cure."""

from __future__ import annotations

from search.config import Settings
from search.errors import BadInput


def check_addresses(settings: Settings) -> None:
    """Raise `BadInput` where the addresses of work, vectors and catalogue cannot go together."""
    s = settings
    _check_media(s)
    if s.executor == "threads":
        if s.ray_address or s.ray_workers:
            raise BadInput("ray_address is of no use to threads", cure="set executor to ray, or leave it empty")
        return
    if s.is_lite:
        raise BadInput(
            "workers on Ray are processes of their own, and a Milvus Lite file belongs to one",
            got=f"executor ray, store_uri {s.store_uri or 'empty'}",
            expected="store_uri, such as http://host:19530",
            cure="set store_uri to a Milvus server, or executor to threads",
        )
    if s.ray_address and s.catalog_address.startswith("sqlite"):
        raise BadInput(
            "a cluster's machines cannot share a SQLite file",
            got=f"ray_address {s.ray_address}, a catalogue in SQLite",
            expected="catalog_url, such as postgresql://user:password@host/xunren",
            cure="set catalog_url, or leave ray_address empty for workers on this machine",
        )


def _check_media(s: Settings) -> None:
    if s.media_endpoint and not s.media_url:
        raise BadInput(
            "media_endpoint is of no use to folders", got=s.media_endpoint, cure="set media_url, or leave it empty"
        )
    bucket = s.media_url.removeprefix("s3://").split("/")[0]
    if s.media_url and (not s.media_url.startswith("s3://") or not bucket):
        raise BadInput(
            "media_url names no bucket",
            got=s.media_url,
            expected="s3://bucket or s3://bucket/prefix",
            cure="mend it; an address with http:// belongs into media_endpoint",
        )
    if s.media_endpoint and not s.media_endpoint.startswith(("http://", "https://")):
        raise BadInput(
            "media_endpoint is no address of a server",
            got=s.media_endpoint,
            expected="http://host:9000",
            cure="mend it, or leave it empty for Amazon's",
        )
