"""What people wear and carry besides cloth: meshes of rounded blocks, each following one bone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from training.body import Body, Ints
from training.view import Floats
from training.wardrobe import Outfit


@dataclass
class Kit:
    """Grows while things are added: vertices in the rest pose, their bone, their colour, triangles."""

    verts: list[Floats] = field(default_factory=list)
    bones: list[int] = field(default_factory=list)
    colours: list[Floats] = field(default_factory=list)
    faces: list[Ints] = field(default_factory=list)
    upright: list[bool] = field(default_factory=list)
    """Things that hang or stand keep upright: they take the bone's place, not its turn."""

    def add(self, centre: Floats, radii: tuple[float, float, float], rgb: Floats, bone: int, *, square: float = 1.0,
            upright: bool = False, lean: float = 0.0) -> None:  # fmt: skip
        """A superellipsoid: ``square`` 1 is round, 0.3 nearly a block; ``lean`` tilts it about x, radians."""
        verts, faces = _lump(square)
        verts = verts * np.asarray(radii, np.float32)
        c, s = np.cos(lean), np.sin(lean)
        verts = verts @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]], np.float32) + centre
        start = sum(len(v) for v in self.verts)
        self.verts.append(verts.astype(np.float32))
        self.faces.append((faces + start).astype(np.int32))
        self.colours.append(np.broadcast_to(np.asarray(rgb, np.float32), verts.shape))
        self.bones += [bone] * len(verts)
        self.upright += [upright] * len(verts)

    def cone(self, tip: Floats, radius: float, drop: float, rgb: Floats, bone: int) -> None:
        """An open umbrella."""
        ring = np.linspace(0, 2 * np.pi, 17)[:16]
        verts, faces = [tip], []
        for step, (r, d) in enumerate(((0.35, 0.06), (0.7, 0.35), (1.0, 1.0))):
            verts += [tip + np.array([np.cos(a) * r * radius, np.sin(a) * r * radius, -drop * d]) for a in ring]
            for k in range(16):
                a, b = 1 + step * 16 + k, 1 + step * 16 + (k + 1) % 16
                faces += [(0, a, b)] if step == 0 else [(a - 16, a, b), (a - 16, b, b - 16)]
        start = sum(len(v) for v in self.verts)
        points = np.asarray(verts, np.float32)
        self.verts.append(points)
        self.faces.append(np.asarray(faces, np.int32) + start)
        panel = 1 - 0.10 * (np.arange(len(points)) % 2)
        self.colours.append((np.asarray(rgb)[None] * panel[:, None]).astype(np.float32))
        self.bones += [bone] * len(points)
        self.upright += [True] * len(points)

    def tube(self, a: tuple[float, float, float], b: tuple[float, float, float], thick: float, rgb: Floats, bone: int,
             origin: Floats) -> None:  # fmt: skip
        """A rod between two points of one upright plane across x."""
        start, end = np.asarray(a, np.float32), np.asarray(b, np.float32)
        along = end - start
        length = float(np.hypot(along[1], along[2])) / 2 + thick
        self.add((origin + (start + end) / 2).astype(np.float32), (thick, thick, length), rgb, bone, square=0.6,
                 lean=float(np.arctan2(along[1], along[2])))  # fmt: skip

    def wheel(self, centre: Floats, radius: float, thick: float, rgb: Floats, bone: int) -> None:
        """A ring about the x axis."""
        around = np.linspace(0, 2 * np.pi, 25)[:24]
        points, faces = [], []
        for k, angle in enumerate(around):
            for j, (dx, dr) in enumerate(((-1, 0), (0, 1), (1, 0), (0, -1))):
                r = radius + dr * thick
                points.append((dx * thick, np.cos(angle) * r, np.sin(angle) * r))
                a, b = k * 4 + j, k * 4 + (j + 1) % 4
                c, d = ((k + 1) % 24) * 4 + j, ((k + 1) % 24) * 4 + (j + 1) % 4
                faces += [(a, b, c), (b, d, c)]
        start = sum(len(v) for v in self.verts)
        verts = np.asarray(points, np.float32) + centre
        self.verts.append(verts.astype(np.float32))
        self.faces.append(np.asarray(faces, np.int32) + start)
        self.colours.append(np.broadcast_to(np.asarray(rgb, np.float32), verts.shape))
        self.bones += [bone] * len(verts)
        self.upright += [False] * len(verts)


_LUMPS: dict[float, tuple[Floats, Ints]] = {}


def _lump(square: float) -> tuple[Floats, Ints]:
    if square in _LUMPS:
        return _LUMPS[square]
    rows, cols = 9, 16
    lat, lon = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, rows), np.linspace(-np.pi, np.pi, cols + 1)[:-1], indexing="ij"
    )

    def power(value: Floats) -> Floats:
        return np.asarray(np.sign(value) * np.abs(value) ** square, np.float32)

    ring = power(np.cos(lat))
    verts = np.stack([ring * power(np.cos(lon)), ring * power(np.sin(lon)), power(np.sin(lat))], -1).reshape(-1, 3)
    faces = []
    for r in range(rows - 1):
        for c in range(cols):
            a, b = r * cols + c, r * cols + (c + 1) % cols
            faces += [(a, b, b + cols), (a, b + cols, a + cols)]
    _LUMPS[square] = (verts.astype(np.float32), np.asarray(faces, np.int32))
    return _LUMPS[square]


def _hat(kit: Kit, crown: Floats, outfit: Outfit, bone: int, s: float) -> None:
    kind, rgb = outfit.person.hat, outfit.hat_rgb

    def at(x: float, y: float, z: float) -> Floats:
        return np.asarray(crown + np.array([x, y, z], np.float32) * s, np.float32)

    if kind == "cap":
        kit.add(at(0, 0.005, 0.035), (0.104 * s, 0.120 * s, 0.082 * s), rgb, bone)
        kit.add(at(0, -0.150, 0.020), (0.080 * s, 0.100 * s, 0.012 * s), rgb * 0.8, bone, square=0.7)
    elif kind == "hat":
        kit.add(at(0, 0, 0.050), (0.104 * s, 0.118 * s, 0.092 * s), rgb, bone, square=0.6)
        kit.add(at(0, 0, 0.018), (0.107 * s, 0.121 * s, 0.020 * s), outfit.accent_rgb * 0.7, bone, square=0.7)
        wide = 0.20 + 0.07 * (outfit.fold_seed % 5) / 4
        kit.add(at(0, 0, -0.002), (wide * s, wide * 1.04 * s, 0.014 * s), rgb * 0.92, bone)
    elif kind == "helmet" and outfit.fold_seed % 3:
        kit.add(at(0, 0, 0.045), (0.130 * s, 0.150 * s, 0.105 * s), rgb, bone)
        kit.add(at(0, -0.02, 0.0), (0.145 * s, 0.175 * s, 0.012 * s), rgb * 0.9, bone)
        kit.add(at(0, 0, 0.10), (0.022 * s, 0.13 * s, 0.055 * s), rgb * 1.08, bone)
    elif kind == "helmet":
        kit.add(at(0, 0.01, -0.005), (0.140 * s, 0.160 * s, 0.165 * s), rgb, bone, square=0.9)
        kit.add(
            at(0, -0.115, -0.02),
            (0.095 * s, 0.055 * s, 0.05 * s),
            np.array((0.06, 0.07, 0.08), np.float32),
            bone,
            square=0.6,
        )
    elif kind == "hood":
        rgb = outfit.upper_rgb * 0.94
        kit.add(at(0, 0.035, -0.005), (0.125 * s, 0.135 * s, 0.165 * s), rgb, bone, square=0.85)
        kit.add(at(0, 0.06, 0.12), (0.05 * s, 0.07 * s, 0.05 * s), rgb, bone)
        kit.add(at(0, 0.02, -0.19), (0.135 * s, 0.115 * s, 0.07 * s), rgb, bone)
    elif kind == "headscarf":
        kit.add(at(0, 0.030, -0.015), (0.112 * s, 0.125 * s, 0.140 * s), rgb, bone, square=0.95)
        kit.add(at(0, 0.0, -0.19), (0.150 * s, 0.125 * s, 0.085 * s), rgb * 0.95, bone)
        kit.add(at(0.03, -0.11, -0.23), (0.05 * s, 0.03 * s, 0.10 * s), rgb * 0.88, bone)


def _ride(kit: Kit, body: Body, heads: Floats, outfit: Outfit, s: float) -> None:
    """A bicycle, an e-bike or a wheelchair under a sitting figure."""
    bone = body.bone["root"]
    seat = (
        heads[body.bone["upperleg01.L"]] * np.array([0, 1, 1], np.float32) + np.array([0, 0.04, -0.11], np.float32) * s
    )
    dark, steel, rgb = (
        np.array((0.07, 0.07, 0.08), np.float32),
        np.array((0.45, 0.46, 0.48), np.float32),
        outfit.carried_rgb,
    )

    def at(x: float, y: float, z: float) -> Floats:
        return np.asarray(seat + np.array([x, y, z], np.float32) * s, np.float32)

    if outfit.person.ride == "bicycle":
        kit.add(at(0, 0.03, -0.02), (0.08 * s, 0.13 * s, 0.03 * s), dark, bone)
        for y in (0.42, -0.66):
            kit.wheel(at(0, y, -0.56), 0.32 * s, 0.018 * s, dark, bone)
        frame = (((0, 0.05, -0.03), (0, -0.08, -0.55)), ((0, -0.08, -0.55), (0, -0.52, -0.08)), ((0, 0.03, -0.12), (0, -0.52, -0.08)),
                 ((0, -0.52, 0.05), (0, -0.66, -0.56)), ((0, -0.08, -0.55), (0, 0.42, -0.56)), ((0, 0.04, -0.12), (0, 0.42, -0.56)))  # fmt: skip
        for a, b in frame:
            kit.tube(tuple(v * s for v in a), tuple(v * s for v in b), 0.022 * s, rgb, bone, seat)  # type: ignore[arg-type]
        kit.add(at(0, -0.53, 0.10), (0.27 * s, 0.02 * s, 0.02 * s), dark, bone)
    elif outfit.person.ride == "e-bike":
        kit.add(at(0, 0.14, -0.05), (0.12 * s, 0.34 * s, 0.06 * s), dark, bone, square=0.5)
        kit.add(at(0, 0.18, -0.26), (0.11 * s, 0.26 * s, 0.17 * s), rgb, bone, square=0.5)
        kit.add(at(0, -0.28, -0.40), (0.13 * s, 0.32 * s, 0.04 * s), rgb * 0.7, bone, square=0.4)
        kit.add(at(0, -0.60, -0.10), (0.17 * s, 0.05 * s, 0.34 * s), rgb, bone, square=0.5, lean=0.18)
        for y in (0.36, -0.74):
            kit.wheel(at(0, y, -0.42), 0.17 * s, 0.05 * s, dark, bone)
        kit.add(at(0, -0.55, 0.26), (0.30 * s, 0.03 * s, 0.03 * s), dark, bone)
    elif outfit.person.ride == "wheelchair":
        kit.add(at(0, -0.10, -0.03), (0.23 * s, 0.24 * s, 0.03 * s), dark, bone, square=0.3)
        kit.add(at(0, 0.19, 0.24), (0.22 * s, 0.03 * s, 0.26 * s), dark, bone, square=0.3)
        for x in (-0.27, 0.27):
            kit.wheel(at(x, 0.10, -0.18), 0.30 * s, 0.018 * s, dark, bone)
            kit.wheel(at(x * 0.8, -0.40, -0.39), 0.09 * s, 0.018 * s, dark, bone)
            kit.tube(
                (x * 0.85 * s, 0.16 * s, 0.42 * s), (x * 0.85 * s, 0.34 * s, 0.46 * s), 0.022 * s, steel, bone, seat
            )
            kit.tube(
                (x * 0.85 * s, -0.25 * s, 0.18 * s), (x * 0.85 * s, 0.19 * s, 0.18 * s), 0.022 * s, steel, bone, seat
            )
            kit.tube(
                (x * 0.85 * s, -0.33 * s, -0.03 * s), (x * 0.85 * s, -0.52 * s, -0.44 * s), 0.018 * s, steel, bone, seat
            )
        kit.add(at(0, -0.53, -0.45), (0.2 * s, 0.08 * s, 0.012 * s), steel, bone, square=0.4)
    elif outfit.person.pose == "sitting":
        kit.add(at(0, 0.02, -0.05), (0.5 * s, 0.26 * s, 0.035 * s), rgb * 0.8, bone, square=0.25)
        for x in (-0.4, 0.4):
            kit.add(at(x, 0.02, -0.27), (0.03 * s, 0.2 * s, 0.2 * s), steel * 0.6, bone, square=0.3)


def _head_things(kit: Kit, body: Body, heads: Floats, outfit: Outfit, scale: float) -> None:
    person, bone = outfit.person, body.bone["head"]
    crown = heads[bone] + np.array([0, -0.045, 0.085], np.float32) * scale
    s = scale
    if person.hat == "none" or person.hat in ("cap",):
        if person.hair == "bun":
            kit.add(crown + np.array([0, 0.10, 0.03]) * s, (0.045 * s,) * 3, outfit.hair_rgb, bone)
        elif person.hair == "ponytail":
            kit.add(
                crown + np.array([0, 0.125, -0.09]) * s,
                (0.032 * s, 0.03 * s, 0.13 * s),
                outfit.hair_rgb,
                bone,
                lean=-0.12,
            )
    if person.hair == "short" and person.sex == "female":
        kit.add(
            crown + np.array([0, 0.03, -0.055]) * s, (0.098 * s, 0.075 * s, 0.12 * s), outfit.hair_rgb, bone, square=0.8
        )
    _hat(kit, crown, outfit, bone, s)
    if person.upper in ("hoodie", "down jacket") and person.hat != "hood":
        chest = body.bone["spine01"]
        nape = np.array([0, 0.085, 0.02], np.float32) * s
        nape = nape + heads[body.bone["neck01"]] * np.array([0, 1, 1], np.float32)
        kit.add(
            nape - np.array([0, 0.015, 0.03]),
            (0.135 * s, 0.075 * s, 0.10 * s),
            outfit.upper_rgb * 0.92,
            chest,
            square=0.8,
        )


def _shoes(kit: Kit, body: Body, heads: Floats, outfit: Outfit, floor: float) -> None:
    for side in ("L", "R"):
        bone = body.bone[f"foot.{side}"]
        ankle, toe = heads[bone], heads[body.bone[f"toe1-1.{side}"]]
        length = float(abs(ankle[1] - toe[1])) / 0.136
        centre = np.array(
            [
                (ankle[0] * 0.45 + toe[0] * 0.35 + np.sign(ankle[0]) * 0.0465),
                ankle[1] - 0.062 * length,
                floor + 0.036 * length,
            ]
        )
        kit.add(centre, (0.047 * length, 0.130 * length, 0.042 * length), outfit.shoe_rgb, bone, square=0.65)
        sole = centre - np.array([0, 0, 0.030 * length])
        kit.add(sole, (0.049 * length, 0.133 * length, 0.010 * length), outfit.accent_rgb * 0.8, bone, square=0.5)


def _bags(kit: Kit, body: Body, heads: Floats, outfit: Outfit, scale: float) -> None:
    person, chest, s = outfit.person, body.bone["spine01"], scale
    if person.bag == "backpack":
        back = heads[chest] * np.array([0, 1, 1], np.float32) + np.array(
            [0, 0.175 * s + outfit.loose, -0.065 * s], np.float32
        )
        kit.add(back, (0.155 * s, 0.088 * s, 0.225 * s), outfit.bag_rgb, chest, square=0.55)
        kit.add(
            back + np.array([0, 0.075, -0.08]) * s,
            (0.115 * s, 0.04 * s, 0.10 * s),
            outfit.bag_rgb * 0.8,
            chest,
            square=0.5,
        )
    elif person.bag == "handbag":
        bone = body.bone["wrist.L"]
        hand = heads[body.bone["finger3-1.L"]]
        kit.add(
            hand + np.array([0, 0, -0.20]) * s,
            (0.055 * s, 0.14 * s, 0.10 * s),
            outfit.bag_rgb,
            bone,
            square=0.45,
            upright=True,
        )
        kit.add(
            hand + np.array([0, 0, -0.06]) * s,
            (0.008 * s, 0.05 * s, 0.06 * s),
            outfit.bag_rgb * 0.8,
            bone,
            upright=True,
        )
    elif person.bag == "shoulder bag":
        hip = heads[body.bone["upperleg01.R"]] + np.array([-0.10, 0.02, 0.0], np.float32) * s
        kit.add(hip, (0.055 * s, 0.14 * s, 0.11 * s), outfit.bag_rgb, body.bone["root"], square=0.45)


def _carried(kit: Kit, body: Body, heads: Floats, outfit: Outfit, scale: float) -> None:
    what, rgb, s = outfit.person.carried, outfit.carried_rgb, scale
    bone = body.bone["wrist.R"]
    hand = heads[body.bone["finger3-1.R"]]
    if what == "suitcase":
        kit.add(
            hand + np.array([0, 0.18, -0.42]) * s, (0.20 * s, 0.12 * s, 0.28 * s), rgb, bone, square=0.4, upright=True
        )
        for dx in (-0.08, 0.08):
            kit.add(
                hand + np.array([dx, 0.10, -0.08]) * s,
                (0.010, 0.010, 0.14 * s),
                np.array((0.3,) * 3, np.float32),
                bone,
                upright=True,
            )
        kit.add(hand, (0.09 * s, 0.015, 0.015), np.array((0.15,) * 3, np.float32), bone, upright=True)
    elif what == "cane":
        kit.add(hand + np.array([0, -0.04, -0.38]) * s, (0.014, 0.014, 0.42 * s), rgb * 0.8, bone, upright=True)
        kit.add(hand + np.array([0, -0.04, 0.03]) * s, (0.018, 0.06, 0.016), rgb * 0.7, bone, upright=True)
    elif what == "umbrella":
        kit.add(
            hand + np.array([0, 0, 0.28]) * s,
            (0.009, 0.009, 0.40 * s),
            np.array((0.25,) * 3, np.float32),
            bone,
            upright=True,
        )
        kit.cone(hand + np.array([0.06, 0.05, 0.72]) * s, 0.52 * s, 0.26 * s, rgb, bone)
    elif what == "parcel":
        box = np.array((0.62, 0.47, 0.31), np.float32) if outfit.fold_seed % 2 else rgb
        belly = heads[body.bone["spine03"]] + np.array([0, -0.33, 0.06], np.float32) * s
        kit.add(belly, (0.20 * s, 0.14 * s, 0.13 * s), box, body.bone["spine03"], square=0.2)
    elif what == "papers":
        kit.add(
            hand + np.array([0.02, -0.03, 0.03]) * s,
            (0.10 * s, 0.012, 0.14 * s),
            np.array((0.92,) * 3, np.float32),
            bone,
            square=0.1,
            lean=0.8,
        )


def things(body: Body, heads: Floats, outfit: Outfit, floor: float, scale: float) -> Kit:
    """Everything this person has on or with them; ``scale`` is the height over that of the template."""
    kit = Kit()
    _shoes(kit, body, heads, outfit, floor)
    _head_things(kit, body, heads, outfit, scale)
    _bags(kit, body, heads, outfit, scale)
    _carried(kit, body, heads, outfit, scale)
    if outfit.person.ride != "none" or outfit.person.pose == "sitting":
        _ride(kit, body, heads, outfit, scale)
    return kit
