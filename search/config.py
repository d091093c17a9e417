"""Settings: read once at the door, passed down, never read again.

Order, strongest first: command line, environment (``XUNREN_<NAME>``), TOML file (``--config``), default. The fields
below are the one table of settings: name, unit, default and help.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from search.errors import BadInput

ENV_PREFIX = "XUNREN_"
DEFAULT_MODEL = "xunren-small"
_SECRET = ("store_token", "catalog_url", "secret_key", "oidc_client_secret")


class Settings(BaseModel):
    """Every setting of the product. Frozen: to change one, make another with `model_copy`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data_dir: Path = Field(Path("xunren-data"), description="folder for the index, catalogue and media")
    timezone: str = Field("local", description="IANA zone of times without one (file names, --from, --to), or 'local'")

    model: str = Field(
        DEFAULT_MODEL,
        description="recommended name (see `xunren doctor`), open_clip NAME:TAG, hf-hub:ORG/REPO or local-dir:PATH",
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps; of another runtime, its own names")
    runtime: str = Field(
        "auto",
        description="what computes the model: auto, torch, onnxruntime or openvino; auto: onnxruntime for the shipped "
        "model on a CPU, else torch; other models are exported for another runtime once, into data_dir",
    )
    torch_compile: bool = Field(
        False,
        description="compile the image tower when it is loaded (a minute); needs a C++ compiler, or Triton",
    )
    batch_size: int = Field(32, ge=1, le=4096, description="images embedded at once, filled across files")
    torch_threads: int = Field(0, ge=0, le=1024, description="CPU threads of the model; 0 leaves it to torch")

    store_uri: str = Field("", description="Milvus address (http://host:19530); empty: Milvus Lite in data_dir")
    store_token: str = Field("", description="Milvus user:password or API key", repr=False)
    catalog_url: str = Field("", description="SQLAlchemy URL of the catalogue; empty: SQLite in data_dir", repr=False)

    media_url: str = Field(
        "", description="s3://bucket/prefix for recordings, thumbnails and tracks; empty: folders in data_dir"
    )
    media_endpoint: str = Field("", description="address of an S3 server that is not Amazon's, http://host:9000")
    media_cache_gib: float = Field(20.0, gt=0, description="copies of media on S3 that are kept in data_dir, GiB")

    sample_interval_s: float = Field(2.0, gt=0, le=3600, description="seconds between the frames that are sampled")
    frame_interval_s: float = Field(
        30.0,
        gt=0,
        le=86400,
        description="seconds until an unchanged scene is embedded again as a whole; then ever longer, up to 16 times",
    )
    max_megapixels: float = Field(
        17.0, gt=0, le=200, description="larger frames are refused (memory); 8K has 33 megapixels"
    )
    detector: Literal["motion", "torchvision"] = Field(
        "motion", description="motion: fixed cameras, no weights; torchvision: COCO person, needs weights"
    )
    detector_weights: str = Field(
        "", description="torchvision: weights file; empty downloads COCO_V1 where there is a network"
    )
    crops_per_track: int = Field(3, ge=1, le=20, description="crops kept and embedded of one person's track")
    workers: int = Field(2, ge=1, le=256, description="files decoded side by side")
    decoder: Literal["cpu", "cuda"] = Field(
        "cpu", description="what decodes for the indexer; cuda: NVDEC of an NVIDIA card, and only what that can decode"
    )
    executor: Literal["threads", "ray"] = Field(
        "threads", description="threads of one process, or ray: a process per GPU or core, on one machine or many"
    )
    ray_address: str = Field("", description="of a Ray cluster, host:6379; empty: Ray on this machine alone")
    ray_workers: int = Field(0, ge=0, le=100_000, description="processes on Ray; 0: one per GPU, else one per core")
    lease_s: float = Field(60.0, ge=1, le=3600, description="seconds until a dead worker's file is given to another")

    secret_key: str = Field(
        "", description="key of the cameras' addresses; empty: secret.key in data_dir, made when needed", repr=False
    )
    segment_s: float = Field(10.0, ge=1, le=600, description="seconds of a recorded file, cut at the next key frame")
    stream_timeout_s: float = Field(
        4.0, ge=0.5, le=30, description="seconds without data until a stream counts as dead"
    )
    camera_lease_s: float = Field(
        8.0, ge=1, le=600, description="seconds until a dead recorder's cameras are given to another"
    )
    retry_s: float = Field(8.0, ge=0.2, le=600, description="longest wait before a dead stream is tried again")
    refused_retry_s: float = Field(
        30.0, ge=0.2, le=3600, description="wait after a wrong password, so that the camera does not lock the account"
    )
    min_free_gib: float = Field(2.0, ge=0, description="recording stops while the disk has less free than this")
    retention_days: float = Field(30.0, gt=0, le=36500, description="days that recordings are kept")
    retention_gib: float = Field(0.0, ge=0, description="recordings of all cameras together, GiB; 0: no limit")
    max_lag_s: float = Field(
        30.0, ge=5, le=3600, description="live indexing samples fewer frames before it is further behind than this"
    )

    clip_gap_s: float = Field(4.0, ge=0, le=600, description="hits of one camera closer than this are one clip")
    clip_pad_s: float = Field(2.0, ge=0, le=60, description="seconds shown before and after a clip's hits")
    clip_max_s: float = Field(60.0, ge=2, le=3600, description="longest clip; a longer presence is cut into several")
    camera_step: float = Field(
        0.3, ge=0, le=10, description="score taken off in the order for each clip of a camera that comes before"
    )
    false_match_share: float = Field(
        0.05, gt=0, lt=1, description='share of descriptions of nobody there that may be answered by "match"'
    )
    false_maybe_share: float = Field(0.3, gt=0, lt=1, description='and by "maybe" or "match"')

    accounts: bool = Field(
        True, description="people sign in; false: whoever reaches this machine's own address may all"
    )
    require_case: bool = Field(True, description="a search names the case that it is for, and a reason")
    case: str = Field("", description="the case that a search on the command line is for, where --case names none")
    reason: str = Field("", description="and why, where --reason says nothing")
    wide_search_hours: float = Field(
        72.0, gt=0, description="a search of all cameras over more hours of footage needs a supervisor's approval"
    )
    tls_cert: str = Field("", description="PEM file of the server's certificate; empty: no TLS")
    tls_key: str = Field("", description="PEM file of its key")
    oidc_issuer: str = Field(
        "", description="OpenID Connect provider where people without a password sign in; empty: none"
    )
    oidc_client_id: str = Field("", description="this server's name at the provider")
    oidc_client_secret: str = Field("", description="and its secret; empty: a public client", repr=False)
    oidc_claim: str = Field(
        "preferred_username", description="claim of the ID token that is the account's name when it is first seen"
    )
    public_url: str = Field("", description="address at which browsers reach this server; the provider sends them back")
    audit_export_dir: str = Field(
        "",
        description="folder, best on another machine, where `xunren serve` puts the audit log's signed head each day",
    )

    map_tiles: str = Field(
        "", description="folder of map tiles, ZOOM/X/Y.png in Web Mercator, drawn under trails; empty: none"
    )

    host: str = Field("127.0.0.1", description="address that `xunren serve` listens on")
    port: int = Field(8000, ge=0, le=65535, description="port that `xunren serve` listens on; 0 takes a free one")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value != "local":
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as e:
                raise ValueError(f"unknown time zone {value!r}; expected 'local' or a name like Asia/Shanghai") from e
        return value

    @model_validator(mode="after")
    def _do_not_contradict_each_other(self) -> Settings:
        if self.false_match_share > self.false_maybe_share:
            raise ValueError("false_match_share must not be above false_maybe_share")
        if self.clip_max_s < 2 * self.clip_pad_s:
            raise ValueError("clip_max_s must be at least twice clip_pad_s")
        if self.torch_compile and self.runtime not in ("auto", "torch"):
            raise ValueError("torch_compile is of no use to another runtime than torch")
        return self

    @property
    def is_lite(self) -> bool:
        """Return whether vectors lie in a Milvus Lite file, which belongs to one process."""
        return not self.store_uri.startswith(
            ("http://", "https://")
        )  # as `search.vector_store.milvus.MilvusStore` tells them apart

    @property
    def store_address(self) -> str:
        """Return the address for pymilvus."""
        return self.store_uri or str(self.data_dir / "vectors.db")

    @property
    def catalog_address(self) -> str:
        """Return the URL for SQLAlchemy."""
        return self.catalog_url or f"sqlite:///{self.data_dir / 'catalog.sqlite'}"

    @property
    def recordings_dir(self) -> Path:
        """Return the folder of the recorder's files: CAMERA/DATE/HOUR/*.mp4."""
        return self.data_dir / "recordings"

    @property
    def media_dir(self) -> Path:
        """Return the folder of thumbnails and cut clips."""
        return self.data_dir / "media"


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Put the settings together from `overrides` (None values are left out), environment, file and defaults.

    Raises:
        BadInput: an unknown name (the nearest known one is named), an unusable value or an unreadable file.
    """
    values: dict[str, Any] = {}
    if config is not None:
        values |= _read_toml(config)
    values |= _read_environ(os.environ if environ is None else environ)
    values |= {k: v for k, v in (overrides or {}).items() if v is not None}
    for name in values:
        _check_name(name, "setting")
    try:
        return Settings(**values)
    except ValidationError as e:
        first = e.errors()[0]
        name = ".".join(str(p) for p in first["loc"]) or "settings"
        shown = None if name in _SECRET or not first["loc"] else repr(first.get("input"))
        raise BadInput(
            f"setting {name} cannot be used: {first['msg']}",
            got=shown,
            cure=f"change {name} on the command line, in {ENV_PREFIX}{name.upper()} or in the TOML file",
        ) from None


def settings_table() -> list[tuple[str, str, str, str]]:
    """Return (name, environment name, default, help) of every setting, in order."""
    return [
        (name, ENV_PREFIX + name.upper(), str(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _read_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for key, value in environ.items():
        if key.startswith(ENV_PREFIX) and key not in ("XUNREN_CONFIG",):
            name = key[len(ENV_PREFIX) :].lower()
            _check_name(name, f"environment variable {key}: setting")
            found[name] = value
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as f:
            return tomllib.load(f)
    except OSError as e:
        raise BadInput("cannot read the settings file", got=path, cure=str(e.strerror or e)) from None
    except tomllib.TOMLDecodeError as e:
        raise BadInput("the settings file is not TOML", got=path, cure=str(e)) from None


def _check_name(name: str, what: str) -> None:
    known = Settings.model_fields
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise BadInput(
            f"{what} is unknown",
            got=name,
            expected=near[0] if near else ", ".join(known),
            cure="`xunren doctor --settings` lists all settings",
        )


def check_addresses(settings: Settings) -> None:
    """Raise `BadInput` where the addresses of work, vectors and catalogue cannot go together."""
    s = settings
    _check_media(s)
    if s.executor == "threads":
        if s.ray_address or s.ray_workers:
            raise BadInput("ray_address is of no use to threads", cure="set executor to ray, or leave it empty")
        return
    if s.is_lite:
        raise BadInput(
            "workers on Ray are processes of their own, and a Milvus Lite file belongs to one",
            got=f"executor ray, store_uri {s.store_uri or 'empty'}",
            expected="store_uri, such as http://host:19530",
            cure="set store_uri to a Milvus server, or executor to threads",
        )
    if s.ray_address and s.catalog_address.startswith("sqlite"):
        raise BadInput(
            "a cluster's machines cannot share a SQLite file",
            got=f"ray_address {s.ray_address}, a catalogue in SQLite",
            expected="catalog_url, such as postgresql://user:password@host/xunren",
            cure="set catalog_url, or leave ray_address empty for workers on this machine",
        )


def _check_media(s: Settings) -> None:
    if s.media_endpoint and not s.media_url:
        raise BadInput(
            "media_endpoint is of no use to folders", got=s.media_endpoint, cure="set media_url, or leave it empty"
        )
    bucket = s.media_url.removeprefix("s3://").split("/")[0]
    if s.media_url and (not s.media_url.startswith("s3://") or not bucket):
        raise BadInput(
            "media_url names no bucket",
            got=s.media_url,
            expected="s3://bucket or s3://bucket/prefix",
            cure="mend it; an address with http:// belongs into media_endpoint",
        )
    if s.media_endpoint and not s.media_endpoint.startswith(("http://", "https://")):
        raise BadInput(
            "media_endpoint is no address of a server",
            got=s.media_endpoint,
            expected="http://host:9000",
            cure="mend it, or leave it empty for Amazon's",
        )
