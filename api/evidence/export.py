"""Exports a sighting as signed evidence: a folder by which anybody can check that nothing in it was changed.

`texts` says what each file is, `manifest` how the folder is written. The entry of the audit log is
written before the manifest, which names it; the folder has its name only when everything in it is on the disk.

A camera with privacy masks: the original shows what they cover, so it is withheld. The folder holds a clip with the
masks, and the original's SHA-256, by which it is known where it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from api.audit import AuditAction, AuditEntry, AuditLog
from api.cases import Case, CaseStore, Sighting, existing, sighting_of, track_of
from api.evidence.files import EvidenceClip, copied, copied_clip, cut_clip, still_of, withheld, written
from api.evidence.manifest import (
    BLOCK_BYTES,
    FORMAT,
    MANIFEST,
    PUBLIC_KEY,
    README,
    SIGNATURE,
    VERSION,
    Described,
    canonical,
    describe,
)
from api.evidence.packaging import made_whole
from api.evidence.texts import (
    BLURRED,
    COPIED,
    DRAWN_STILL,
    GIVEN_CLOCK,
    KEPT_STILL,
    MASKED,
    README_TEXT,
    RECORDER_CLOCK,
    WITHHELD,
)
from api.runtime import AppContext
from api.signing import Signer, as_text
from indexer.detection import make_detector
from indexer.redaction import LOOK_S, KnownBox, RedactionReport, blur_others
from search.catalog import REVISION
from search.errors import NotFound
from search.stream_types import Polygon
from search.times import iso, now_ms
from search.types import Camera, Segment, StartSource, StreamRole
from search.vector_store import MAX_IDS

ACTION = "evidence.sign"
"""The word in the audit log for the entry that a manifest names."""
CONTEXT_MS = 30_000
"""The stretch before and after a sighting that is analysed to know who moves there."""
_CUT_S = 600.0


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """An export that somebody asks for: `operator` and `address` as in the audit log; `blur`: also a blurred copy."""

    operator: str
    address: str
    blur: bool = False


@dataclass(frozen=True, slots=True)
class _ExportedSighting:
    """The subject of an export: a sighting, its camera, and the recordings that show it, by start."""

    case: Case
    sighting: Sighting
    camera: Camera
    segments: tuple[Segment, ...]
    masks: Sequence[Polygon]


class EvidenceExporter:
    """Makes evidence of sightings, over an open context. Safe for many threads; opens and closes nothing."""

    def __init__(self, context: AppContext, cases: CaseStore) -> None:
        self._context = context
        self._cases = cases
        self._footage = context.catalog.playback
        self._audit_log = AuditLog(context.catalog)
        self._signer = Signer(context.settings.data_dir)

    def export(self, case_id: str, number: int, folder: Path, request: ExportRequest) -> dict[str, Any]:
        """Write `folder`, complete, or nothing. Returns the manifest.

        Args:
            case_id: id of an existing case.
            number: number of one of its sightings.
            folder: does not exist.
            request: by whom, and what.

        Raises:
            NotFound: no such case or sighting, or its recording is gone.
            Conflict: the folder exists, or the recording was changed since it was indexed.
            BadMedia: the recording cannot be cut.
            Unavailable: the folder, the key or the audit log cannot be written.
        """
        subject = self._subject(case_id, number)
        with made_whole(folder) as work:
            contents = self._files(subject, work, request)
            described = [describe(path, path.name) for path in sorted(work.iterdir()) if path.is_file()]
            files = sorted([*contents.pop("copies"), *described], key=lambda one: one.name)
            entry = self._write_audit(subject, files, request)
            manifest = self._manifest(subject, contents, files, entry)
            self._sign(work, manifest)
        return manifest

    def _subject(self, case_id: str, number: int) -> _ExportedSighting:
        case = self._cases.case(case_id)
        sighting = sighting_of(case, number)
        first = self._footage.segment(sighting.segment_id)
        showing = self._footage.showing(first, sighting.start_ms, sighting.end_ms)
        segments = tuple(self._context.media.fetched(showing))
        known = self._context.catalog.streams.configs([sighting.camera_id])[sighting.camera_id]
        return _ExportedSighting(case, sighting, known.camera, segments, known.rules.masks if known.rules else ())

    # files -------------------------------------------------------------------------------------------------------

    def _files(self, subject: _ExportedSighting, work: Path, request: ExportRequest) -> dict[str, Any]:
        """Write all files but manifest and signature; what the manifest says of them. `copies`: the originals."""
        written(work / README, README_TEXT.encode())
        written(work / PUBLIC_KEY, self._signer.public.pem)
        if subject.masks:
            described = [withheld(segment) for segment in subject.segments]
        else:
            described = [copied(segment, work, number) for number, segment in enumerate(subject.segments, start=1)]
        clip = cut_clip(subject.segments, work, subject.sighting, subject.masks, _CUT_S)
        return {
            "copies": [] if subject.masks else described,
            "recordings": [self._recording(*one, subject) for one in zip(subject.segments, described, strict=True)],
            "clip": {"name": clip.path.name, "how": MASKED if subject.masks else COPIED, **self._span(clip)},
            "still": self._still(subject, clip, work),
            "blurred": self._write_blurred(subject, work) if request.blur else None,
        }

    def _still(self, subject: _ExportedSighting, clip: EvidenceClip, work: Path) -> dict[str, Any]:
        try:
            kept = existing(self._cases.still(subject.case, subject.sighting.number)).read_bytes()
        except NotFound:
            kept = None
        megapixels = self._context.settings.max_megapixels
        written(work / "still.jpg", still_of(kept, clip, subject.sighting, subject.masks, megapixels))
        return {"name": "still.jpg", "how": DRAWN_STILL if kept is None else KEPT_STILL}

    def _write_blurred(self, subject: _ExportedSighting, work: Path) -> dict[str, Any]:
        s, sighting = self._context.settings, subject.sighting
        start_ms, end_ms = sighting.start_ms - CONTEXT_MS, sighting.end_ms + CONTEXT_MS
        around = self._context.media.fetched(self._footage.showing(subject.segments[0], start_ms, end_ms))
        context = copied_clip(around, work / "around.mp4", start_ms, end_ms)
        detector = make_detector(s.detector, weights=s.detector_weights, device=s.device)
        detector.open()
        try:
            report = blur_others(
                context.path,
                work / "blurred.mp4",
                (sighting.start_ms - context.start_ms, sighting.end_ms - context.start_ms),
                self._known(sighting, context.start_ms),
                detector,
                masks=subject.masks,
                max_megapixels=s.max_megapixels,
            )
        finally:
            detector.close()
            context.path.unlink(missing_ok=True)
        how = BLURRED.format(look_s=LOOK_S, detector=s.detector)
        return {"name": "blurred.mp4", "how": how, **_counts(report)}

    def _known(self, sighting: Sighting, start_ms: int) -> list[KnownBox]:
        """Return where the index knows the person, beside the sighting's own box."""
        own, _ = self._context.store.get([sighting.clip_id])
        ids = self._context.store.ids(own[0].segment_id) if own else set()
        same = sorted(id_ for id_ in ids if track_of(id_) == sighting.track)
        rows, _ = self._context.store.get(same[:MAX_IDS])
        others = [KnownBox(r.time_ms - start_ms, r.box, r.frame_width, r.frame_height) for r in rows]
        best = KnownBox(sighting.time_ms - start_ms, sighting.box, sighting.frame_width, sighting.frame_height)
        return [best, *others]

    # audit log and manifest -----------------------------------------------------------------------------------------

    def _write_audit(
        self, subject: _ExportedSighting, files: Sequence[Described], request: ExportRequest
    ) -> AuditEntry:
        """Write the entry of the audit log, which must be there before anything is handed out."""
        details = {
            "sighting": subject.sighting.number,
            "clip": subject.sighting.clip_id,
            "blur": request.blur,
            "key": self._signer.public.fingerprint,
            "files": {one.name: one.sha256 for one in files},
        }
        return self._audit_log.append(
            AuditAction(request.operator, request.address, ACTION, subject.case.id, details=details)
        )

    def _manifest(
        self, subject: _ExportedSighting, contents: Mapping[str, Any], files: Sequence[Described], entry: AuditEntry
    ) -> dict[str, Any]:
        case, sighting = subject.case, subject.sighting
        return {
            "format": FORMAT,
            "version": VERSION,
            "block_bytes": BLOCK_BYTES,
            "product": {"name": "xunren", "version": version("xunren")},
            **self._time("exported", now_ms()),
            "operator": entry.act.account,
            "audit": {"number": entry.number, "hash": entry.hash},
            "key": {"algorithm": "Ed25519", "fingerprint": self._signer.public.fingerprint},
            "case": {"id": case.id, "sentences": list(case.draft.sentences)},
            "sighting": self._sighting(sighting),
            "camera": _camera(subject.camera),
            "index": self._index(),
            **contents,
            "files": [one.as_dict() for one in files],
        }

    def _sighting(self, sighting: Sighting) -> dict[str, Any]:
        times: dict[str, Any] = {}
        for name in ("start", "end", "time", "confirmed"):
            times |= self._time(name, getattr(sighting, f"{name}_ms"))
        return {
            "number": sighting.number,
            "clip": sighting.clip_id,
            "note": sighting.note,
            "box": list(sighting.box.xyxy),
            "frame_width": sighting.frame_width,
            "frame_height": sighting.frame_height,
            **times,
        }

    def _recording(self, segment: Segment, described: Described, subject: _ExportedSighting) -> dict[str, Any]:
        live = segment.role is not StreamRole.FILE
        recorder = segment.start_source is StartSource.RECORDER
        clock = {
            "offset_ms": None if recorder else subject.camera.clock_offset_ms,
            "meaning": RECORDER_CLOCK if recorder else GIVEN_CLOCK,
        }
        return {
            "name": None if subject.masks else described.name,
            "withheld": WITHHELD if subject.masks else None,
            "file": Path(segment.path).name,
            "size": described.size,
            "sha256": described.sha256,
            "segment": segment.id,
            "stream": segment.role.value if live else None,
            "start_source": segment.start_source.value,
            "clock": clock,
            **self._time("start", segment.start_ms),
            **self._time("end", segment.end_ms if segment.duration_ms else None),
        }

    def _index(self) -> dict[str, Any]:
        live = self._context.indexes.active
        schema = {"collection": live.info.collection, "schema_version": REVISION}
        return {"model": live.info.label, "dim": live.info.dim, "rows": live.store.count(), **schema}

    def _span(self, clip: EvidenceClip) -> dict[str, Any]:
        return self._time("start", clip.start_ms) | self._time("end", clip.end_ms)

    def _time(self, name: str, ms: int | None) -> dict[str, Any]:
        return {name: None if ms is None else iso(ms, self._context.zone), f"{name}_ms": ms}

    def _sign(self, work: Path, manifest: Mapping[str, Any]) -> None:
        data = canonical(manifest)
        written(work / SIGNATURE, as_text(self._signer.sign(data)))
        written(work / MANIFEST, data)


def _camera(camera: Camera) -> dict[str, Any]:
    return {"id": camera.id, "name": camera.name, "district": camera.district, "lat": camera.lat, "lon": camera.lon}


def _counts(report: RedactionReport) -> dict[str, int]:
    return {
        "pictures": report.frames,
        "pictures_with_the_person": report.with_person,
        "other_tracks_blurred": report.others,
    }
