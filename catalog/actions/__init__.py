"""Every audited or multi-row write of the catalog: authorise, write atomically, record."""

from catalog.actions.criticality import push_criticality
from catalog.actions.curation import add_tag, assign_owner, describe, remove_owner, remove_tag
from catalog.actions.domains import add_domain, edit_domain, end_role, grant_role, move_datasets
from catalog.actions.exceptions import end_exception, grant_exception
from catalog.actions.profiles import Sampled, forget_old_profiles, keep_profiles, withdraw_values
from catalog.actions.proposals import accept_proposal, decline_proposal
from catalog.actions.pushed import note_written, push_levels
from catalog.actions.snapshots import apply_snapshots
from catalog.actions.sources import add_source, add_system, connect_source, edit_source
from catalog.actions.vocabulary import create_tag, rename_tag
from catalog.described import describe_from_pipeline

__all__ = [
    "Sampled",
    "accept_proposal",
    "add_domain",
    "add_source",
    "add_system",
    "add_tag",
    "apply_snapshots",
    "assign_owner",
    "connect_source",
    "create_tag",
    "decline_proposal",
    "describe",
    "describe_from_pipeline",
    "edit_domain",
    "edit_source",
    "end_exception",
    "end_role",
    "forget_old_profiles",
    "grant_exception",
    "grant_role",
    "keep_profiles",
    "move_datasets",
    "note_written",
    "push_criticality",
    "push_levels",
    "remove_owner",
    "remove_tag",
    "rename_tag",
    "withdraw_values",
]
