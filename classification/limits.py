"""What no level may go beyond. Pure: access decides by the same numbers."""

LONGEST_GRANT_DAYS = 365
"""No grant lasts longer, whatever its level."""

MOST_APPROVALS = 5
"""No request needs more at a step: what more people must look at is looked at by none of them."""
