from __future__ import annotations

from itertools import count

from indexer.detection.camera_memory import PerCamera


def test_a_memory_of_cameras_forgets_the_one_that_was_not_asked_for_longest() -> None:
    numbers = count()
    memory = PerCamera(lambda: next(numbers), most=2)
    assert [memory.of(name) for name in ("a", "b", "a", "c", "a", "b")] == [0, 1, 0, 2, 0, 3]
