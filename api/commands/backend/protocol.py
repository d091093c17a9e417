"""The protocols by which commands use the index, whichever process has it open.

Every method answers plain data: the JSON that the HTTP API answers. Addresses of images and clips in it (`LINKS`) can
be opened from this machine: paths from `LocalBackend`, whole URLs from `HttpBackend`, None where there is nothing to
open. Errors are the same `XunrenError` either way. `tests/api/commands/test_backend.py` runs every method against both
and compares, so a method that is added here must be added there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from api.commands.backend.requests import ReindexRequest, SavedSearchRequest, SearchRequest

if TYPE_CHECKING:
    from api.cases import CaseSearchOptions, Sign
    from search.types import Segment

Data = dict[str, Any]
LINKS = ("thumbnail", "clip_url", "image")
"""Names of values in answers that are paths on this machine or URLs."""
OnSegment = Callable[["Segment", int], None]
"""Called with a recording and the offset (ms) up to which it is done."""


class SearchBackend(Protocol):
    """Searches."""

    def search(self, request: SearchRequest) -> Data:
        """Return one page of clips. Raises what `SearchEngine.search` does."""


class CaseBackend(Protocol):
    """The operations on a case that need the index."""

    def search(self, case_id: str, options: CaseSearchOptions) -> Data:
        """Search for the person of a case. Raises what `CaseService.search` does."""

    def follow(self, case_id: str, number: int | None, hours: float, options: CaseSearchOptions) -> Data:
        """Search before and after a sighting (None: the last one). Raises what `CaseService.follow` does."""

    def mark(self, case_id: str, clip_id: str, sign: Sign) -> Data:
        """Mark a clip and return the case. Raises `NotFound`."""

    def confirm(self, case_id: str, clip_id: str, note: str) -> Data:
        """Confirm a clip as a sighting and return the sighting. Raises `NotFound`."""


class SavedSearchBackend(Protocol):
    """The operations on saved searches that need the index: their thresholds are measured on its rows."""

    def preview(self, request: SavedSearchRequest) -> Data:
        """Return the cameras and the threshold that it would have. Raises what `SavedSearchService.preview` does."""

    def add(self, request: SavedSearchRequest) -> Data:
        """Save it and return it, with the secret of its webhook. Raises what `SavedSearchService.add` does."""


class IndexingBackend(Protocol):
    """Indexing of registered recordings."""

    def run(self, segments: Sequence[Segment], on_segment: OnSegment) -> Iterator[Data]:
        """Have `segments` indexed and yield the report of each.

        Raises:
            Unavailable: a part cannot run, or the server stopped before all was indexed.
        """


class ReindexBackend(Protocol):
    """A second index, beside the one that answers."""

    def plan(self, request: ReindexRequest) -> Data:
        """Return what it would cost. Raises what `api.reindex.plan` does."""

    def build(self, request: ReindexRequest, on_segment: OnSegment) -> Data:
        """Build it, wait until nothing is left to do, and return the indexes. Raises what `api.reindex.switch` does."""

    def switch(self) -> Data:
        """Let the new index answer and return the indexes. Raises `NotFound` or `Conflict`."""

    def rollback(self) -> Data:
        """Let the old index answer again and return the indexes. Raises `NotFound` or `Conflict`."""

    def drop(self) -> Data:
        """Remove the index that does not answer and return the others. Raises `NotFound`."""


class ConsistencyBackend(Protocol):
    """Comparison of recordings, catalogue, thumbnails and rows."""

    def check(self) -> Data:
        """Return what was compared and what does not agree."""

    def mend(self) -> Data:
        """Remove what is left over, never a recording, and return what `check` does after it."""


class EvidenceBackend(Protocol):
    """Evidence of sightings."""

    def export(self, case_id: str, number: int, folder: Path, *, blur: bool) -> Data:
        """Write `folder`, complete or not at all, and return its manifest. Raises what `EvidenceExporter.export` does.

        Args:
            case_id: id of the case.
            number: number of the sighting.
            folder: does not exist.
            blur: add a copy in which other people are blurred.
        """


class Backend(Protocol):
    """The index: in this process, or in the running server that has it open."""

    @property
    def address(self) -> str | None:
        """Return the URL of the server that answers; None: this process does."""

    @property
    def searches(self) -> SearchBackend:
        """Return the part that searches."""

    @property
    def cases(self) -> CaseBackend:
        """Return the part for cases."""

    @property
    def saved_searches(self) -> SavedSearchBackend:
        """Return the part for saved searches."""

    @property
    def indexing(self) -> IndexingBackend:
        """Return the part that indexes."""

    @property
    def reindex(self) -> ReindexBackend:
        """Return the part for the second index."""

    @property
    def consistency(self) -> ConsistencyBackend:
        """Return the part that compares files and rows."""

    @property
    def evidence(self) -> EvidenceBackend:
        """Return the part that exports evidence."""

    def health(self) -> Data:
        """Return that the parts of the index answer. Raises `Unavailable` where one does not."""
