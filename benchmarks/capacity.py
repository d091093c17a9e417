"""How big: cameras, interval, days and model in; GPUs, cores, RAM, disks, Milvus nodes and money out.

Every line has its formula and the range of its error. Measured figures come from the committed JSON of `live`,
`searching`, `decoding` and, where it is there, `gpu`; ``--measured FILE`` (JSON, names of `Measured`) replaces any of
them by your own. What was never measured is an assumption, says so, and has a wide range.

    python -m benchmarks.capacity [--cameras 100 10000 230000] [--interval 5] [--key-interval 2] [--days 30]
                                  [--model ViT-B-32] [--measured FILE] [--prices FILE]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from api.commands.console import table
from benchmarks.live import SETTLE_S, WARM_S
from benchmarks.run import RESULTS, Metric, publish
from search.errors import BadInput
from search.models import RECOMMENDED
from search.vector_store import VectorStore

SIZES = (100, 10_000, 230_000)
PRICES = Path(__file__).parent / "prices.json"
GIB = 2**30
MEASURED_DIM = 256  # of the shipped model, with which `searching` and `live` ran
BUSY = 0.7  # of a core, a GPU or a node that may be planned with
NODE_GIB = 256  # RAM of a Milvus query node
REPLICAS = 2  # of the recordings and thumbnails, on disks of their own
PROCESS_RAM_MIB = 1100  # torch and the parts, before the first camera (benchmarks/README.md, `live`)
LITE_ROWS = 1_000_000  # above, `searching` shows Milvus Lite's answers getting slow
CATALOGUE_WRITES = 3_000  # a second, assumption: one PostgreSQL primary on fast disks
COLLECTION_ROWS = 10_000_000_000  # assumption
WRITES_A_FILE = 3  # recorded, leased, done
UPLINK_GBIT = 10.0  # of one machine


@dataclass(frozen=True, slots=True)
class Measured:
    """What a camera, a row and an image cost. `*_h` is an hour of one camera; CPU is in seconds."""

    interval_s: float  # key frames sufficed for it
    rows_h: float
    thumbnails_h: float
    thumbnail_bytes: float
    record_cpu_h: float
    decode_cpu_h: float  # at `interval_s`
    detect_cpu_h: float  # at `interval_s`
    key_interval_s: float  # between the key frames that cameras send; looks further apart decode nothing else
    keys_h: float  # decoding a file's key frames, an hour of it, and for each look (`decoding`)
    key_look_s: float
    every_h: float  # the same, where every picture is decoded
    every_look_s: float
    embed_cpu_h: float  # by the shipped model
    other_cpu_h: float
    row_ram_bytes: float  # in a Milvus server, `MEASURED_DIM` numbers
    camera_ram_mib: float
    process_ram_mib: float
    video_mbit: float
    gpu_images_s: float
    gpu_source: str


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: between `low` and `high` times `value`."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    formula: str


@dataclass(frozen=True, slots=True)
class Load:
    """What is counted of cameras over hours, before any hardware is chosen."""

    rows: float
    thumbnails: float
    thumbnail_bytes: float
    vector_bytes: float


def expected(m: Measured, *, cameras: int, hours: float, dim: int) -> Load:
    """What so many cameras write in so many hours. Whole frames and tracks hardly depend on the interval."""
    rows, thumbnails = cameras * hours * m.rows_h, cameras * hours * m.thumbnails_h
    return Load(rows, thumbnails, thumbnails * m.thumbnail_bytes, rows * dim * 4)


def counted(store: VectorStore, thumbnails: Path) -> Load:
    """The same of an index that is there. `thumbnails` is the folder of its thumbnails."""
    _, vectors = store.sample(10**7)
    sizes = [file.stat().st_size for file in thumbnails.rglob("*.jpg")]
    return Load(len(vectors), len(sizes), sum(sizes), vectors.nbytes)


def from_results(folder: Path = RESULTS) -> Measured:
    """The committed figures."""
    live, searching = _read(folder / "live.json"), _read(folder / "searching.json")
    decoding = _read(folder / "decoding.json")
    of, ram = live["values"], searching["values"]
    row_ram = (
        ram["server, 1,000,000 rows: memory of the server"] - ram["server, 100,000 rows: memory of the server"]
    ) * (2**20 / 900_000)
    images_s, source = _gpu(folder / "gpu.json")
    cpu = "CPU a camera-hour: "
    rows_h = _rows_h(live)
    return Measured(
        interval_s=live["parameters"]["interval_s"],
        rows_h=rows_h,
        thumbnails_h=rows_h,  # not counted in `live`: at most one a row
        thumbnail_bytes=35_000,  # assumption for 640 pixels; `counted` measures it
        record_cpu_h=of[cpu + "recording"],
        decode_cpu_h=of[cpu + "decoding"],
        detect_cpu_h=of[cpu + "detecting"],
        **_regimes(decoding),
        embed_cpu_h=of[cpu + "embedding"],
        other_cpu_h=of[cpu + "writing"] + of[cpu + "everything else"],
        row_ram_bytes=row_ram,
        camera_ram_mib=(of["memory, last"] - PROCESS_RAM_MIB) / of["cameras"],
        process_ram_mib=PROCESS_RAM_MIB,
        video_mbit=8 * of["recorded, size"] / of["recorded"] if "recorded, size" in of else 4,
        gpu_images_s=images_s,
        gpu_source=source,
    )


def _rows_h(live: Mapping[str, Any]) -> float:
    """Rows of a camera-hour. Earlier runs counted those of the warm-up and the settling, too: over all that time."""
    of, given = live["values"], live["parameters"]
    if "rows in the measured time" in of:
        return float(of["rows in the measured time"] / (of["expected"] / 3600))
    return float(of["rows"] / (given["cameras"] * (WARM_S + 60 * given["minutes"] + SETTLE_S) / 3600))


def _regimes(decoding: Mapping[str, Any]) -> dict[str, float]:
    """Of two intervals with key frames only and two with every picture: what an hour costs, and what each look."""
    a, b, c, d = (decoding["values"][f"CPU a camera-hour, a look every {s} s"] for s in ("5", "2", "1.5", "1"))
    key_look_s = max(0.0, b - a) / (3600 / 2 - 3600 / 5)  # noise may make it less than nothing
    every_look_s = max(0.0, d - c) / (3600 - 3600 / 1.5)
    return {
        "key_interval_s": decoding["parameters"]["key_interval_s"],
        "key_look_s": key_look_s,
        "keys_h": a - key_look_s * 3600 / 5,
        "every_h": d - every_look_s * 3600,
        "every_look_s": every_look_s,
    }


def cpu_h(m: Measured, interval_s: float, *, embeds: bool) -> float:
    """CPU seconds of a camera-hour. Decoding has two costs: of key frames, and of every picture where these are rare.

    `embeds`: with the shipped model; another one is given a GPU.
    """
    keys, every = (m.keys_h, m.key_look_s), (m.every_h, m.every_look_s)
    hour, look_s = keys if interval_s >= m.key_interval_s else every
    dearer = (hour + look_s * 3600 / interval_s) / (m.keys_h + m.key_look_s * 3600 / m.interval_s)
    decode = m.decode_cpu_h * dearer  # a ratio within one run: `decoding` and `live` ran at other times
    detect = m.detect_cpu_h * m.interval_s / interval_s
    return m.record_cpu_h + decode + detect + m.other_cpu_h + (m.embed_cpu_h if embeds else 0.0)


def _read(file: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return {**data, "values": {m["name"]: m["value"] for m in data["metrics"]}}


def _gpu(file: Path) -> tuple[float, str]:
    """Images a second of ViT-B-32 on one GPU, and whence."""
    if file.exists():
        data = _read(file)
        rates = [v for name, v in data["values"].items() if name == "ViT-B-32: the product"]
        if rates and data["machine"]["cuda"]:
            return rates[0], f"measured on {data['machine']['cuda']}"
    return 2000.0, "assumption: ViT-B-32 in half precision on a data-centre card, never run by us"


def amended(m: Measured, changes: Mapping[str, Any]) -> Measured:
    known = [field.name for field in fields(Measured)]
    if unknown := sorted(set(changes) - set(known)):
        raise BadInput("unknown measured figure", got=", ".join(unknown), expected=", ".join(known))
    return replace(m, **changes)


def plan(
    m: Measured, prices: Mapping[str, Any], *, cameras: int, interval_s: float, days: float, model: str
) -> list[Line]:
    """What so many cameras need; see each line's formula."""
    dim = next((info.dim for info in RECOMMENDED if info.name == model), None)
    if dim is None:
        raise BadInput("unknown model", got=model, expected=", ".join(info.name for info in RECOMMENDED))
    load = expected(m, cameras=cameras, hours=24 * days, dim=dim)
    small = model == RECOMMENDED[0].name
    cores = math.ceil(cameras * cpu_h(m, interval_s, embeds=small) / 3600 / BUSY)
    rows_s = cameras * m.rows_h / 3600
    gpus = 0 if small else math.ceil(rows_s / (BUSY * m.gpu_images_s))
    ram = (cameras * m.camera_ram_mib + math.ceil(cores / 2) * m.process_ram_mib) / 1024
    video = cameras * m.video_mbit * 1e6 / 8 * 86400 * days
    disk = REPLICAS * (video + load.thumbnail_bytes) + load.vector_bytes * 2
    milvus = load.rows * m.row_ram_bytes * dim / MEASURED_DIM / GIB
    nodes = 0 if load.rows <= LITE_ROWS else math.ceil(milvus / (BUSY * NODE_GIB))
    bought = {"core": cores, "gpu": gpus, "ram_gib": ram + nodes * NODE_GIB, "disk_tb": disk / 1e12}
    money = sum(prices[item] * count for item, count in bought.items())
    return [
        Line("rows kept", load.rows, "", 0.2, 3, "cameras x hours x rows of a camera-hour (empty to crowded: `busy`)"),
        Line("cores", cores, "", 0.7, 3.5, f"cameras x CPU of a camera-hour at this interval / 3600 / {BUSY}"),
        Line(
            "GPUs",
            gpus,
            "",
            0.2,
            5,
            f"rows a second / ({BUSY} x images a second; {m.gpu_source}); none for xunren-small",
        ),
        Line(
            "RAM without Milvus",
            ram,
            "GiB",
            0.7,
            1.5,
            f"{m.camera_ram_mib:.0f} MiB a camera, a process of 1.1 GiB for two cores",
        ),
        Line("disk, recordings", video / 1e12, "TB", 0.5, 1.5, f"cameras x {m.video_mbit:g} Mbit/s x days, one copy"),
        Line("disk, thumbnails", load.thumbnail_bytes / 1e12, "TB", 0.2, 3, "thumbnails x bytes, one copy"),
        Line(
            "disk, all", disk / 1e12, "TB", 0.5, 1.6, f"{REPLICAS} copies of recordings and thumbnails, vectors twice"
        ),
        Line("Milvus, RAM", milvus, "GiB", 0.2, 3, "rows x bytes of a row in the server's memory, by dimension"),
        Line("Milvus nodes", nodes, "", 0.2, 3, f"of {NODE_GIB} GiB, {BUSY} full; none while Milvus Lite does"),
        Line(
            "money", money, prices["currency"], 0.3, 3, f"prices: {prices['source'].split(':')[0]}; no power, no people"
        ),
    ]


def breaking(
    m: Measured, *, cameras: int, days: float, interval_s: float, model: str = "ViT-B-32"
) -> list[tuple[str, float]]:
    """What there is one of, and how many times over it is used; worst first. From 1 on it breaks.

    Cameras that one machine can look at are planned on one box; of a cluster all breaks that cannot be multiplied.
    """
    rows = cameras * 24 * days * m.rows_h
    camera_h = cpu_h(m, interval_s, embeds=model == RECOMMENDED[0].name)
    box = {
        f"Milvus Lite, were no nodes bought ({LITE_ROWS:,} rows; `searching`)": rows / LITE_ROWS,
        "one machine of 64 cores": cameras * camera_h / 3600 / (64 * BUSY),
        f"one machine's network of {UPLINK_GBIT:g} Gbit/s": cameras * m.video_mbit / 1000 / (UPLINK_GBIT * BUSY),
    }
    cluster = {
        f"one PostgreSQL ({CATALOGUE_WRITES:,} writes a second, assumption; files of 10 s)": (
            cameras / 10 * WRITES_A_FILE / CATALOGUE_WRITES
        ),
        f"one Milvus collection ({COLLECTION_ROWS:,} rows, assumption)": rows / COLLECTION_ROWS,
    }
    used = box if box["one machine of 64 cores"] <= 1 else cluster
    return sorted(used.items(), key=lambda item: -item[1])


def first_to_break(loads: Sequence[tuple[str, float]]) -> str:
    name, times = loads[0]
    if times < 1:
        return f"nothing up to here breaks; nearest is {name}, used {times:.2g} times"
    return f"breaks first: {name}, used {times:.3g} times over"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cameras", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between the frames that are sampled")
    parser.add_argument("--key-interval", type=float, default=2.0, help="seconds between a camera's key frames")
    parser.add_argument("--days", type=float, default=30.0, help="that recordings and rows are kept")
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--measured", type=Path, help="JSON: names of `Measured` with your own figures")
    parser.add_argument("--prices", type=Path, default=PRICES)
    given = parser.parse_args(arguments)
    if min(*given.cameras, given.interval, given.key_interval, given.days) <= 0:
        parser.error("--cameras, --interval, --key-interval and --days must be more than 0")
    own = json.loads(given.measured.read_text()) if given.measured else {}
    m = amended(from_results(), {"key_interval_s": given.key_interval} | own)
    prices = json.loads(given.prices.read_text())
    metrics: list[Metric] = []
    for cameras in given.cameras:
        lines = plan(m, prices, cameras=cameras, interval_s=given.interval, days=given.days, model=given.model)
        _print(f"{cameras:,} cameras", lines)
        metrics += [Metric(f"{cameras:,} cameras: {line.name}", line.value, line.unit) for line in lines]
        loads = breaking(m, cameras=cameras, days=given.days, interval_s=given.interval, model=given.model)
        print(first_to_break(loads) + "\n")
        for name, times in loads:
            metrics.append(Metric(f"{cameras:,} cameras: load of {name}", times, "times"))
    parameters = {"interval_s": given.interval, "days": given.days, "model": given.model,
                  "given": asdict(m), "prices": prices}  # fmt: skip
    publish("capacity", parameters, metrics)


def _print(title: str, lines: Sequence[Line]) -> None:
    rows = [
        (line.name, f"{line.value:,.4g}", line.unit, f"{line.low:g} to {line.high:g} times", line.formula)
        for line in lines
    ]
    Console().print(table(title, ("what", "value", "unit", "range", "formula"), rows))


if __name__ == "__main__":
    main()
