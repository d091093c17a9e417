"""Cases: a missing person"s file with photos, marks, sightings and trail."""

from api.cases.case_store import CaseStore, cases_of, sighting_of
from api.cases.investigation import CaseFindings, CaseSearchOptions, CaseService
from api.cases.pictures import as_jpeg, existing, photo_bytes
from api.cases.trail_map import tiles_of, trail_svg
from api.cases.types import MODES, Case, CaseInput, LastSeen, Sighting, Sign, check_text, track_of, visible_part
from api.cases.views import CaseView, FileLinks

__all__ = [
    "Case", "CaseFindings", "CaseInput", "CaseSearchOptions", "CaseService", "CaseStore", "CaseView", "FileLinks",
    "LastSeen", "MODES", "Sighting", "Sign", "as_jpeg", "cases_of", "check_text", "existing", "photo_bytes",
    "sighting_of", "tiles_of", "track_of", "trail_svg", "visible_part",
]  # fmt: skip
