"""Where the cameras of the made city stand, and who passes which of them when."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from training.city_people import SEED, Citizen

SECONDS = 1800
COLUMNS, ROWS = 6, 4
_LAT, _LON = 22.7200, 114.2500
_METRES_A_DEGREE = 111_195.0
_NAMES = (
    ("north-gate", "North Gate 北门"), ("school-east", "School East 学校东"), ("library", "Library 图书馆"), ("market-1", "Market 1 市场一号"),
    ("market-2", "Market 2 市场二号"), ("station-north", "Station North 火车站北"), ("park-west", "Park West 公园西"), ("park-lake", "Park Lake 公园湖边"),
    ("hospital", "Hospital 医院"), ("main-street-1", "Main Street 1 大街一号"), ("main-street-2", "Main Street 2 大街二号"), ("station-hall", "Station Hall 火车站大厅"),
    ("canal", "Canal 运河"), ("old-town", "Old Town 老城"), ("temple", "Temple 寺庙"), ("bank", "Bank 银行"), ("cinema", "Cinema 电影院"),
    ("bus-depot", "Bus Depot 公交总站"), ("south-gate", "South Gate 南门"), ("stadium", "Stadium 体育场"), ("factory", "Factory 工厂"),
    ("mall-entrance", "Mall Entrance 商场入口"), ("car-park", "Car Park 停车场"), ("bridge", "Bridge 大桥"),
)  # fmt: skip
CROWDS = (
    ("market-1", 300.0),
    ("market-1", 1050.0),
    ("station-hall", 480.0),
    ("station-hall", 1290.0),
    ("stadium", 700.0),
    ("stadium", 1400.0),
)


@dataclass(frozen=True)
class Spot:
    """A camera on the map; x and y in metres from the south-west corner."""

    id: str
    name: str
    district: str
    x: float
    y: float

    @property
    def lat(self) -> float:
        return round(_LAT + self.y / _METRES_A_DEGREE, 6)

    @property
    def lon(self) -> float:
        return round(_LON + self.x / (_METRES_A_DEGREE * float(np.cos(np.radians(_LAT)))), 6)


@dataclass(frozen=True)
class Passing:
    """Somebody comes into a camera's view at ``start`` seconds and crosses it by way-points (x, y, pause)."""

    who: str
    camera: str
    start: float
    points: tuple[tuple[float, float, float], ...]


def spots() -> list[Spot]:
    """24 cameras, 150 to 220 m from their neighbours."""
    rng = np.random.default_rng(SEED + 3)
    made = []
    for k, (id_, name) in enumerate(_NAMES):
        column, row = k % COLUMNS, k // COLUMNS
        x, y = column * 185 + float(rng.uniform(-18, 18)), (ROWS - 1 - row) * 185 + float(rng.uniform(-18, 18))
        made.append(Spot(id_, name, "longcheng" if column < COLUMNS // 2 else "longgang", x, y))
    return made


def neighbours(k: int) -> list[int]:
    """Numbers of the cameras at the next corners."""
    column, row = k % COLUMNS, k // COLUMNS
    around = ((column - 1, row), (column + 1, row), (column, row - 1), (column, row + 1))
    return [r * COLUMNS + c for c, r in around if 0 <= c < COLUMNS and 0 <= r < ROWS]


def passings(people: list[Citizen], widths: dict[str, float]) -> list[Passing]:
    """Everybody's way: three to six cameras, one after the other, at their own pace.

    Args:
        people: of the city.
        widths: by camera, half of what its view shows at a metre's distance, in metres.
    """
    rng = np.random.default_rng(SEED + 4)
    crowd = iter([(camera, at) for camera, at in CROWDS for _ in range(int(rng.integers(6, 10)))])
    found: list[Passing] = []
    for person in rng.permutation(np.asarray(people, object)):
        first = next(crowd, None)
        found += _way(person, first, widths, rng)
    return found


def _way(
    person: Citizen, first: tuple[str, float] | None, widths: dict[str, float], rng: np.random.Generator
) -> list[Passing]:
    places = spots()
    ids = [spot.id for spot in places]
    at = ids.index(first[0]) if first else int(rng.integers(len(ids)))
    now = first[1] + float(rng.uniform(0, 14)) if first else float(rng.uniform(5, 1300))
    before, found = -1, []
    for _ in range(int(rng.integers(3, 7))):
        points = _crossing(widths[ids[at]], rng)
        takes = _seconds(points, person.speed)
        if now + takes > SECONDS - 4:
            break
        found.append(Passing(person.id, ids[at], now, points))
        choices = [k for k in neighbours(at) if k != before]
        before, at = at, int(rng.choice(choices))
        far = float(np.hypot(places[at].x - places[before].x, places[at].y - places[before].y))
        now += takes + far * float(rng.uniform(1.0, 1.2)) / person.speed
    return found


def _crossing(width: float, rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    """From one side to the other, nearer or farther, sometimes with a stop on the way."""
    side = float(rng.choice((-1, 1)))
    begin, middle, end = (float(y) for y in rng.uniform(5.6, 11.5, 3))
    pause = float(rng.uniform(1, 7)) if rng.random() < 0.5 else 0.0
    x = float(rng.uniform(-0.35, 0.35)) * width * middle
    return ((-side * (width * begin + 0.7), begin, 0.0), (x, middle, pause), (side * (width * end + 0.7), end, 0.0))


def _seconds(points: tuple[tuple[float, float, float], ...], speed: float) -> float:
    far = sum(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in itertools.pairwise(points))
    return far / speed + sum(p[2] for p in points)
