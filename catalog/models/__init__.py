"""What there is: systems and sources, datasets and their fields, who answers for them, and what they looked like before."""

from catalog.models.curation import Description, Ownership, Tag, TagAssignment
from catalog.models.datasets import Dataset, DatasetName
from catalog.models.exceptions import DatasetException, DatasetGroupPermission, DatasetUserPermission
from catalog.models.organisation import Domain, DomainMembership, System
from catalog.models.profiles import FieldProfile, Profile, Sampling
from catalog.models.proposals import Proposal
from catalog.models.search import SearchWord
from catalog.models.sources import SamplingAmount, Schema, Source
from catalog.models.staging import PlannedChange, StagedDataset
from catalog.models.structure import Field, Key, SchemaVersion
from catalog.models.vocabulary import DATASET_KINDS, Origin, Tier, slug_validator

__all__ = [
    "DATASET_KINDS",
    "Dataset",
    "DatasetException",
    "DatasetGroupPermission",
    "DatasetName",
    "DatasetUserPermission",
    "Description",
    "Domain",
    "DomainMembership",
    "Field",
    "FieldProfile",
    "Key",
    "Origin",
    "Ownership",
    "PlannedChange",
    "Profile",
    "Proposal",
    "Sampling",
    "SamplingAmount",
    "Schema",
    "SchemaVersion",
    "SearchWord",
    "Source",
    "StagedDataset",
    "System",
    "Tag",
    "TagAssignment",
    "Tier",
    "slug_validator",
]
