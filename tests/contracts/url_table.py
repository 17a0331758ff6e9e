"""Who gets what at every URL: the one table that contract tests, browser tests and `bin/screenshots` read.

A row is a method and a route for six readers, in this order:

    anonymous   nobody signed in, no token
    scopeless   a steward's token that has the scope `lineage:write` only (REST; pages know no tokens)
    outsider    a person without a role; may discover the domain Teaching, and sees nothing of Payroll
    analyst     has the role analyst on Teaching
    steward     has the role steward on Teaching
    administrator

Hidden is 404, forbidden 403. A page sends the anonymous to the sign-in (302), REST answers 401. Forms are sent empty, so
whoever may write gets the form again; REST gets a body that is good (`BODIES`), for there the shape is looked at before the
right. 405 means that the URL takes other methods. `objects` names other objects than the usual ones for the parameters.
"""

from __future__ import annotations

from tests.contracts.url_rows_of_pages import PAGES
from tests.contracts.url_rows_of_programs import PROGRAMS
from tests.contracts.url_visit import Row

ROWS: tuple[Row, ...] = (*PAGES, *PROGRAMS)
