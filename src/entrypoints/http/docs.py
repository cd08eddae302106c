"""The OpenAPI document, and pages to read it: Swagger UI, served by us and by nobody else."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_OURS: Final = Path(str(files("entrypoints.http"))) / "static"
# A pinned copy of Swagger UI's files is all that is used of the package.
_SWAGGER_UI: Final = Path(str(files("fastapi_offline"))) / "static"

_PAGE: Final = {
    # What Swagger UI 5 gets along with: scripts and styles are files of ours, none is written into a page.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
}
_ASSET: Final = {"Cache-Control": "public, max-age=86400"}


def docs_routes(document: Mapping[str, Any]) -> list[Route]:
    """``/openapi.json`` with this document, ``/docs``, and what that page loads."""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return [
        Route("/openapi.json", _sending(partial(Response, written, media_type="application/json"))),
        Route("/docs", _sending(partial(FileResponse, _OURS / "docs.html", headers=_PAGE))),
        *(
            Route(f"/docs/{path.name}", _sending(partial(FileResponse, path, headers=_ASSET)))
            for path in (_OURS / "start.js", _SWAGGER_UI / "swagger-ui-bundle.js", _SWAGGER_UI / "swagger-ui.css")
        ),
    ]


def _sending(answer: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def send(_: Request) -> Response:
        return answer()

    return send
