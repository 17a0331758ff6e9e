"""Whom events of the rooms below tell what; a module a room. See `alerts.registry`."""

from alerts.rules import access, jobs, operation, schemas

__all__ = ["access", "jobs", "operation", "schemas"]
