"""Labels travel down column lineage: how far is worked out in `spread` and `changes` (pure), kept by `store`."""
