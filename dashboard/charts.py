"""Lines drawn on the server, as SVG without script or style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 300, 80, 5


@dataclass(frozen=True, slots=True)
class Chart:
    """One line. Where nothing was measured, it has a gap: each of `lines` is a run of points for a polyline."""

    name: str
    last: float | None
    top: float  # the value at the upper edge; zero is at the lower one
    dots: tuple[tuple[float, float], ...]
    lines: tuple[str, ...]


def chart(name: str, values: Sequence[float | None], top: float = 0.0) -> Chart:
    """A line through values that are not negative, up to `top` or to the largest."""
    known = [value for value in values if value is not None]
    top = top or max(known, default=0.0) or 1.0
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    parts: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append(
                (round(EDGE + number * step, 1), round(HEIGHT - EDGE - value / top * (HEIGHT - 2 * EDGE), 1))
            )
    return Chart(
        name,
        values[-1] if values else None,
        top,
        tuple(dot for part in parts for dot in part),
        tuple(" ".join(f"{x},{y}" for x, y in part) for part in parts if len(part) > 1),
    )
