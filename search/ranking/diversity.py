"""The order of clips on the page: best first, but spread, so that one camera does not hide others. Pure functions."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence

from search.types import Clip


def best_first(clips: Iterable[Clip]) -> list[Clip]:
    """Return the clips by score; equal ones by camera and time, so that the order is always the same."""
    return sorted(clips, key=_key)


def by_time(clips: Iterable[Clip]) -> list[Clip]:
    """Return the clips by their start."""
    return sorted(clips, key=lambda c: (c.start_ms, c.camera_id, c.id))


def diversify(clips: Iterable[Clip], step: float, listed: Sequence[Clip] = ()) -> list[Clip]:
    """Return the clips best first, where each clip of a camera in the list takes `step` off the next of that camera.

    Every clip comes exactly once, and clips of one camera keep their order among themselves.

    Args:
        clips: in any order.
        step: on the scale of scores; 0 leaves them best first.
        listed: clips that were in the list before, of earlier pages.
    """
    queues: dict[str, list[Clip]] = {}
    for clip in best_first(clips):
        queues.setdefault(clip.camera_id, []).append(clip)
    count = Counter(clip.camera_id for clip in listed)
    at = dict.fromkeys(queues, 0)

    def entry(camera_id: str) -> tuple[float, str]:
        return -(queues[camera_id][at[camera_id]].score - step * count[camera_id]), camera_id

    heap = [entry(camera_id) for camera_id in queues]
    heapq.heapify(heap)
    ordered: list[Clip] = []
    while heap:
        _, camera_id = heapq.heappop(heap)
        ordered.append(queues[camera_id][at[camera_id]])
        at[camera_id] += 1
        count[camera_id] += 1
        if at[camera_id] < len(queues[camera_id]):
            heapq.heappush(heap, entry(camera_id))
    return ordered


def _key(clip: Clip) -> tuple[float, str, int, str]:
    return -clip.score, clip.camera_id, clip.start_ms, clip.id
