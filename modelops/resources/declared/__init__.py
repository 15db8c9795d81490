"""The YAML form: what users write, field by field. The JSON Schemas in `schema/` come from here.

A field that may be left out is `None` here and gets its value in `config/resolve/`. Bounds and
fixed defaults are decided here, names in `patterns`; descriptions are what editors show.
"""

from modelops.resources.declared.callers import Agent, Credential, Key, Operator, Parameters
from modelops.resources.declared.chain import Chain, Target
from modelops.resources.declared.fields import Declared, SecretReference
from modelops.resources.declared.provider import (
    AuthHeader,
    Hours,
    Model,
    Price,
    Provider,
    ServiceTier,
    Tier,
)
from modelops.resources.declared.settings import Move, Settings

__all__ = [
    "Agent",
    "AuthHeader",
    "Chain",
    "Credential",
    "Declared",
    "Hours",
    "Key",
    "Model",
    "Move",
    "Operator",
    "Parameters",
    "Price",
    "Provider",
    "SecretReference",
    "ServiceTier",
    "Settings",
    "Target",
    "Tier",
]
