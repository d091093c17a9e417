"""`xunren camera`: adds, changes, stops, lists and indexes cameras again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.text import Text

from api.commands.console import err, out, show_json, table
from api.composition import open_catalog
from search.catalog import CameraConfig, Catalog
from search.config import Settings
from search.errors import BadInput
from search.media import MediaStore, delete_segment_media, open_media
from search.stream_types import Polygon, Rules, Stream
from search.times import iso, now_ms, zone_of
from search.types import Camera, SegmentState, StreamRole, check_camera_id
from search.vault import Vault, check_address, shown

NONE = "none"
"""Value of an index_url or a mask that removes it."""
CAMERA_COLUMNS = tuple(Camera.__dataclass_fields__)
_BATCH = 500
_MASKS_KNOWN_S = 3.5  # a worker knows new masks after this (`indexer.decoding.privacy_masks.PrivacyMasks`)
_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class CameraChange:
    """Changes of a camera, new or known. None leaves a value as it is; addresses are in clear.

    `index_url` may be `NONE`, `keep_days` 0 for the setting, `masks` empty to remove them.
    """

    camera_id: str
    name: str | None = None
    district: str | None = None
    lat: float | None = None
    lon: float | None = None
    clock_offset_ms: int | None = None
    url: str | None = field(default=None, repr=False)
    index_url: str | None = field(default=None, repr=False)
    keep_days: float | None = None
    masks: Sequence[Polygon] | None = None

    def __post_init__(self) -> None:
        if "://" in self.camera_id:
            raise BadInput(
                "an address is no camera id",
                got=shown(self.camera_id),
                cure="xunren camera add ID --url ADDRESS",
            )
        check_camera_id(self.camera_id)
        if self.url in ("", NONE):
            raise BadInput("an empty address records nothing", cure=f"xunren camera stop {self.camera_id}")
        for address in (self.url, self.index_url):
            if address not in (None, NONE):
                check_address(address or "")

    def applied(self, known: CameraConfig, vault: Vault, now: int) -> CameraConfig:
        """Return the camera with the change. Sealed addresses that do not change stay the same bytes.

        Raises:
            BadInput: a value is out of range, or there is a stream to index and none to record.
        """
        values = {name: getattr(self, name) for name in CAMERA_COLUMNS if name != "id"}
        camera = replace(known.camera, **{name: value for name, value in values.items() if value is not None})
        return CameraConfig(camera, self._streams(known, vault, now), self._rules(known))

    def _streams(self, known: CameraConfig, vault: Vault, now: int) -> tuple[Stream, ...]:
        streams = {stream.role: stream for stream in known.streams}
        for role, address in ((StreamRole.MAIN, self.url), (StreamRole.SUB, self.index_url)):
            before = streams.get(role)
            if address == NONE:
                streams.pop(role, None)
            elif address is not None and not (before and vault.holds(before.sealed, address)):
                since = before.since_ms if before else now
                streams[role] = Stream(self.camera_id, role, vault.seal(address), shown(address), since)
        if StreamRole.SUB in streams and StreamRole.MAIN not in streams:
            raise BadInput(
                f"camera {self.camera_id} has a stream to index and none to record",
                expected="url, and index_url where another stream is indexed",
                cure="give the address as url; it is recorded and indexed",
            )
        return tuple(streams[role] for role in (StreamRole.MAIN, StreamRole.SUB) if role in streams)

    def _rules(self, known: CameraConfig) -> Rules | None:
        before = known.rules or Rules(self.camera_id)
        keep = before.keep_days if self.keep_days is None else self.keep_days or None
        masks = before.masks if self.masks is None else self.masks
        return Rules(self.camera_id, keep, tuple(masks)) if keep or masks else None


def parse_mask(text: str) -> Polygon:
    """Return the polygon that ``x,y x,y x,y`` names, shares of the frame.

    Raises:
        BadInput: not numbers in pairs. `Rules` checks whether they make a mask.
    """
    try:
        x_y = [tuple(float(value) for value in point.split(",")) for point in text.split()]
        return tuple((x, y) for x, y in x_y)
    except ValueError:
        raise BadInput(
            "not a mask",
            got=text,
            expected="three or more points x,y, each a share of the frame from 0 to 1",
            cure='for instance --mask "0,0 0.5,0 0.5,0.4 0,0.4", or --mask none to remove the masks',
        ) from None


def vault_of(settings: Settings) -> Vault:
    """Return the vault that seals the addresses of this index's cameras."""
    return Vault(settings.data_dir, settings.secret_key)


def add_camera(settings: Settings, change: CameraChange, *, reindex: bool = False) -> None:
    """Add one camera or change it, and print what changed.

    Args:
        settings: settings of the index.
        change: checked.
        reindex: have its recordings indexed again, with the masks as they are now.
    """
    with open_catalog(settings) as catalog:
        known = catalog.streams.configs([change.camera_id]).get(change.camera_id)
        after = change.applied(known or CameraConfig(Camera(change.camera_id)), vault_of(settings), now_ms())
        catalog.streams.put([after])
        changes = differences(known or CameraConfig(Camera(change.camera_id)), after)
        _say(f"camera {change.camera_id} {'added' if known is None else 'changed' if changes else 'is as it was'}")
        for line in changes:
            _say(f"  {line}")
        masks_before = known.rules.masks if known and known.rules else ()
        if reindex:
            _index_again(catalog, open_media(settings), change.camera_id)
        elif (after.rules.masks if after.rules else ()) != masks_before and catalog.segments.indexed_of(
            change.camera_id, "", 1
        ):
            _say("The masks hold for what is indexed from now on. --reindex indexes its recordings again.")


def stop_camera(settings: Settings, camera_id: str) -> None:
    """Stop recording a camera. Its recordings stay as long as they would have."""
    with open_catalog(settings) as catalog:
        catalog.cameras.check([camera_id])
        was_recorded = bool(catalog.streams.configs([camera_id])[camera_id].streams)
        catalog.streams.set(camera_id, ())
    _say(f"camera {camera_id} is no longer recorded" if was_recorded else f"camera {camera_id} was not recorded")


def differences(before: CameraConfig, after: CameraConfig) -> list[str]:
    """Return what is different, a line each, without secrets."""
    was, now = _plain(before), _plain(after)
    return [
        f"{name}: {now[name] or '(none)'}" + (f" (was {was[name]})" if was[name] else "")
        for name in now
        if was[name] != now[name] or (name in _ADDRESSES and _sealed_url(before, name) != _sealed_url(after, name))
    ]


_ADDRESSES = {"url": StreamRole.MAIN, "index_url": StreamRole.SUB}


def _plain(known: CameraConfig) -> dict[str, Any]:
    camera = {name: getattr(known.camera, name) for name in CAMERA_COLUMNS[1:]}
    streams = {stream.role: stream.shown for stream in known.streams}
    rules = known.rules or Rules(known.camera.id)
    masks = [[list(point) for point in polygon] for polygon in rules.masks]
    addresses = {name: streams.get(role) for name, role in _ADDRESSES.items()}
    return camera | addresses | {"keep_days": rules.keep_days, "masks": masks}


def _sealed_url(known: CameraConfig, name: str) -> str:
    return next((stream.sealed for stream in known.streams if stream.role is _ADDRESSES[name]), "")


def _index_again(catalog: Catalog, media: MediaStore, camera_id: str) -> None:
    """Delete the thumbnails first, so that a quick worker loses no new ones. Rows go when the new ones are there."""
    late = _wait_for_workers(catalog, camera_id)
    count, last = 0, ""
    while ids := catalog.segments.indexed_of(camera_id, last, _BATCH):
        for segment_id in ids:
            delete_segment_media(media, segment_id)
        count, last = count + catalog.segments.index_again(ids), ids[-1]
    _say(f"{count} files of camera {camera_id} are indexed again (by `xunren serve` or `xunren index --follow`)")
    if late:
        _say(f"{late} files were being indexed all the time, with the masks as they were; use --reindex once more")


def _wait_for_workers(catalog: Catalog, camera_id: str) -> int:
    """Wait until no worker uses masks of the camera that it read before. Returns how many recordings still have one."""
    if not _leased_ids(catalog, camera_id):
        return 0
    with err.status("waiting for what is being indexed"):
        time.sleep(_MASKS_KNOWN_S)
        left, until = _leased_ids(catalog, camera_id), time.monotonic() + _WAIT_S
        while left and time.monotonic() < until:
            time.sleep(0.5)
            left &= _leased_ids(catalog, camera_id)
    return len(left)


def _leased_ids(catalog: Catalog, camera_id: str) -> set[str]:
    leased = catalog.coverage.recordings(0, 2**62, [camera_id], states=[SegmentState.LEASED])
    return {segment.id for segment, _, _ in leased}


def list_cameras(settings: Settings, *, as_json: bool) -> None:
    """Print all cameras, their recordings and streams; addresses without their secrets."""
    zone = zone_of(settings.timezone)
    with open_catalog(settings) as catalog:
        coverage = {row["id"]: row for row in catalog.segments.totals_by_camera()}
        cameras = catalog.streams.configs(sorted(coverage))
    rows = [{"id": id_} | _plain(cameras[id_]) | coverage[id_] for id_ in coverage]
    if as_json:
        show_json({"cameras": rows})
        return

    def time_of(ms: int | None) -> str:
        return "" if ms is None else iso(ms, zone)[:19].replace("T", " ")

    cells = [
        (
            row["id"], row["name"], row["district"],
            "" if row["lat"] is None else f"{row['lat']:.5f}, {row['lon']:.5f}",
            row["segments"], time_of(row["first_ms"]), time_of(row["last_ms"]),
            "\n".join(row[name] for name in _ADDRESSES if row[name]),
            f"{row['keep_days']:g} days" if row["keep_days"] else "", len(row["masks"]) or "",
        )
        for row in rows
    ]  # fmt: skip
    columns = ("id", "name", "district", "lat, lon", "files", "from", "to", "recorded from", "kept", "masks")
    out.print(table("cameras", columns, cells, right=("files", "masks")))


def _say(line: str) -> None:
    out.print(Text(line), soft_wrap=True)
