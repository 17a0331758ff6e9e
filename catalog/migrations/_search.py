"""The functions that make the search index's documents."""

CREATE = """
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

DROP = """
DROP FUNCTION catalog_search_document(text, text, text, text, text);
DROP FUNCTION catalog_search_words(text);
"""
