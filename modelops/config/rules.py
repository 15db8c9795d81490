"""Every check of a configuration, by name: what `modelops validate --rules` lists.

A diagnostic carries the id of the rule that found it; severity lives here alone, so that one rule
never reports twice as an error and once as a warning.
"""

from __future__ import annotations

import msgspec

from modelops.resources.configuration import Severity


class Rule(msgspec.Struct, frozen=True):
    """One check: its id, what it does to the exit code, and why it exists."""

    id: str
    severity: Severity
    doc: str


RULES: dict[str, Rule] = {}
"""All rules by id, in the order in which a configuration meets them."""


def _error(rule_id: str, doc: str) -> Rule:
    return _registered(Rule(rule_id, "error", doc))


def _warning(rule_id: str, doc: str) -> Rule:
    return _registered(Rule(rule_id, "warning", doc))


def _registered(rule: Rule) -> Rule:
    if rule.id in RULES:
        raise ValueError(f"there are two rules {rule.id}")
    RULES[rule.id] = rule
    return rule


# Files
UNREADABLE_FILE = _error("unreadable-file", "A file of the configuration cannot be read.")
SYMLINK = _error(
    "symlink",
    "A symbolic link leads out of the configuration folder, or to a folder. What is reviewed must "
    "be what is applied, so only links to files inside are followed.",
)
FILE_TOO_LARGE = _error("file-too-large", "A file is larger than 4 MiB.")
ENCODING = _error("encoding", "A file is not UTF-8 text.")
CONTROL_CHARACTER = _error(
    "control-character",
    "A file, its name or a quoted value holds a character that cannot be seen: control characters, "
    "marks that change the reading direction, line breaks that only some parsers know.",
)
SETTINGS_MISSING = _error("settings-missing", "The folder has no modelops.yaml.")
SETTINGS_TWICE = _error("settings-twice", "The folder has both modelops.yaml and modelops.yml.")

# YAML
YAML_SYNTAX = _error("yaml-syntax", "A file is not YAML, or is empty.")
YAML_DUPLICATE_KEY = _error(
    "yaml-duplicate-key",
    "A mapping has the same key twice. Most parsers silently keep the last one.",
)
YAML_ANCHOR = _error(
    "yaml-anchor",
    "Anchors, aliases and merge keys are not allowed: SOPS does not keep them, and a reader of one "
    "line must not have to search for another.",
)
YAML_TAG = _error("yaml-tag", "Tags (!name, !!type) are not allowed.")
YAML_AMBIGUOUS = _error(
    "yaml-ambiguous",
    "An unquoted value that YAML parsers read differently: yes, no, on, off, octal and sexagesimal "
    "numbers, dates, 1_000, 1e3, .5. Quote it, or write a plain decimal number.",
)
YAML_KEY = _error("yaml-key", "A mapping key is not a plain string.")
YAML_DOCUMENTS = _error("yaml-documents", "A file holds more than one document.")
YAML_TOO_DEEP = _error("yaml-too-deep", "A file is nested deeper than 64 levels.")
YAML_TOO_MANY = _error("yaml-too-many", "A file holds more than 200,000 keys and values.")

# Form
WRONG_KIND = _error("wrong-kind", "A file declares another kind than its folder holds.")
FILE_NAME = _error("file-name", "A file is not named after the one thing it declares.")
UNKNOWN_FIELD = _error("unknown-field", "A field that the form does not know.")
MISSING_FIELD = _error("missing-field", "A field that must be written is missing.")
WRONG_TYPE = _error("wrong-type", "A value has another type than its field.")
BAD_VALUE = _error("bad-value", "A value is not one its field allows, or is out of bounds.")
UNENCRYPTED_SECRET = _error(
    "unencrypted-secret",
    "A secret stands in clear where SOPS ciphertext or a reference ({env: ...}, {file: ...}) "
    "belongs. The value is never shown; treat it as leaked once it is in git.",
)
SOPS_BLOCK = _error(
    "sops-block",
    "A file holds SOPS ciphertext, and its sops block is missing or cut: no key opens it any more.",
)
EXPOSED_KEY = _error(
    "exposed-key",
    "Something that looks like an API key or a private key stands in a plain field or a comment.",
)

# Names and references
DUPLICATE_ADDRESS = _error("duplicate-address", "Two declarations have the same address.")
UNKNOWN_REFERENCE = _error("unknown-reference", "A name that nothing in the configuration has.")
NAME_TAKEN = _error("name-taken", "A chain's name or alias is already the name of another.")
RESERVED_NAME = _error("reserved-name", "A name or alias that clients could never reach.")
SHADOWED_MODEL = _warning(
    "shadowed-model",
    "A chain's name or alias is also the bare name of a model: clients get the chain.",
)
NAME_OWNED_TWICE = _warning(
    "name-owned-twice",
    "Several providers offer a model of this name, and none comes before the others (one of the "
    "maker comes before one that resells): a request that names no provider gets a 400, unless its "
    "agent prefers one.",
)
REPEATED_TARGET = _error("repeated-target", "A chain names the same model twice.")
DISABLED_REFERENCE = _warning(
    "disabled-reference",
    "A disabled provider is referred to: chains step over it, and nothing goes there.",
)
NO_USABLE_TARGET = _error("no-usable-target", "Every target of a chain is disabled.")
IDLE_ALLOW = _warning("idle-allow", "An entry of `allow` matches nothing that is declared.")
REFUSED_CALLER = _warning(
    "refused-caller",
    "An agent may call nothing at all, or not the chain it gets when a request names no model.",
)
MOVED_ADDRESS = _error(
    "moved-address",
    "An entry of `moved` is malformed, changes the kind, or does not lead from an address that is "
    "no longer declared to one that is.",
)
REMOVED_ADDRESS = _error(
    "removed-address", "An entry of `removed` is not an address, or is still declared."
)

# Providers and models
UNKNOWN_PRESET = _error("unknown-preset", "A preset that modelops does not know.")
INCOMPLETE_PROVIDER = _error(
    "incomplete-provider", "A provider without preset must declare protocol and base_url."
)
BAD_URL = _error("bad-url", "A base_url without a host, or with an invalid port.")
INSECURE_URL = _error(
    "insecure-url", "A key would go over plain http to another machine; `insecure: true` allows it."
)
UNUSED_KEY = _error("unused-key", "A key is declared beside `auth: none`, which never sends it.")
MISSING_KEY = _warning("missing-key", "A provider takes a key, and none is declared for it.")
TWO_DEFAULTS = _error("two-defaults", "Two models of a provider are its default.")
PRICE_RANGE = _error(
    "price-range",
    "A price is not a number from 0 to 1,000,000 USD per million tokens with at most 12 decimals.",
)
PRICE_OUTPUT = _error(
    "price-output", "A price of a chat model leaves out `output`: that is unknown, not free."
)
PRICE_TIERS = _error(
    "price-tiers",
    "The bounds of price tiers do not rise, or prices by hour or service tier leave them out.",
)
PRICE_REASONING = _error(
    "price-reasoning",
    "A price has a rate for reasoning that its tiers, hours or service tiers leave out.",
)
PRICE_SERVICE_TIERS = _error(
    "price-service-tiers", "A price names a service tier twice, or one that is ordinary service."
)
PRICE_HOURS = _error("price-hours", "Hours of a price are empty, overlap, or begin when others do.")
PRICE_DIFFERS = _warning(
    "price-differs", "A declared price differs from the catalog's: one of them may be wrong."
)
UNPRICED_MODEL = _warning(
    "unpriced-model", "Neither declaration nor catalog price a model: its cost is not counted."
)
DEPRECATED_MODEL = _warning("deprecated-model", "The catalog marks a model as deprecated.")

# Chains
DURATION_RANGE = _error("duration-range", "A timeout or deadline is out of its bounds.")
UNREACHABLE_TARGET = _warning(
    "unreachable-target",
    "In the worst case, when every earlier target uses its whole timeout, the deadline or "
    "max_attempts ends the request before this target has had one full try.",
)
UNMET_REQUIREMENT = _error("unmet-requirement", "A target lacks what its chain requires.")
UNKNOWN_CAPABILITY = _warning(
    "unknown-capability", "Nobody knows whether a target can do what its chain requires."
)
MIXED_TYPES = _error("mixed-types", "A chain mixes chat and embedding models.")

# Callers and settings
UNMET_PARAMETER = _warning("unmet-parameter", "A parameter asks for more than a target can give.")
PARAMETER_RANGE = _error("parameter-range", "A temperature or top_p is out of its bounds.")
REPEATED_NAME = _error("repeated-name", "A list names the same key, operator or provider twice.")
SHARED_KEY = _error("shared-key", "Two callers have the same key; which one calls is then unknown.")
BAD_DATE = _error("bad-date", "An expiry is not a date.")
EXPIRED_KEY = _warning("expired-key", "A caller's key has expired.")
EXPIRING_KEY = _warning(
    "expiring-key", "A caller's last key expires within 30 days, and no other outlives it."
)
UNKNOWN_TIMEZONE = _error("unknown-timezone", "A time zone that the IANA database does not have.")
