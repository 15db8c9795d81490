"""Base URLs: one spelling, an origin, and what is this machine."""

from __future__ import annotations

import pytest

from modelops.config import urls


@pytest.mark.parametrize(
    ("url", "normalized", "origin"),
    [
        (
            "https://API.Example.com/V1/",
            "https://api.example.com/V1",
            "https://api.example.com:443",
        ),
        ("http://localhost:11434", "http://localhost:11434", "http://localhost:11434"),
        ("http://[::1]:80/", "http://[::1]:80", "http://[::1]:80"),
        ("http://host", "http://host", "http://host:80"),
    ],
)
def test_one_spelling_and_an_origin(url: str, normalized: str, origin: str) -> None:
    assert urls.normalized(url) == normalized
    assert urls.normalized(normalized) == normalized
    assert urls.origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://:80/",
        "https://x:99999",
        "https://x:0",
        "https://ä.example",
        "http://[x",
    ],
)
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        urls.parse(url)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("models.localhost", True),
        ("[::ffff:127.0.0.1]", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
        ("192.168.0.1", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, here: bool) -> None:
    assert urls.is_loopback(f"http://{host}:8080/v1") is here
