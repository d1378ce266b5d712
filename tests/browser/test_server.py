"""The server answers only who calls it by its own names, and only its own pages; on every route, and from here only."""

import http.client
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import psutil
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from explorer.ui.server import routes

PAGES = ["/", "/train", "/no/such/page", "/static/index.js", "/favicon.png"]


def every_route():
    """Method and path of all that the server's router knows, and of some pages."""
    found = [("GET", page) for page in PAGES]
    for route in [*routes, *create_streamlit_routes(MagicMock())]:
        path = "/" + "/".join("x" if part.startswith("{") else part for part in route.path.strip("/").split("/"))
        found += [(method, path) for method in sorted(getattr(route, "methods", None) or ["GET"])]
    return found


def asked(server, method, path, **headers):
    """Status, text and headers of the answer."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read(2000).decode(errors="replace")
    connection.close()
    return answer.status, text, answer.headers


def port(server):
    return urlsplit(server).port


def own_origins(server):
    return [f"http://{host}:{port(server)}" for host in ("127.0.0.1", "localhost", "[::1]")]


def foreign_origins(server):
    own = port(server)
    return [
        "http://evil.example",
        f"http://evil.example:{own}",
        f"http://127.0.0.1:{own + 1}",
        f"http://localhost:{own + 1}",
        "http://localhost",
        f"https://127.0.0.1:{own}",
        f"http://127.0.0.1:{own}.evil.example",
        f"http://user@127.0.0.1:{own}",
        "null",
        "",
    ]


def test_the_router_tells_its_routes():
    paths = {path for _, path in every_route()}
    assert {"/_stcore/health", "/_stcore/stream", "/_stcore/upload_file/x/x", "/media/x"} <= paths
    assert any(path.startswith("/explorer-plotly/") for path in paths)


def test_every_route_refuses_other_names_of_the_server(server):
    evil = ["evil.example", f"evil.example:{port(server)}", "localhost.evil.example", "127.0.0.1@evil.example", ""]
    for method, path in every_route():
        for host in evil:
            status, text, _ = asked(server, method, path, Host=host)
            assert status == 400, (method, path, host)
            assert method == "HEAD" or text == "Invalid host header"


def test_every_route_refuses_pages_of_another_origin(server):
    for method, path in every_route():
        for origin in foreign_origins(server):
            status, text, _ = asked(server, method, path, Origin=origin)
            assert status == 403, (method, path, origin)
            assert method == "HEAD" or "server.corsAllowedOrigins" in text


def test_every_route_answers_its_own_pages_and_programs(server):
    programs = [{}, {"Host": f"localhost:{port(server)}"}, {"Host": f"[::1]:{port(server)}"}]
    for method, path in every_route():
        for headers in [*programs, *({"Origin": origin} for origin in own_origins(server))]:
            _, text, _ = asked(server, method, path, **headers)
            assert "corsAllowedOrigins" not in text, (method, path, headers)
            assert "Invalid host header" not in text, (method, path, headers)


def websocket_status(server, host, **options):
    """101 where the websocket opens that is asked for by this name of the server."""
    found = urlsplit(server)
    stream, address = f"ws://{host}:{found.port}/_stcore/stream", (found.hostname, found.port)
    try:
        with connect(stream, address=address, proxy=None, **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_the_websocket_opens_to_its_own_pages_only(server):
    for host in ("127.0.0.1", "localhost", "[::1]"):
        for origin in (None, f"http://{host}:{port(server)}"):
            assert websocket_status(server, host, origin=origin) == 101, origin
        for origin in foreign_origins(server):
            assert websocket_status(server, host, additional_headers={"Origin": origin}) == 403, (host, origin)


def test_the_websocket_opens_at_its_own_names_only(server):
    assert websocket_status(server, "evil.example") == 400
    assert websocket_status(server, "evil.example", origin=f"http://evil.example:{port(server)}") == 400


def test_other_pages_may_not_frame_it_nor_read_its_files_as_something_else(server):
    for path in ("/", "/_stcore/health", routes[0].path):
        status, _, headers = asked(server, "GET", path)
        assert status == 200
        assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_it_listens_on_this_machine_only(server):
    listening = [each for each in psutil.net_connections("inet") if each.status == psutil.CONN_LISTEN]
    assert {each.laddr.ip for each in listening if each.laddr.port == port(server)} == {"127.0.0.1"}
