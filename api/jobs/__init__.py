"""Jobs: the services that run beside a server, and the workers that index."""

from api.jobs.background import (
    apply_retention_until,
    deliver_alerts_until,
    exit_on_sigterm,
    export_heads_until,
    in_background,
    index_until,
)
from api.jobs.workers import open_executor, open_threads

__all__ = [
    "apply_retention_until", "deliver_alerts_until", "exit_on_sigterm", "export_heads_until", "in_background",
    "index_until", "open_executor", "open_threads",
]  # fmt: skip
