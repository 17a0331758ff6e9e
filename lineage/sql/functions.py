"""What functions do to values: which aggregate, which rank, which hide what they are given."""

from __future__ import annotations

from sqlglot import exp

# OpenLineage's list for Spark (ExpressionDependencyCollector: Crc32, HiveHash, Md5, Murmur3Hash, Sha1, Sha2, XxHash64,
# Count, Mask), and what the other platforms call the same.
_MASKING_NAMES = """
    crc32 crc32c hash md5 md5_hex md5_binary md5_digest md5_number md5_number_lower64 md5_number_upper64 murmur3hash
    sha sha1 sha1_hex sha1_binary sha1_digest sha2 sha2_hex sha2_binary sha2_digest
    sha224 sha256 sha384 sha512 xxhash64 xxhash32 xxh64 xxh3 murmur3 murmurhash3 count countif count_if count_big
    approx_distinct approx_count_distinct mask mask_inner mask_outer mask_first_n mask_last_n mask_show_first_n
    mask_show_last_n mask_hash mask_pan mask_pan_relaxed mask_ssn mask_uuid farm_fingerprint fingerprint
    hashbytes checksum binary_checksum standard_hash ora_hash digest hmac hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512
    crypt hashtext hashtextextended password func_sha1 func_sha256 fnv_hash strtol_hash siphash64 spooky_hash_v2_64
"""
MASKING = frozenset(_MASKING_NAMES.replace("_", "").split())
"""Without underscores, as the parser's own names for one function differ in them."""
_MASKING_SCHEMAS = frozenset({"anon"})
"""PostgreSQL Anonymizer's functions are all made to mask."""

_AGGREGATE_NAMES = """
    json_agg jsonb_agg json_object_agg jsonb_object_agg json_agg_strict jsonb_agg_strict xmlagg every bit_and bit_or
    bit_xor string_agg array_agg range_agg range_intersect_agg any_value json_arrayagg json_objectagg group_concat
    json_group_array json_group_object jsonb_group_array jsonb_group_object total std stdev stdevp var varp listagg
    collect_list collect_set wm_concat histogram approx_percentile max_by min_by arg_max arg_min st_union st_collect
"""
_AGGREGATES = frozenset(_AGGREGATE_NAMES.split())
"""Aggregates that the parser does not know as such in every dialect."""

RANKINGS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)
"""Their value depends on the window alone."""
_OF_ONE_ROW = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
"""Parsed as aggregates, but they take the value of one row."""
ORDERED_SETS = (exp.PercentileCont, exp.PercentileDisc, exp.Mode, exp.Median)
"""`f() WITHIN GROUP (ORDER BY x)` aggregates x; with others the order only sorts."""
_ORDERED_SET_NAMES = frozenset({"percentile_cont", "percentile_disc", "mode"})


def name_of(function: exp.Expr) -> str:
    """A function's name in lower case; empty for an operator."""
    if isinstance(function, (exp.Anonymous, exp.AnonymousAggFunc)):
        return function.name.lower()
    return str(function.sql_name()).lower() if isinstance(function, exp.Func) else ""


def is_aggregate(function: exp.Expr) -> bool:
    if isinstance(function, exp.AggFunc):
        return not isinstance(function, _OF_ONE_ROW)
    return isinstance(function, exp.Anonymous) and function.name.lower() in _AGGREGATES


def is_ordered_set(function: exp.Expr) -> bool:
    return isinstance(function, ORDERED_SETS) or name_of(function) in _ORDERED_SET_NAMES


def is_masking(function: exp.Expr) -> bool:
    if name_of(function).replace("_", "") in MASKING:
        return True
    qualified = function.parent
    return isinstance(qualified, exp.Dot) and qualified.this.name.lower() in _MASKING_SCHEMAS
