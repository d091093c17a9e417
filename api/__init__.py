"""The doors: command line, HTTP, operator page. The only floor that composes `search` and `indexer`."""

import os

# Before numpy is loaded: one search's products are a few milliseconds, and to share each among threads takes longer,
# several times so where other searches or the indexer want the same cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
