"""Where the cameras of the made city stand, and who passes which of them when."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
    ("market-1", 320.0),
    ("market-1", 1050.0),
    ("station-hall", 480.0),
    ("station-hall", 1290.0),
    ("stadium", 700.0),
    ("stadium", 1430.0),
)
_STEP_S = 0.25  # between the moments at which two people must not stand in each other
_TRIES = 60

Doubles = NDArray[np.float64]
Points = tuple[tuple[float, float, float], ...]


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
class Solid:
    """What nobody walks through: a turned rectangle on the ground by its middle and half its sides, metres."""

    x: float
    y: float
    half_x: float
    half_y: float
    turn: float = 0.0

    def gap(self, x: Doubles, y: Doubles) -> Doubles:
        """Metres from points to the rectangle, 0 within."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        dx, dy = x - self.x, y - self.y
        out_x = np.maximum(np.abs(dx * c + dy * s) - self.half_x, 0)
        out_y = np.maximum(np.abs(dy * c - dx * s) - self.half_y, 0)
        return np.asarray(np.hypot(out_x, out_y))


@dataclass(frozen=True)
class Ground:
    """What a camera sees of the ground: from ``near`` to ``far`` metres before it, ``wide(forward)`` to both sides."""

    near: float
    far: float
    slope: float
    shift: float
    yaw: float
    solids: tuple[Solid, ...] = ()
    door: tuple[float, float] | None = None
    indoor: bool = False

    def wide(self, forward: float) -> float:
        return self.slope * (forward + self.shift)

    def world(self, right: float, forward: float) -> tuple[float, float]:
        """World x and y of what lies ``forward`` of the camera and ``right`` of its middle."""
        c, s = float(np.cos(self.yaw)), float(np.sin(self.yaw))
        return right * c + forward * s, forward * c - right * s


@dataclass(frozen=True)
class Passing:
    """Somebody comes into a camera's view at ``start`` seconds and crosses it by way-points (x, y, pause)."""

    who: str
    camera: str
    start: float
    points: Points
    end: float


@dataclass
class Diary:
    """Who stands where in each camera's view, so that no two stand in the same spot."""

    held: dict[str, list[tuple[Doubles, Doubles, Doubles, float]]] = field(default_factory=dict)

    def is_free(self, way: Passing, speed: float, radius: float) -> bool:
        t, x, y = _moments(way, speed)
        for t2, x2, y2, radius2 in self.held.get(way.camera, []):
            if t2[0] > t[-1] or t2[-1] < t[0]:
                continue
            both = (t >= t2[0]) & (t <= t2[-1])
            gap = np.hypot(x[both] - np.interp(t[both], t2, x2), y[both] - np.interp(t[both], t2, y2))
            if (gap < radius + radius2).any():
                return False
        return True

    def add(self, way: Passing, speed: float, radius: float) -> None:
        self.held.setdefault(way.camera, []).append((*_moments(way, speed), radius))


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


def passings(people: Sequence[Citizen], grounds: Sequence[Ground]) -> list[Passing]:
    """Everybody's way past three to six cameras, one after the other, at their own pace.

    Args:
        people: of the city.
        grounds: of the cameras, in the order of `spots`.
    """
    rng = np.random.default_rng(SEED + 4)
    walkers = [c for c in people if c.person.ride == "none"]
    crowd = [(camera, at) for camera, at in CROWDS for _ in range(int(rng.integers(6, 10)))]
    chosen = [walkers[k] for k in rng.permutation(len(walkers))[: len(crowd)]]
    planner = Planner(grounds, rng)
    found = [way for who, tryst in zip(chosen, crowd, strict=True) for way in planner.plan(who, tryst)]
    met = {citizen.id for citizen in chosen}
    return found + [way for who in people if who.id not in met for way in planner.plan(who, None)]


class Planner:
    """Finds ways that meet no wall and nobody else's body."""

    def __init__(self, grounds: Sequence[Ground], rng: np.random.Generator) -> None:
        self.grounds, self.rng = grounds, rng
        self.spots = spots()
        self.ids = [spot.id for spot in self.spots]
        self.diary = Diary()

    def plan(self, who: Citizen, tryst: tuple[str, float] | None) -> list[Passing]:
        """One person's half hour; with ``tryst`` (camera, second) they stand in that crowd."""
        radius = 0.36 if who.person.ride == "none" else 0.75
        for _ in range(400):
            found = self._attempt(who, tryst, radius)
            if found:
                for way in found:
                    self.diary.add(way, who.speed, radius)
                return found
        raise RuntimeError(f"no way found for {who.id}")

    def _attempt(self, who: Citizen, tryst: tuple[str, float] | None, radius: float) -> list[Passing] | None:
        rng = self.rng
        route = self._route(who, None if tryst is None else self.ids.index(tryst[0]))
        if route is None:
            return None
        at = int(rng.integers(len(route))) if tryst is None else route.index(self.ids.index(tryst[0]))
        start = float(rng.uniform(2, SECONDS - 40)) if tryst is None else tryst[1] + float(rng.uniform(0, 5))
        first = self._cross(who, route[at], start, radius, crowd=tryst is not None)
        if first is None:
            return None
        found = [first]
        for here, there in itertools.pairwise(route[at:]):
            after = self._cross(who, there, found[-1].end + self._leg(who, here, there), radius)
            if after is None or after.end > SECONDS - 2:
                return None
            found.append(after)
        for here, there in itertools.pairwise(route[at::-1]):
            before = self._cross(who, there, found[0].start - self._leg(who, here, there), radius, backwards=True)
            if before is None or before.start < 1:
                return None
            found.insert(0, before)
        return found

    def _route(self, who: Citizen, through: int | None) -> list[int] | None:
        """Three to six cameras, each a neighbour of the last and not the one before it."""
        barred = (
            {k for k, g in enumerate(self.grounds) if g.indoor} if who.person.ride in ("bicycle", "e-bike") else set()
        )
        route = [int(self.rng.integers(len(self.ids))) if through is None else through]
        if route[0] in barred:
            return None
        long = int(self.rng.integers(3, 7))
        while len(route) < long:
            ahead = through is None or bool(self.rng.random() < 0.5)
            last, before = (route[-1], route[-2:-1]) if ahead else (route[0], route[1:2])
            choices = [k for k in neighbours(last) if k not in before and k not in barred and k != through]
            if not choices:
                return None
            route.insert(len(route) if ahead else 0, int(self.rng.choice(choices)))
        return route

    def _leg(self, who: Citizen, here: int, there: int) -> float:
        """Seconds on the street between two cameras' views."""
        a, b = self.spots[here], self.spots[there]
        return float(np.hypot(a.x - b.x, a.y - b.y)) * float(self.rng.uniform(1.0, 1.2)) / who.speed

    def _cross(self, who: Citizen, camera: int, at: float, radius: float, *, crowd: bool = False,
               backwards: bool = False) -> Passing | None:  # fmt: skip
        """A way through one view that begins at second ``at``, or ends there if ``backwards``."""
        ground = self.grounds[camera]
        for _ in range(_TRIES):
            points = self._points(who, ground, crowd)
            takes = seconds(points, who.speed)
            if takes > 31:
                continue
            start = round(at - takes if backwards else at, 2)
            way = Passing(who.id, self.ids[camera], start, points, start + takes)
            _, x, y = _moments(way, who.speed)
            if any((solid.gap(x, y) < radius).any() for solid in ground.solids):
                continue
            if self.diary.is_free(way, who.speed, radius):
                return way
        return None

    def _points(self, who: Citizen, ground: Ground, crowd: bool) -> Points:
        """From a side or a door by one or two stops to a side or a door, (right, forward) turned into the world."""
        rng = self.rng
        side = float(rng.choice((-1, 1)))
        ends = [self._edge(ground, side), self._edge(ground, -side if rng.random() < 0.85 else side)]
        if ground.door and rng.random() < 0.3:
            ends[int(rng.integers(2))] = ground.door
        middles = []
        for _ in range(1 if crowd or rng.random() < 0.5 else 2):
            forward = float(rng.uniform(ground.near, ground.far))
            middles.append((float(rng.uniform(-0.7, 0.7)) * ground.wide(forward), forward))
        route = [ground.world(*point) for point in (ends[0], *middles, ends[1])]
        walking = seconds(tuple((x, y, 0.0) for x, y in route), who.speed)
        rides = who.person.ride in ("bicycle", "e-bike")
        wanted = float(rng.uniform(28, 31) if crowd else rng.uniform(6, 12) if rides else rng.uniform(12, 24))
        pause = max(0.0, wanted - walking)
        stop = 1 + int(rng.integers(len(middles)))
        return tuple((x, y, pause if k == stop else 0.0) for k, (x, y) in enumerate(route))

    def _edge(self, ground: Ground, side: float) -> tuple[float, float]:
        forward = float(self.rng.uniform(ground.near, ground.far))
        return side * (ground.wide(forward) + 0.8), forward


def seconds(points: Points, speed: float) -> float:
    far = sum(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in itertools.pairwise(points))
    return far / speed + sum(p[2] for p in points)


def _moments(way: Passing, speed: float) -> tuple[Doubles, Doubles, Doubles]:
    """Times, x and y of a way, every `_STEP_S` seconds."""
    knots: list[tuple[float, float, float]] = []
    now = way.start
    for k, (x, y, pause) in enumerate(way.points):
        if k:
            now += float(np.hypot(x - way.points[k - 1][0], y - way.points[k - 1][1])) / speed
        knots.append((now, x, y))
        now += pause
        knots.append((now, x, y))
    t, x_at, y_at = np.asarray(knots).T
    times = np.arange(way.start, now + _STEP_S, _STEP_S)
    return times, np.interp(times, t, x_at), np.interp(times, t, y_at)
