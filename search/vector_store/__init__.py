"""Vector stores: rows with unit vectors, searched by cosine among those that fit a filter."""

from search.vector_store.base import VectorStore
from search.vector_store.checks import MAX_CAMERAS, MAX_IDS, MAX_LIMIT
from search.vector_store.factory import open_vector_store
from search.vector_store.memory import MemoryStore
from search.vector_store.milvus import MilvusStore

__all__ = ["MAX_CAMERAS", "MAX_IDS", "MAX_LIMIT", "MemoryStore", "MilvusStore", "VectorStore", "open_vector_store"]
