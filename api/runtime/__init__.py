"""The runtime: what is open while a process answers or indexes."""

from api.runtime.activity import Activity, IndexingJob
from api.runtime.client import LONG_S, TIMEOUT_S, USER_HEADER, Server, address_file, ask, download, running_server
from api.runtime.context import AppContext, the_indexes
from api.runtime.indexes import REFRESH_S, CatalogIndexes, active_index

__all__ = [
    "Activity", "AppContext", "CatalogIndexes", "IndexingJob", "LONG_S", "REFRESH_S", "Server", "TIMEOUT_S",
    "USER_HEADER", "active_index", "address_file", "ask", "download", "running_server", "the_indexes",
]  # fmt: skip
