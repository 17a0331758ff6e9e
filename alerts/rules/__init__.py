"""Whom events of the rooms below tell what; a module a room. See `alerts.registry`."""

from alerts.rules import access, enforcement, jobs, operation, schemas

__all__ = ["access", "enforcement", "jobs", "operation", "schemas"]
