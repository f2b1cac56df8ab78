"""The built-in functions whose results regopy shares with OPA, as the tests of this package compare them.

Missing are those that it lacks (`net.*`, `http.send` …) and those whose results differ: `json.marshal` (quotes),
`object.union` (nested objects), `semver.compare` (pre-releases), `format_int`, `yaml.unmarshal`, most of `time.*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BY_ARGUMENTS: Final[Mapping[int, str]] = {
    0: """
        print
    """,
    1: """
        abs array.reverse base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
        bits.negate ceil count crypto.md5 crypto.sha1 crypto.sha256 floor glob.quote_meta hex.decode
        hex.encode intersection io.jwt.decode is_array is_boolean is_null is_number is_object is_set is_string
        json.is_valid json.unmarshal lower max min object.keys product regex.is_valid round semver.is_valid
        sort strings.reverse sum time.clock time.date time.parse_duration_ns time.weekday to_number trace
        trim_space type_name union units.parse units.parse_bytes upper urlquery.encode_object uuid.parse walk
        yaml.is_valid yaml.marshal
    """,
    2: """
        array.concat bits.and bits.lsh bits.or bits.rsh bits.xor concat contains endswith graph.reachable
        indexof indexof_n json.filter json.patch json.remove numbers.range object.filter object.remove
        object.subset regex.match regex.split split sprintf startswith strings.any_prefix_match
        strings.any_suffix_match strings.count strings.replace_n trim trim_left trim_prefix trim_right
        trim_suffix
    """,
    3: """
        array.slice glob.match numbers.range_step object.get regex.find_all_string_submatch_n regex.find_n
        regex.replace replace substring
    """,
    4: """
        time.add_date
    """,
}
KNOWN: Final[Mapping[str, int]] = {
    name: arguments for arguments, names in _BY_ARGUMENTS.items() for name in names.split()
}
"""Name → number of arguments."""
