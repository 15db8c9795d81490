"""Files to a checked declaration to a resolved configuration.

The first half of the config road. `load_configuration` is all that other rooms need; `load.inspect`
tells the same without raising. Importing this package costs nothing: what reads YAML and catalog is
imported by the first call.
"""

from __future__ import annotations

from pathlib import Path

from modelops.config.diagnostics import InvalidConfigurationError
from modelops.resources.configuration import Configuration

__all__ = ["InvalidConfigurationError", "load_configuration"]


def load_configuration(folder: Path, environment: str = "") -> Configuration:
    """Return the configuration of a folder, resolved; InvalidConfigurationError lists its errors.

    A folder that is missing or holds nothing is a plain ModelopsError.
    """
    from modelops.config.load import load

    return load(folder, environment)
