"""Who can read a column and why, from a source's facts. Pure."""
