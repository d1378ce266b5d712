"""Access control of the server: requests to its own addresses, and from its own pages only.

Without these checks any web page that the reader visits could use the app: by a host name of its own that resolves to
this machine (DNS rebinding), or by a request or a websocket to a local port. Streamlit checks only its websocket, and
there accepts any local port as its own page.

Both checks follow Streamlit's settings, from `.streamlit/config.toml`, STREAMLIT_SERVER_... or `--server....`:

- `server.allowedHosts`: the names by which the server may be called; ports in the Host header are not compared.
- `server.corsAllowedOrigins`: further origins whose pages may use it. Behind a reverse proxy or a tunnel on another
  port, list the address there, for example `https://explorer.example` or `http://localhost:9000`, and its host, if it
  is another one, in `server.allowedHosts`.
- `server.enableCORS = false` allows pages of any origin, as in Streamlit.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

USUAL_PORTS = {"http": 80, "https": 443}  # browsers leave these out of an origin


def protected(app: ASGIApp) -> ASGIApp:
    """`app` behind the checks; reads the settings, so it is called when the server starts."""
    hosts = [_bracketed(each.strip().lower()) for each in config.get_option("server.allowedHosts")]
    return TrustedHostMiddleware(OwnPages(app, hosts), allowed_hosts=hosts or ["*"], www_redirect=False)


middleware = [Middleware(protected)]


class OwnPages:
    """Refuses requests from pages of another origin, and sends headers that restrict what others do with responses."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self._app = app
        self._hosts = {each for each in hosts if "*" not in each}
        self._others = {each.strip() for each in config.get_option("server.corsAllowedOrigins")}
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": " ".join(["frame-ancestors 'self'", *sorted(self._others)]),
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        foreign = [each for each in Headers(scope=scope).getlist("origin") if not self._allowed(each, scope)]
        if foreign:
            reason = f"Origin {foreign[0][:100]} is not allowed. If it is yours, add it to server.corsAllowedOrigins."
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _allowed(self, origin: str, scope: Scope) -> bool:
        return not config.get_option("server.enableCORS") or origin in self._others or origin in self._own(scope)

    def _own(self, scope: Scope) -> set[str]:
        """The origins that a browser gives this server's pages: by the name it was called by, or another listed one."""
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        _, port = scope.get("server") or (None, None)
        called = Headers(scope=scope)["host"].lower()
        name = called if called.endswith("]") else called.rpartition(":")[0] or called
        ending = "" if port == USUAL_PORTS.get(str(scheme)) else f":{port}"
        return {f"{scheme}://{host}{ending}" for host in self._hosts | {name}}


def _bracketed(host: str) -> str:
    """An IPv6 address as the Host header writes it: [::1], where Streamlit's settings have ::1."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
