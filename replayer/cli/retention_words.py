"""What is said of recordings and runs that were deleted."""

from __future__ import annotations

from collections.abc import Sequence

from ..reports.wording import visible
from ..retention import Pruned
from ..store import Freed
from . import output


def deleted(names: Sequence[str], freed: Freed) -> None:
    """What is gone, and what that gave back."""
    output.say(visible(f"deleted: {', '.join(names)}"))
    output.say(f"  freed {_bytes(freed.bytes)} and {freed.bodies:,} bodies that nothing else carries")


def pruned(done: Pruned, what: str) -> None:
    """What is gone, what stayed and why, and what that gave back."""
    verb = "would be deleted" if done.dry_run else "deleted"
    for gone in done.gone:
        size = f", {gone.exchanges:,} exchanges" if gone.exchanges else ""
        output.say(visible(f"{verb}: {gone.name}{size}: {gone.why}"))
    for stayed in done.stayed:
        output.say(visible(f"kept: {stayed.name}: {stayed.why}"))
    if not done.gone:
        output.say(f"No {what} to delete; {_bytes(done.bytes_left)} are kept.")
    elif done.dry_run:
        output.say(f"{len(done.gone):,} {what} would go, and {_bytes(done.bytes_left)} be kept.")
    else:
        output.say(
            f"{len(done.gone):,} {what} are gone: freed {_bytes(done.freed.bytes)}; {_bytes(done.bytes_left)} are kept."
        )


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if abs(size) < 1000:
            return f"{size:,.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
