"""One protocol for what commands ask of the index, and its choice: the running server, else this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.commands.backend.protocol import Backend, Data
from api.commands.backend.requests import PhotoFile, ReindexRequest, SavedSearchRequest, SearchRequest

if TYPE_CHECKING:
    from search.config import Settings

__all__ = ["Backend", "Data", "PhotoFile", "ReindexRequest", "SavedSearchRequest", "SearchRequest", "backend_of"]


def backend_of(settings: Settings) -> Backend:
    """Return the running server that has the index open, or else this process. Opens nothing.

    Raises:
        NotFound: nothing was ever indexed there.
    """
    from api.commands.backend.http import HttpBackend
    from api.runtime import running_server

    if server := running_server(settings):
        return HttpBackend(settings, server)
    from api.commands.backend.local import LocalBackend
    from api.composition import check_index_exists

    check_index_exists(settings)
    return LocalBackend(settings)
