"""Triggers that note of which datasets labels, columns or place changed, so that no writer can forget to."""

# Of sets one note a dataset; of rows, where few change and many are written, one a row that changed.
_FUNCTIONS = """
    CREATE FUNCTION classification_note_written() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO classification_uncounteddataset (dataset_id) SELECT DISTINCT dataset_id FROM written;
        RETURN NULL;
    END $$;
    CREATE FUNCTION classification_note_field() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO classification_uncounteddataset (dataset_id)
        SELECT DISTINCT id FROM unnest(ARRAY[OLD.dataset_id, NEW.dataset_id]) AS id;
        RETURN NULL;
    END $$;
    CREATE FUNCTION classification_note_dataset() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO classification_uncounteddataset (dataset_id) VALUES (OLD.id);
        RETURN NULL;
    END $$;
"""

_OF_SETS = [
    ("classification_label", "INSERT", "NEW"),
    ("classification_label", "UPDATE", "NEW"),
    ("classification_label", "DELETE", "OLD"),
    ("classification_examination", "INSERT", "NEW"),
    ("classification_examination", "DELETE", "OLD"),
    ("catalog_field", "INSERT", "NEW"),
    ("catalog_field", "DELETE", "OLD"),
]
_SETS = "\n".join(
    f"""
    CREATE TRIGGER classification_note_{verb.lower()} AFTER {verb} ON {table}
    REFERENCING {which} TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION classification_note_written();
    """
    for table, verb, which in _OF_SETS
)
_ROWS = """
    CREATE TRIGGER classification_note_update AFTER UPDATE ON catalog_field FOR EACH ROW
    WHEN ((OLD.dataset_id, OLD.type, OLD.gone_since) IS DISTINCT FROM (NEW.dataset_id, NEW.type, NEW.gone_since))
    EXECUTE FUNCTION classification_note_field();
    CREATE TRIGGER classification_note_update AFTER UPDATE ON catalog_dataset FOR EACH ROW
    WHEN ((OLD.source_id, OLD.domain_id, OLD.owner_names, OLD.gone_since, OLD.merged_into_id) IS DISTINCT FROM
          (NEW.source_id, NEW.domain_id, NEW.owner_names, NEW.gone_since, NEW.merged_into_id))
    EXECUTE FUNCTION classification_note_dataset();
    CREATE TRIGGER classification_note_delete AFTER DELETE ON catalog_dataset FOR EACH ROW
    EXECUTE FUNCTION classification_note_dataset();
"""
CREATE = _FUNCTIONS + _SETS + _ROWS
DROP = "\n".join(
    [f"DROP TRIGGER classification_note_{verb.lower()} ON {table};" for table, verb, _ in _OF_SETS]
    + [
        "DROP TRIGGER classification_note_update ON catalog_field;",
        "DROP TRIGGER classification_note_update ON catalog_dataset;",
        "DROP TRIGGER classification_note_delete ON catalog_dataset;",
        "DROP FUNCTION classification_note_written, classification_note_field, classification_note_dataset;",
    ]
)
