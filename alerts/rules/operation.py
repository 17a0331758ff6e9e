"""The running catalog itself."""

from __future__ import annotations

from alerts.abouts import CATALOG
from alerts.events import PartFailed, PartWorksAgain
from alerts.kinds import Kind
from alerts.receivers import administrators_themselves
from alerts.registry import alert_on

alert_on(
    PartFailed,
    kind=Kind.OPERATION,
    about=CATALOG,
    id="",
    to=administrators_themselves,
    sentence="The catalog needs attention: {what}.",
)
alert_on(
    PartWorksAgain,
    kind=Kind.OPERATION,
    about=CATALOG,
    id="",
    to=administrators_themselves,
    sentence="This is over: {what}.",
)
