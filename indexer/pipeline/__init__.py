"""The pipeline: a segment goes in, rows in the vector store and a report come out."""

from indexer.pipeline.analyzer import WHOLE_FRAME_PX
from indexer.pipeline.executors import Executor, ThreadExecutor
from indexer.pipeline.open_index import OpenIndex
from indexer.pipeline.ray_executor import RayExecutor
from indexer.pipeline.threads import BoundedQueue, StoppedWork, ThreadGroup
from indexer.pipeline.worker import IndexWorker

__all__ = [
    "BoundedQueue", "Executor", "IndexWorker", "OpenIndex", "RayExecutor", "StoppedWork", "ThreadExecutor",
    "ThreadGroup", "WHOLE_FRAME_PX",
]  # fmt: skip
