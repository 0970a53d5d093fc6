"""Rules that say in one what several exact ones say: a wildcard for a key, or for a route, that is all that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .difference import Part
from .noise import NoiseRule
from .paths import parse_pattern

ENOUGH = 3
"""Rules from which one in their place is worth a thought."""


def widened(rules: Sequence[NoiseRule]) -> Iterator[tuple[NoiseRule, tuple[NoiseRule, ...]]]:
    """Each wider rule with the rules that it would take the place of; keys first, then routes."""
    yield from _by_key(rules)
    yield from _by_route(rules)


def _by_key(rules: Sequence[NoiseRule]) -> Iterator[tuple[NoiseRule, tuple[NoiseRule, ...]]]:
    alike: dict[tuple[str, str, Part | None, str], list[NoiseRule]] = {}
    for rule in rules:
        steps = parse_pattern(rule.path)
        texts = [text for _, text in steps]
        for index, (sort, _) in enumerate(steps):
            if sort in ("plain", "quoted"):
                wide = "".join([*texts[:index], ".*", *texts[index + 1 :]])
                alike.setdefault((rule.route, wide, rule.part, rule.kind), []).append(rule)
    for wider, together in alike.items():
        if len(together) >= ENOUGH:
            yield NoiseRule(*wider), tuple(together)


def _by_route(rules: Sequence[NoiseRule]) -> Iterator[tuple[NoiseRule, tuple[NoiseRule, ...]]]:
    alike: dict[tuple[str, Part | None, str], list[NoiseRule]] = {}
    for rule in rules:
        alike.setdefault((rule.path, rule.part, rule.kind), []).append(rule)
    for place, together in alike.items():
        if len(together) >= ENOUGH:
            yield NoiseRule(_common_route([each.route for each in together]), *place), tuple(together)


def _common_route(routes: Sequence[str]) -> str:
    """The method, where all have it, and the segments that all begin with, followed by `**`."""
    methods = {route.partition(" ")[0] for route in routes}
    paths = [[segment for segment in route.partition(" ")[2].split("/") if segment] for route in routes]
    common: list[str] = []
    for segments in zip(*paths, strict=False):
        if len(set(segments)) > 1:
            break
        common.append(segments[0])
    method = methods.pop() if len(methods) == 1 else "*"
    return f"{method} /{'/'.join([*common, '**'])}"
