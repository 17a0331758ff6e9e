"""Jobs that write what one owns or follows. The condition is told once, not per failing run."""

from __future__ import annotations

from alerts.abouts import DATASET_JOBS
from alerts.events import JobFails, JobFailsNoMore, JobOverdue, JobOverdueNoMore
from alerts.kinds import Kind
from alerts.receivers import watchers_of_job
from alerts.registry import alert_on

_WORDS = {
    JobFails: "failed",
    JobFailsNoMore: "works again",
    JobOverdue: "is overdue: it runs for longer than it ever should",
    JobOverdueNoMore: "is no longer overdue",
}
for _event, _words in _WORDS.items():
    alert_on(
        _event,
        kind=Kind.JOB,
        about=DATASET_JOBS,
        id="",
        to=watchers_of_job,
        sentence=f"The job {{job}}, which writes {{about}}, {_words}.",
        others=f"The job {{job}}, which writes {{about}} and {{others}} more that you own or follow, {_words}.",
    )
