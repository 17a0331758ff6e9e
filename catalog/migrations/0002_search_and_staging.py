from django.db import migrations

SEARCH_DOCUMENT = """
CREATE FUNCTION catalog_search_words(source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN regexp_replace(
    regexp_replace(source, '([[:lower:][:digit:]])([[:upper:]])', '\\1 \\2', 'g'), '[^[:alnum:]]+', ' ', 'g'
);

CREATE FUNCTION catalog_search_document(name text, qualified_name text, said text, field_names text, tags text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN
    setweight(to_tsvector('simple'::regconfig, catalog_search_words(left(coalesce(name, ''), 10000))), 'A')
    || setweight(to_tsvector('simple'::regconfig, catalog_search_words(left(coalesce(qualified_name, '') || ' ' || coalesce(tags, ''), 10000))), 'B')
    || setweight(to_tsvector('simple'::regconfig, catalog_search_words(left(coalesce(said, ''), 50000))), 'C')
    || setweight(to_tsvector('simple'::regconfig, catalog_search_words(left(coalesce(field_names, ''), 200000))), 'D');
"""

# Staging is rewritten at every crawl and worthless after a crash: no write-ahead log and no compression for it.
# Field rows are inserted by the million in key order and updated rarely; datasets get their estimates updated in place.
STORAGE = """
ALTER TABLE catalog_stageddataset SET UNLOGGED;
ALTER TABLE catalog_plannedchange SET UNLOGGED;
ALTER TABLE catalog_stageddataset ALTER COLUMN fields SET STORAGE EXTERNAL, ALTER COLUMN field_names SET STORAGE EXTERNAL;
ALTER TABLE catalog_dataset SET (fillfactor = 85);
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(
            SEARCH_DOCUMENT,
            "DROP FUNCTION catalog_search_document(text, text, text, text, text); DROP FUNCTION catalog_search_words(text);",
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
