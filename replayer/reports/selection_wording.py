"""What a selection left out and what that can miss, in words and as JSON."""

from __future__ import annotations

from typing import Any

from diffing.grouping import Finding

from ..selection.account import Account, RouteAccount
from ..selection.choose import MAX_CLOSURE
from ..selection.strata import Stratum
from .wording import counted, number, visible

TITLE = "Selection"


def summary(found: Account) -> str:
    """The whole selection in two sentences."""
    return (
        f"{number(found.selected)} of {number(found.recorded)} recorded exchanges were selected (budget"
        f" {number(found.budget)}, seed {found.seed}), each with what it depends on ({found.closure:.1f} exchanges on"
        f" average). Of {counted(found.strata, 'kind')} of exchange (route, status, shape) {number(found.covered)} were"
        " compared."
    )


def cut(found: Account) -> str:
    """What was taken without all that it needs; "" for nothing."""
    if not found.cut:
        return ""
    return (
        f"{number(found.cut)} of them depend on more than {MAX_CLOSURE} exchanges and were taken without the earliest"
        " of these: they may be answered otherwise than recorded, by both sides"
    )


def route_line(route: RouteAccount) -> str:
    """`GET /orders: 60 of 12,000 compared, 3 of 4 kinds; a change that touches less than 5 % …`."""
    return (
        f"{visible(f'{route.method} {route.route}')}: {number(route.compared)} of {number(route.recorded)} compared,"
        f" {route.covered} of {counted(route.strata, 'kind')}; {miss(route)}"
    )


def miss(route: RouteAccount) -> str:
    """What can be missed of one route."""
    if not route.may_miss:
        return "nothing of it was left out"
    if route.may_miss >= 0.9995:
        return "a change that touches any part of it may be missed"
    return f"a change that touches less than {percent(route.may_miss)} of it may be missed (95 %)"


def uncovered_line(stratum: Stratum) -> str:
    """`GET /orders 404, rows 3-9, shape 2, without a principal (12 exchanges)`."""
    parts = [f"{stratum.method} {stratum.route or '(no route)'} {stratum.status or 'no response'}"]
    if stratum.rows:
        parts.append(f"rows {stratum.rows}")
    if stratum.variant > 1:
        parts.append(f"shape {stratum.variant}")
    if not stratum.known:
        parts.append("without a principal")
    return visible(f"{', '.join(parts)} ({counted(stratum.count, 'exchange')})")


def affected(found: Account | None, finding: Finding) -> str:
    """`affects about 12 % of GET /orders`; "" where that is not known."""
    share = found.affected.get(finding.fingerprint) if found else None
    if share is None:
        return ""
    return f"affects about {percent(share)} of {visible(f'{finding.method} {finding.route}')} in the recording"


def worst_first(found: Account) -> list[RouteAccount]:
    """The routes of which something was left out, those of which most can be missed first."""
    left = [route for route in found.routes if route.may_miss]
    return sorted(left, key=lambda route: (-route.may_miss, -route.recorded, route.route, route.method))


def percent(share: float) -> str:
    """A share rounded up to a tenth of a percent: it is a bound, or stands for at least something."""
    tenths = int(share * 1000)
    return f"{(tenths + (tenths < share * 1000 - 1e-9)) / 10:g} %"


def selection_document(found: Account | None) -> dict[str, Any] | None:
    """The selection as JSON-able data."""
    if found is None:
        return None
    return {
        "budget": found.budget,
        "seed": found.seed,
        "recorded": found.recorded,
        "selected": found.selected,
        "strata": found.strata,
        "strata_compared": found.covered,
        "mean_closure": round(found.closure, 2),
        "closures_cut": found.cut,
        "routes": [
            {
                "method": each.method,
                "route": each.route,
                "recorded": each.recorded,
                "compared": each.compared,
                "strata": each.strata,
                "strata_compared": each.covered,
                "may_miss": round(each.may_miss, 6),
            }
            for each in found.routes
        ],
        "uncovered": [
            {
                "method": each.method,
                "route": each.route,
                "status": each.status,
                "rows": each.rows,
                "variant": each.variant,
                "principal": each.known,
                "recorded": each.count,
            }
            for each in found.uncovered
        ],
    }
