"""The routes. Every page has a twin that ends in `.json`; a change goes to the address of its page.

/runs/ID/review                the entry                   /runs/ID/review/results        what was said so far
/runs/ID/review/as/NAME        the next item of NAME       ?item=ITEM for a certain one; POST saves an answer
/runs/ID/suspects …            the same of rows whose label is doubted
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from goodfit.errors import GoodfitError, RunError, UserError
from goodfit.improve.review import reviewer_name
from goodfit.run import Run
from goodfit.studio import review, suspects
from goodfit.studio.guard import Guard
from goodfit.studio.pages import ASSETS, render, resource

Endpoint = Callable[[Request], Awaitable[Response]]
PAGES: dict[str, tuple[str, Any]] = {"answers": ("review", review), "suspects": ("suspects", suspects)}
"""What is reviewed -> the part of the address, and the module that makes its pages: shelf_of, entry, item, save, found."""


def create_app(run: Run, *, token: str, port: int, of: str = "answers") -> Guard:
    """The app of one run, behind its guard: the review of its answers, or of its suspects."""
    base, pages = PAGES[of]
    shelf = pages.shelf_of(run)

    def entry(request: Request) -> dict[str, Any]:
        return dict(pages.entry(shelf.get(request.path_params["run"])))

    def item(request: Request) -> dict[str, Any]:
        held, who = shelf.get(request.path_params["run"]), request.path_params["reviewer"]
        return dict(pages.item(held, who, request.query_params.get("item")))

    def found(request: Request) -> dict[str, Any]:
        return dict(pages.found(shelf.get(request.path_params["run"])))

    async def start(request: Request) -> Response:
        shelf.check(request.path_params["run"])
        return RedirectResponse(f"{home}/as/{reviewer_name(request.query_params.get('name', ''))}", 303)

    async def save(request: Request) -> Response:
        held = await run_in_threadpool(shelf.get, request.path_params["run"])
        sent = await _json(request)
        return JSONResponse(await run_in_threadpool(pages.save, held, request.path_params["reviewer"], sent))

    async def root(_: Request) -> Response:
        return RedirectResponse(home, 303)

    home, path = f"/runs/{run.id}/{base}", f"/runs/{{run}}/{base}"
    prefix = "" if of == "answers" else f"{of}_"
    routes = [
        Route("/", root),
        Route("/assets/{name}", _asset),
        *_both(path, entry, f"{prefix}entry.html"),
        Route(f"{path}/start", start),
        *_both(f"{path}/results", found, f"{prefix}results.html"),
        Route(f"{path}/as/{{reviewer}}", save, methods=["POST"]),
        *_both(f"{path}/as/{{reviewer}}", item, f"{prefix}item.html"),
    ]
    handlers: dict[Any, Any] = {GoodfitError: _failed, 404: _missing, 405: _missing, 500: _broken}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token=token, port=port)


def _both(path: str, make: Callable[[Request], dict[str, Any]], template: str) -> list[Route]:
    """The twin and the page: one dict, two forms."""

    async def twin(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(make, request))

    async def page(request: Request) -> Response:
        facts = await run_in_threadpool(make, request)
        return HTMLResponse(render(template, **facts))

    return [Route(f"{path}.json", twin, methods=["GET"]), Route(path, page, methods=["GET"])]


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return PlainTextResponse("There is no such file.\n", 404)
    path, kind = ASSETS[name]
    return Response(resource(path), media_type=kind)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError, ClientDisconnect):
        raise UserError("the answer is not JSON", fix="reload the page") from None


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, GoodfitError)
    status = 409 if isinstance(error, RunError) else 400 if isinstance(error, UserError) else 500
    return _error(request, status, error.message, error.fix)


async def _missing(request: Request, _: Exception) -> Response:
    return _error(request, 404, "there is no such page", "go back to the start")


async def _broken(request: Request, error: Exception) -> Response:
    return _error(request, 500, f"this is a bug of Goodfit: {type(error).__name__}", "nothing that was saved is lost; please report it")


def _error(request: Request, status: int, message: str, fix: str | None) -> Response:
    if request.method == "POST" or request.url.path.endswith(".json"):
        return JSONResponse({"error": {"message": message, "fix": fix}}, status)
    return HTMLResponse(render("error.html", status=status, message=message, fix=fix), status)
