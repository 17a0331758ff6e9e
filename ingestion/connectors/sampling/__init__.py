"""A few rows of a table, in one statement, to profile and classify it. What is read stays in memory."""

from ingestion.connectors.sampling.samples import Amount, Sample, Sampler, Table

__all__ = ["Amount", "Sample", "Sampler", "Table"]
