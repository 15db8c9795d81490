"""What names and other short texts look like: regular expressions for checks and for `schema/`."""

from __future__ import annotations

END_OF_TEXT = r"(?!\n)"
"""Python's $ also matches before a last line break; that of JSON Schema does not."""
_END = "$" + END_OF_TEXT
NAME = r"^[a-z][a-z0-9-]{0,62}" + _END
MODEL = r"^[A-Za-z0-9._:@/+-]{1,200}" + _END
TARGET = r"^[a-z][a-z0-9-]{0,62}/[A-Za-z0-9._:@/+-]{1,200}" + _END
ALLOW = (
    r"^(chain/(\*|[a-z][a-z0-9-]{0,62})|model/[a-z*][a-z0-9*-]{0,62}/[A-Za-z0-9._:@/+*-]{1,200})"
    + _END
)
CIPHERTEXT = r"^ENC\[AES256_GCM,data:[^\s]*\]" + _END
DURATION = r"^[0-9]{1,9}(ms|s|m|h)" + _END
SHA256 = r"^[0-9a-f]{64}" + _END
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _END
URL = r"^https?://[^\s?#@]+" + _END
HEADER = r"^[A-Za-z][A-Za-z0-9-]{0,62}" + _END
ENV = r"^MODELOPS_SECRET_[A-Z0-9_]{1,80}" + _END
FILE = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}" + _END
SERVICE_TIER = r"^[a-z][a-z0-9_-]{0,31}" + _END
TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]" + _END
LABEL = r"^[a-z][a-z0-9_.-]{0,62}" + _END
RECIPIENT = r"^age1[a-z0-9]{20,2000}" + _END
LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*" + _END
