"""Streamlit's settings of hosts and origins hold on every route, whatever the reader has set."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse

from explorer.ui import access

OURS = ["localhost", "127.0.0.1", "::1"]
PROXY = {"server.allowedHosts": ["explorer.example"], "server.corsAllowedOrigins": ["https://explorer.example"]}


def status(monkeypatch, settings, *, scheme="http", port=8501, **headers):
    """What an app behind the checks answers; `headers` by their names with underscores."""
    usual = {"server.allowedHosts": OURS, "server.corsAllowedOrigins": [], "server.enableCORS": True}
    monkeypatch.setattr(access.config, "get_option", (usual | settings).get)
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": scheme,
        "server": ("127.0.0.1", port), "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(access.protected(PlainTextResponse("fine"))(scope, None, send))
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("settings", "request_", "expected"),
    [
        ({}, {"host": "localhost:8501", "origin": "http://localhost:8501"}, 200),
        ({}, {"host": "[::1]:8501", "origin": "http://[::1]:8501"}, 200),
        ({}, {"host": "localhost:9000", "origin": "http://localhost:9000"}, 403),  # a tunnel that is not listed
        ({"server.corsAllowedOrigins": ["http://localhost:9000"]},
         {"host": "localhost:9000", "origin": "http://localhost:9000"}, 200),
        ({}, {"port": 80, "host": "localhost", "origin": "http://localhost"}, 200),
        ({}, {"port": 80, "host": "localhost", "origin": "http://localhost:80"}, 403),
        ({}, {"scheme": "https", "host": "localhost:8501", "origin": "https://localhost:8501"}, 200),
        ({}, {"scheme": "https", "host": "localhost:8501", "origin": "http://localhost:8501"}, 403),
        ({}, {"origin": "http://localhost:8501"}, 400),  # no Host
        (PROXY, {"host": "explorer.example", "origin": "https://explorer.example"}, 200),
        (PROXY, {"host": "explorer.example", "origin": "https://evil.example"}, 403),
        (PROXY, {"host": "localhost:8501"}, 400),
        ({"server.allowedHosts": ["*.lab.example"]}, {"host": "a.lab.example:8501"}, 200),
        ({"server.allowedHosts": ["*.lab.example"]},
         {"host": "a.lab.example:8501", "origin": "http://a.lab.example:8501"}, 200),
        ({"server.allowedHosts": ["*.lab.example"]},
         {"host": "a.lab.example:8501", "origin": "http://b.lab.example:8501"}, 403),
        ({"server.allowedHosts": []}, {"host": "any.example:8501", "origin": "http://any.example:8501"}, 200),
        ({"server.allowedHosts": []}, {"host": "any.example:8501", "origin": "http://evil.example:8501"}, 403),
        ({"server.enableCORS": False}, {"host": "localhost:8501", "origin": "http://evil.example"}, 200),
    ],
)  # fmt: skip
def test_settings_hold(monkeypatch, settings, request_, expected):
    assert status(monkeypatch, settings, **request_) == expected
