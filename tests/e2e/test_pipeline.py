"""The shop in CI: one script records it, rehearses its next release and ends red, with every report that CI takes."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from replayer.reports.markdown import marker_of

from ..replayer.forge import forge
from ..replayer.report_schemas import gitlab_problems, junit_problems, report_problems
from .servers import ROOT, clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

PAYMENTS = ("/api/payments", "/api/refunds", "/api/invoices")


@dataclass(frozen=True)
class Job:
    """What the script came to."""

    status: int
    said: str
    folder: Path
    comments: list[str]

    def text(self, name: str) -> str:
        return (self.folder / "reports" / name).read_text("utf-8")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A pull request of the shop's next release, on a part of a small recording."""
    folder = tmp_path_factory.mktemp("pipeline")
    size = {"PIPELINE_FOLDER": str(folder / "work"), "PIPELINE_USERS": "10", "PIPELINE_REQUESTS": "100"}
    with forge() as server:
        environ = clean_environment({**server.github(folder), **size, "GITHUB_ACTIONS": "true"})
        command = [str(ROOT / "scripts" / "pipeline"), "--passes", "2", "--budget", "500"]
        done = subprocess.run(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        comments = [each["body"] for each in server.comments]
    return Job(done.returncode, done.stdout, folder / "work", comments)


def is_payment(route: str) -> bool:
    return route.startswith(PAYMENTS)


def test_it_ends_red_with_the_payments_first(job: Job) -> None:
    assert job.status == 1, job.said
    assert "==> red: the release is held back" in job.said
    report = json.loads(job.text("report.json"))
    assert report["verdict"] == "fail"
    first = report["findings"][0]
    assert (first["severity"], first["tags"], first["blocking"]) == ("breaking", ["payments"], True)
    assert is_payment(first["route"])
    titles = [line for line in job.text("report.md").splitlines() if line.startswith("#### ")]
    tagged = ["payments" in title for title in titles]
    assert sum(tagged) >= 3
    assert tagged == sorted(tagged, reverse=True)
    annotation = next(line for line in job.said.splitlines() if line.startswith("::error "))
    assert annotation.startswith("::error title=breaking%3A ")
    assert "[payments]" in annotation


def test_every_report_is_valid(job: Job) -> None:
    report = json.loads(job.text("report.json"))
    assert report_problems(report) == []
    assert junit_problems(job.text("junit.xml")) == []
    assert gitlab_problems(json.loads(job.text("quality.json"))) == []
    assert len(job.text("report.md").encode("utf-16-le")) // 2 <= 65_536
    failed = {
        each.get("name") for each in ElementTree.fromstring(job.text("junit.xml")) if each.find("*/failure") is not None
    }
    blocking = [each for each in report["findings"] if each["blocking"]]
    assert failed == {f"{m['method']} {m['route']}" for each in blocking for m in each["members"]}
    assert job.text("report.md") == (job.folder / "summary.md").read_text("utf-8")
    assert job.comments == [job.text("report.md")]
    assert marker_of(job.comments[0]) == "shop"


def test_the_page_opens_in_a_browser_and_asks_for_nothing(job: Job, browser: Browser) -> None:
    report = json.loads(job.text("report.json"))
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    address = (job.folder / "reports" / "report.html").as_uri()
    page.goto(address)

    assert (asked, said) == ([address], [])
    count = len(report["findings"])
    assert page.locator("#shown").inner_text() == f"{count} of {count} shown"
    page.get_by_label("tag").select_option("payments")
    tagged = sum("payments" in each["tags"] for each in report["findings"])
    assert page.locator("#shown").inner_text() == f"{tagged} of {count} shown"
    assert page.locator("details.finding:visible").count() == tagged
    page.close()
