"""A street with people, drawn at one frame every two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from search.types import Box, Frame, Image

WIDTH, HEIGHT = 640, 360
CLOTHES = ((20, 20, 70), (160, 20, 20), (10, 80, 20), (230, 200, 20), (70, 10, 110), (15, 15, 15), (0, 60, 200))
Place = Callable[[int], list[Box]]


def scene(seed: int = 3) -> Image:
    """A street without people: coarse texture, a bright wall above, a dark road below."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 50, (HEIGHT // 20, WIDTH // 20, 3))
    picture = np.kron(blocks, np.ones((20, 20, 1))) + 90
    picture[: HEIGHT // 3] += 70
    return picture.astype(np.uint8)


def figure(picture: Image, box: Box, seed: int) -> None:
    """A head, a top and trousers of colours of their own."""
    top, trousers = CLOTHES[seed % len(CLOTHES)], CLOTHES[(3 * seed + 1) % len(CLOTHES)]
    head, waist = box.y1 + box.height // 6, box.y1 + box.height // 2
    middle, half = (box.x1 + box.x2) // 2, box.width // 5
    picture[box.y1 : head, middle - half : middle + half] = (60, 40, 30)
    picture[head:waist, box.x1 : box.x2] = top
    picture[waist : box.y2, box.x1 + 3 : box.x2 - 3] = trousers


def film(
    places: Place, n: int = 60, *, noise: float = 3, light: Callable[[int], float] = lambda _: 0
) -> Iterator[Frame]:
    random = np.random.default_rng(5)
    for i in range(n):
        picture = scene().copy()
        for who, box in enumerate(places(i)):
            figure(picture, box, who)
        noisy = picture + random.normal(light(i), noise, picture.shape)
        yield Frame(np.clip(noisy, 0, 255).astype(np.uint8), 2000 * i)


def walker(x: int, top: int = 150, tall: int = 120) -> Box:
    return Box(x, top, x + tall * 2 // 5, top + tall)
