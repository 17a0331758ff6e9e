"""Reads of the catalog that are no plain QuerySet: search, facets, the browse tree, provenance."""
