"""Who may ask the server: requests to its own addresses, and from its own pages.

Without these checks any web page that the reader visits could use the app behind the reader's back: by a host name of
its own that leads to this machine (DNS rebinding), or by a request or a websocket to a local port. Streamlit checks its
websocket only, and takes any local port for its own page there.

Both checks follow Streamlit's settings, from `.streamlit/config.toml`, STREAMLIT_SERVER_... or `--server....`:

- `server.allowedHosts`: the names by which the server may be called; ports in the Host header are not compared.
- `server.corsAllowedOrigins`: pages besides the server's own that may use it, as the browser's address bar begins. Who
  opens the app through a reverse proxy or a tunnel that ends at another port lists the address there, for example
  `https://explorer.example` or `http://localhost:9000`, and its host, if it is another one, in `server.allowedHosts`.
- `server.enableCORS = false` lets pages of any origin in, as Streamlit says of it.
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
    """Refuses what pages of another origin ask, and tells browsers what others may not do with the answers."""

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
    """As the Host header has it: Streamlit's settings have ::1, headers [::1]."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
