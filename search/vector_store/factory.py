"""Opens the vector store that the settings name. Another kind of store is one module here, and a branch below."""

from __future__ import annotations

from search.config import Settings
from search.errors import BadInput
from search.vector_store.base import VectorStore
from search.vector_store.milvus import MilvusStore


def open_vector_store(
    settings: Settings, *, collection: str, dim: int, beside: VectorStore | None = None
) -> VectorStore:
    """Return the open store of a collection; the caller closes it, or uses it as a context manager.

    Args:
        settings: where the store is (`store_uri`, `store_token`), by default Milvus Lite in the data folder.
        collection: name of the collection, which is made where it is missing.
        dim: length of its vectors.
        beside: an open store at the same address, which stays open longer: a Milvus Lite folder is opened once only.

    Raises:
        BadInput: the address is of no known store, or `beside` is of another kind.
        Unavailable: the store cannot be reached, is damaged, or another process has it.
        Conflict: the collection has vectors of another length, or was not made by this program.
    """
    if beside is not None and not isinstance(beside, MilvusStore):
        raise BadInput("a store beside another must be of the same kind", got=type(beside).__name__, expected="Milvus")
    address, token = settings.store_address, settings.store_token
    store = MilvusStore(address, collection=collection, dim=dim, token=token, beside=beside)
    store.open()
    return store
