"""What can go wrong on the way to a provider, told apart by type.

Messages name the origin and the cause, never headers or bodies: they end up in the books.
"""

from __future__ import annotations

import errno

OUT_OF = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
)
"""What the system says when this side is out of descriptors, ports, memory or threads."""


class UpstreamError(Exception):
    """Base: no usable response came from the provider."""


class DnsError(UpstreamError):
    """The host's name has no address."""


class ConnectError(UpstreamError):
    """No address of the host takes connections."""


class LocalError(UpstreamError):
    """What a connection takes is not to be had on this side; the provider was not asked."""


class TlsError(UpstreamError):
    """The TLS handshake failed, a certificate that does not verify included."""


class UpstreamTimeoutError(UpstreamError):
    """Base of what took too long."""


class ConnectTimeoutError(UpstreamTimeoutError):
    """Name look-up, connecting and TLS handshake took too long together."""


class HeadTimeoutError(UpstreamTimeoutError):
    """The request was sent, and no response head came in time."""


class IdleTimeoutError(UpstreamTimeoutError):
    """The next piece of the body did not come in time."""


class ResetError(UpstreamError):
    """The connection ended before a byte of the response came."""


class MalformedError(UpstreamError):
    """What came is not HTTP/1.1, or its head is too long."""


class TruncatedError(UpstreamError):
    """The connection ended in the middle of a response."""


class ClosedError(UpstreamError):
    """The client was closed while the call was under way."""
