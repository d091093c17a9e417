from .base import VectorStore as VectorStore
from .checks import MAX_CAMERAS as MAX_CAMERAS
from .checks import MAX_IDS as MAX_IDS
from .checks import MAX_LIMIT as MAX_LIMIT
from .factory import open_vector_store as open_vector_store
from .memory import MemoryStore as MemoryStore
from .milvus import MilvusStore as MilvusStore
