"""The boxes of a segment's tracks, moment by moment, so that a player's box can follow a person.

The rows of a track hold its few best moments only. All its boxes are in one small file of its segment beside the
thumbnails, and are deleted with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from search.errors import BadInput
from search.types import Box

Seen = tuple[int, Box]
"""Offset in the segment's file (ms), and the box there (pixels of the segment's frames)."""

_PERSON = re.compile(r"([A-Za-z0-9_-]{1,128})-p(\d{1,9})-(\d{1,12})")


def person_row_id(segment_id: str, track: int, offset_ms: int) -> str:
    """Return the id of a track's crop, the same at every run."""
    return f"{segment_id}-p{track}-{offset_ms}"


def segment_and_track(row_id: str) -> tuple[str, int]:
    """Return (segment id, number of the track) of a person's row.

    Raises:
        BadInput: it is not the id of one.
    """
    match = _PERSON.fullmatch(row_id)
    if not match:
        raise BadInput("not a clip of a person", got=repr(row_id), expected="the id of one, as a search gives it")
    return match[1], int(match[2])


def packed(tracks: Mapping[int, Iterable[Seen]]) -> bytes:
    """Encode the tracks of a segment as the bytes of a file."""
    plain = {str(number): [[offset, *box.xyxy] for offset, box in seen] for number, seen in tracks.items()}
    return json.dumps(plain, separators=(",", ":")).encode()


def unpacked(data: bytes) -> dict[int, Sequence[Seen]]:
    """Decode what `packed` made."""
    plain: dict[str, list[list[int]]] = json.loads(data)
    return {int(number): [(offset, Box(*box)) for offset, *box in seen] for number, seen in plain.items()}
