"""Composes the floors: opens catalogue, store, model and media as the settings say, in one place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from api.accounts import tables  # noqa: F401 - made with the catalogue's
from api.alerts import tables as standing_tables  # noqa: F401 - made with the catalogue's
from api.audit import tables as audit_tables  # noqa: F401 - made with the catalogue's
from api.cases import tables as casework_tables  # noqa: F401 - made with the catalogue's
from api.runtime import AppContext, CatalogIndexes
from search.catalog import Catalog
from search.config import Settings, check_addresses
from search.errors import NotFound, Unavailable
from search.media import ClipCache, open_media
from search.times import zone_of

log = logging.getLogger(__name__)


@contextmanager
def open_catalog(settings: Settings) -> Iterator[Catalog]:
    """Open the catalogue alone; make the data folder.

    Raises:
        Unavailable: the folder or the database cannot be made or opened.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise Unavailable(
            "the data folder cannot be made", got=settings.data_dir, cure=f"{e.strerror}; choose another --data-dir"
        ) from None
    with Catalog(settings.catalog_address) as catalog:
        yield catalog


@contextmanager
def open_context(settings: Settings) -> Iterator[AppContext]:
    """Open all parts. The model's weights are loaded only when first needed, unless the index is new.

    Raises:
        BadInput: the settings' addresses contradict each other.
        Conflict: the index was made with another model.
        Unavailable: a part cannot run; with Milvus Lite also when another process has the index open.
    """
    check_addresses(settings)
    with ExitStack() as stack:
        catalog = stack.enter_context(open_catalog(settings))
        media = open_media(settings)
        media.check()
        indexes = CatalogIndexes(settings, catalog)
        stack.callback(indexes.close)
        indexes.open()
        if settings.is_lite:
            catalog.segments.release()  # the file is ours alone, so the owners of earlier leases are dead
            catalog.backfill.release()
        yield AppContext(settings, zone_of(settings.timezone), catalog, media, ClipCache(media), indexes)


def check_index_exists(settings: Settings) -> None:
    """Raise `NotFound` where nothing was ever indexed, before a search makes an empty index there."""
    if settings.is_lite and not settings.catalog_url and not (settings.data_dir / "catalog.sqlite").exists():
        raise NotFound(
            "there is no index here",
            got=settings.data_dir.absolute(),
            cure="run `xunren index PATH...` first, or give the right --data-dir",
        )
