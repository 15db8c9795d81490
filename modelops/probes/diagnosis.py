"""Every way a connection test fails, and what to do about it: the one place for these texts.

A code comes from the network (`connection`), from an HTTP answer (`classify`) or from the model
list (`probe`). Texts may name {provider}, {host}, {key_url}, {docs_url}, {model}, {nearest} and
{detail}; none ever holds a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from modelops.probes.report import Diagnosis, ProbeError
from modelops.resources.resolved import Provider

TABLE: Mapping[str, tuple[str, str]] = {
    # Not reached
    "dns_unknown": ("no such host: {host}", "check base_url of {provider} for a misspelt host"),
    "dns_failed": (
        "the name {host} cannot be looked up: {detail}",
        "this machine's DNS or network is down",
    ),
    "refused": (
        "{host} refuses connections",
        "nothing listens there: start the server, or correct host and port in base_url",
    ),
    "unreachable": (
        "{host} cannot be reached: {detail}",
        "a firewall or route stands between; where only a proxy leads out, set HTTPS_PROXY",
    ),
    "connect_timeout": (
        "{host} does not answer a connection",
        "a firewall drops it, or the host is down; where only a proxy leads out, set HTTPS_PROXY",
    ),
    "proxy_refused": ("the proxy does not connect to {host}: {detail}", "allow the host there"),
    "tls_untrusted": (
        "the certificate of {host} is not trusted: {detail}",
        "behind a proxy that opens TLS, put its CA into SSL_CERT_FILE; otherwise do not trust it",
    ),
    "tls_expired": ("the certificate of {host} has expired", "its owner has to renew it"),
    "tls_hostname": (
        "the certificate at {host} is for another host: {detail}",
        "correct the host in base_url; if it is right, somebody is in between",
    ),
    "tls_not_spoken": (
        "{host} does not speak TLS: {detail}",
        "a server without TLS is declared with http:// in base_url",
    ),
    # Reached, and not what was expected
    "answer_timeout": ("{host} accepts the connection and does not answer", "try again later"),
    "cut_off": ("{host} ends the connection without an answer", "is base_url its API?"),
    "not_http": ("{host} does not answer in HTTP: {detail}", "is base_url its API?"),
    "redirected": (
        "base_url is answered with a redirect to {detail}",
        "declare the address it leads to; keys are never sent after a redirect",
    ),
    "not_found": (
        "there is no such API path under base_url (404)",
        "compare base_url with {docs_url}",
    ),
    "not_the_api": (
        "the answer is not the API's: {detail}",
        "a proxy, a login page or a wrong base_url stands there; compare with {docs_url}",
    ),
    # Credentials and money
    "key_missing": (
        "there is no key: {detail}",
        "set it where the test runs; get one at {key_url}",
    ),
    "key_wanted": (
        "the provider wants a key and none is declared",
        "get one at {key_url} and declare auth and api_key",
    ),
    "key_rejected": ("the key is rejected", "get one at {key_url}; was it made for this region?"),
    "key_forbidden": (
        "the key is valid and may not do this: {detail}",
        "give the key or its project access at {key_url}",
    ),
    "region_refused": (
        "the provider refuses this country or region",
        "run the gateway where it serves, or declare its host for your region",
    ),
    "no_credit": ("the key is valid, but there is no credit", "top up at {key_url}"),
    # The provider's own trouble
    "rate_limited": ("the key is valid and at its rate limit", "wait, or raise the limit"),
    "provider_down": ("the provider has trouble of its own: {detail}", "try again later"),
    # Models
    "model_missing": ("{model} is not offered", "did you mean {nearest}?"),
    "model_missing_no_guess": ("{model} is not offered", "see {docs_url} for what is"),
    "models_missing": ("{detail} are not offered", "`modelops discover {provider}` lists what is"),
    "model_not_pulled": ("{model} is not on this machine", "ollama pull {model}"),
    # The one real request
    "request_refused": ("the request is refused: {detail}", "compare with {docs_url}"),
    "sdk_missing": ("--call needs the SDK {detail}", "pip install {detail}"),
    "sdk_failed": ("the SDK failed: {detail}", "try `modelops test` without --call"),
    "no_output": ("the model answered without content: {detail}", "try again, or another model"),
    "unexpected": ("unexpected answer: {detail}", "compare with {docs_url}"),
}
"""Code to message and hint."""


def diagnose(error: ProbeError, provider: Provider) -> Diagnosis:
    """Return what went wrong with a provider, in words."""
    message, hint = TABLE[error.code]
    words = {
        "provider": provider.provider,
        "host": urlsplit(provider.base_url).netloc,
        "key_url": provider.key_url or "its console",
        "docs_url": provider.docs_url or "its documentation",
        "detail": error.detail,
        "model": error.model,
        "nearest": error.nearest,
    }
    return Diagnosis(code=error.code, message=message.format(**words), hint=hint.format(**words))
