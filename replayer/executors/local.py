"""The executor that needs nothing else: this process sends everything."""

from __future__ import annotations

from ..answers import PackedAnswers
from ..client import Client
from ..engine import PassOptions, PassResult, Progress, run_pass
from ..protection import protection
from ..signature import Signature
from .contract import Job


class LocalExecutor:
    """Sends in this process, as many requests at once as the job says."""

    name = "local"

    async def replay(self, job: Job, client: Client, signature: Signature, progress: Progress | None) -> PassResult:
        options = PassOptions(
            job.target.disposable,
            job.correlate,
            job.only,
            job.order,
            signature.masked,
            signature.tape,
            protection(job.base_url, job.target.ready, job.pace, job.reference),
        )
        answers = PackedAnswers(len(job.plan.steps))
        return await run_pass(job.plan, client, options, job.mint, progress, job.guide, answers)
