from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import msgspec
import pytest

from modelops.secrets.secret import Secret

KEY = "sk-canary-0123456789"


def test_only_reveal_shows_it() -> None:
    secret = Secret(KEY)
    assert secret.reveal() == KEY
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", [secret]):
        assert KEY not in str(shown)


def test_it_does_not_serialize() -> None:
    secret = Secret(KEY)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(TypeError):
        hash(secret)


def test_traceback_with_locals_and_logs_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    try:
        int(secret)  # type: ignore[call-overload]  # any failure with the secret in a local variable
    except TypeError as error:
        shown = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("test").exception("failed with %s", secret)
    assert "Secret(...)" in shown
    assert KEY not in shown
    assert KEY not in caplog.text


def test_equality_is_of_values() -> None:
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret(KEY + "x")
    assert Secret(KEY) != KEY
