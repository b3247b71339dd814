"""What lies below the brain and in front of it: face, orbits, sinuses, neck, spinal canal.

Simple bodies in template space (mm), painted over one another from the flesh outward in. They
are there so that low slices look like heads, not for anatomists of the face.
"""

from __future__ import annotations

import torch

from popgan.phantom.tissue import ORDER, Name

Vector = tuple[float, float, float]
# As bright as white matter, but not counted as such: that name is the brain's.
_NERVE = {"muscle": 0.82, "fat": 0.13, "csf": 0.05}
_CORD = (-43.0, 0.22)  # the spinal cord's y at z = -66 mm, and how far it goes back per mm down


def outline(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """About the distance (mm) to the skin of face, nose, ears and neck; negative inside."""
    side = x.abs()
    face = _body(side, y, z, (0, 22, -36), (69, 55, 42))  # brow and temples
    face = melt(face, _body(side, y, z, (0, 26, -70), (62, 57, 44)), 10)  # cheeks
    face = melt(face, _body(side, y, z, (0, 32, -100), (46, 53, 32)), 10)  # chin
    # The bridge of the nose leans back.
    nose = _body(side, y + 0.4 * (z + 58), z, (0, 82, -58), (12, 20, 23))
    ears = _body(side, y, z, (75, -24, -36), (6, 15, 20))
    neck = torch.maximum((((side / 58) ** 2 + ((y + 34) / 60) ** 2).sqrt() - 1) * 58, z + 48)
    return torch.minimum(melt(melt(face, nose, 8), neck, 12), ears)


def melt(a: torch.Tensor, b: torch.Tensor, reach: float) -> torch.Tensor:
    """The union of two bodies by their distances (mm), rounded where they meet within `reach`."""
    close = (1 - (a - b).abs() / reach).clamp(min=0)
    return torch.minimum(a, b) - close * close * (reach / 4)


def flesh(
    x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, *, noise: torch.Tensor, edge: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """What fills the inside of face and neck.

    Args:
        x, y, z: places in template space, N each, mm.
        noise: standard normal smooth fields that give muscle its fat and air cells their walls,
            3 x N.
        edge: mm over which a surface fades.

    Returns:
        Fractions in the order of `tissue.ORDER`, 7 x N; the rest is air. And the share of the
        spinal canal, N, which opens the skull's floor.
    """
    paint = _Paint(x, y, z, edge)
    streaks = (0.16 + 0.22 * noise[0]).clamp(0, 0.8)
    paint.all = torch.zeros(len(ORDER), len(x))
    paint.all[ORDER.index("fat")] = streaks
    paint.all[ORDER.index("muscle")] = 1 - streaks
    _jaws(paint, noise)
    _neck(paint)
    _orbits(paint)
    _air(paint, noise)
    canal = _spine(paint)
    return paint.all, canal


class _Paint:
    """Fractions so far, and a brush."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, edge: float) -> None:
        self.x, self.y, self.z = x, y, z
        self.side = x.abs()
        self.edge = edge
        self.all = torch.empty(0)

    def body(self, centre: Vector, axes: Vector) -> torch.Tensor:
        """Signed distance to a pair of ellipsoids, one on each side; or to one in the middle."""
        return _body(self.side, self.y, self.z, centre, axes)

    def within(self, distance: torch.Tensor) -> torch.Tensor:
        """1 inside, 0 outside, linear over an edge."""
        return (0.5 - distance / self.edge).clamp(0, 1)

    def fill(self, share: torch.Tensor, **stuff: float | torch.Tensor) -> None:
        """Replace a share of what is there."""
        where = torch.nonzero(share > 0)[:, 0]
        if not len(where):
            return
        some = share[where]
        self.all[:, where] *= 1 - some
        for name, amount in stuff.items():
            row = ORDER.index(_name(name))
            part = amount[where] if isinstance(amount, torch.Tensor) else amount
            self.all[row, where] += some * part


def _jaws(paint: _Paint, noise: torch.Tensor) -> None:
    """Maxilla, palate, tongue and mandible; cheeks are fat."""
    porous = (0.45 + 0.25 * noise[1]).clamp(0.1, 0.9)
    paint.fill(paint.within(paint.body((48, 34, -70), (13, 22, 22))), fat=0.5, muscle=0.5)
    paint.fill(
        paint.within(paint.body((0, 46, -66), (42, 28, 22))),
        marrow=0.5 * porous,
        bone=1 - porous,
        fat=0.1 * porous,
    )
    paint.fill(paint.within(paint.body((0, 36, -102), (27, 34, 24))), muscle=0.85, fat=0.12)
    arch = ((paint.side / 46) ** 2 + ((paint.y - 14) / 58) ** 2).sqrt()
    low = (paint.z + 108).abs() - 14
    ring = torch.maximum((arch - 1).abs() * 46 - 6, torch.maximum(low, -paint.y - 4))
    paint.fill(paint.within(ring), bone=1.0)
    paint.fill(paint.within(ring + 2.5), marrow=0.8, bone=0.2)
    ramus = paint.body((47, 2, -78), (5, 14, 34))
    paint.fill(paint.within(ramus), bone=1.0)
    paint.fill(paint.within(ramus + 2.0), marrow=0.8, bone=0.2)
    paint.fill(paint.within(paint.body((0, -12, -44), (15, 13, 16))), marrow=1.0)  # clivus


def _neck(paint: _Paint) -> None:
    """Fat between the muscles of the neck, and the big vessels, whose blood flows and is dark."""
    for centre, axes in (((30, -62, -100), (22, 8, 60)), ((44, -30, -96), (7, 20, 60))):
        paint.fill(0.7 * paint.within(paint.body(centre, axes)), fat=0.8, muscle=0.2)
    paint.fill(paint.within(paint.body((30, -12, -92), (4, 4, 50))))
    paint.fill(paint.within(paint.body((35, -22, -92), (5, 5, 50))), muscle=0.4)


def _orbits(paint: _Paint) -> None:
    """Orbital fat with the straight muscles and the optic nerve; the globe with its lens."""
    cone = paint.body((30, 46, -36), (17, 28, 16))
    paint.fill(paint.within(cone), fat=0.95, muscle=0.05)
    # The muscles and the nerve run from the tip of the cone to the globe.
    share = ((paint.y - 18) / 44).clamp(0, 1)
    off = paint.side - (17 + 16 * share)
    up = paint.z + 27 + 10 * share
    radius = (off**2 + up**2).sqrt()
    inside = torch.maximum(cone + 1.5, paint.y - 56)
    paint.fill(paint.within(torch.maximum(radius - 2.3, inside)), **_NERVE)
    for across, along in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        belly = 2 + 10.5 * share
        gap = ((off - across * belly) ** 2 + (up - along * belly) ** 2).sqrt()
        paint.fill(paint.within(torch.maximum(gap - 2.2, inside)), muscle=1.0)
    globe = paint.body((33, 62, -37), (12.5, 12.5, 12.2))
    paint.fill(paint.within(globe), muscle=1.0)
    paint.fill(paint.within(globe + 1.2), csf=1.0)
    paint.fill(paint.within(paint.body((33, 71.5, -37), (4.8, 2.6, 4.8))), muscle=0.8)


def _air(paint: _Paint, noise: torch.Tensor) -> None:
    """Sinuses, nose and throat are air; thin walls and mucosa cross them."""
    walls = (noise[2].abs() < 0.28).to(torch.float32)
    cells: list[tuple[Vector, Vector]] = [
        ((0, 46, -38), (11, 27, 13)),  # ethmoid
        ((54, -32, -44), (8, 12, 13)),  # mastoid
    ]
    for centre, axes in cells:
        share = paint.within(paint.body(centre, axes))
        paint.fill(share, muscle=0.5 * walls, bone=0.3 * walls)
    for centre, axes in (
        ((9, 12, -34), (8, 11, 9)),  # sphenoid
        ((29, 48, -62), (13, 17, 16)),  # maxillary
        ((0, 10, -64), (11, 10, 14)),  # nasopharynx
        ((0, 2, -96), (8, 6, 34)),  # oropharynx
    ):
        paint.fill(paint.within(paint.body(centre, axes)))
    nose = paint.within(paint.body((0, 52, -64), (15, 38, 18)))
    paint.fill(nose, muscle=(0.9 * (noise[2] > 0.25) + 0.9 * (paint.side < 1.5)).clamp(max=0.9))


def _spine(paint: _Paint) -> torch.Tensor:
    """Vertebrae and discs, and behind them the canal with cord and fluid; returns its share."""
    back = paint.y - (_CORD[0] - _CORD[1] * (-66 - paint.z))
    below = paint.z + 74
    column = torch.maximum(
        ((paint.side / 13) ** 2 + ((back - 19) / 8.5) ** 2).sqrt() * 10 - 10, below
    )
    # A vertebra every 17 mm, a disc of 4 mm between two.
    phase = torch.remainder(paint.z, 17.0)
    disc = ((phase - 2).abs() < 2).to(torch.float32)
    paint.fill(paint.within(column), bone=1 - disc, muscle=0.8 * disc)
    paint.fill(paint.within(column + 1.5), marrow=0.9 * (1 - disc), muscle=0.8 * disc + 0.05)
    ring = (paint.side**2 + back**2).sqrt()
    arch = torch.maximum((ring - 11.5).abs() - 2, torch.maximum(below, back - 2))
    paint.fill(paint.within(arch), bone=0.7, marrow=0.3)
    canal = paint.within(torch.maximum(ring - 9.5, paint.z + 58))
    paint.fill(canal, csf=1.0)
    paint.fill(paint.within(torch.maximum(ring - 5.2, paint.z + 58)), **_NERVE)
    return canal


def _body(
    side: torch.Tensor, y: torch.Tensor, z: torch.Tensor, centre: Vector, axes: Vector
) -> torch.Tensor:
    """About the distance (mm) to an ellipsoid; negative inside."""
    a, b, c = ((v - o) / r for v, o, r in zip((side, y, z), centre, axes, strict=True))
    return ((a * a + b * b + c * c).sqrt() - 1) * min(axes)


def _name(name: str) -> Name:
    return next(choice for choice in ORDER if choice == name)
