"""How the runs of a recording have gone."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from replayer.accounts import Role

from ..access import needs
from ..charts import chart
from ..pages import page
from .runs import review_of

router = APIRouter(include_in_schema=False)


@router.get("/trends")
@needs(Role.VIEWER)
def trends(request: Request, recording: str) -> Response:
    """Figures of the latest runs of a recording, as lines and as a table."""
    points = review_of(request).trend(recording)
    charts = (
        chart("findings", [each.findings for each in points]),
        chart("escapes", [each.escapes for each in points]),
        chart("coverage", [each.coverage for each in points], 1.0),
        chart("time to the verdict", [each.seconds for each in points]),
    )
    return page(request, "trends.html.j2", recording=recording, points=points, charts=charts)
