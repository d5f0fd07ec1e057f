"""What is answered to a request: `/predict`, `/healthz`, `/metrics`."""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus

from ..errors import DeviceError, ModelFailed
from ..images.decoding import TooLarge
from .connection import JSON, Answer, refusal
from .service import Service

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
KNOWN = "GET /healthz, GET /metrics or POST /predict"


def answer(service: Service, method: str, path: str, body: Callable[[], bytes]) -> Answer:
    """Return what is sent back, or what stands in its way.

    Args:
        service: The model, its limits and its counters.
        method: As it was sent; HEAD is answered as GET is.
        path: As it was sent, with a host before it or not; a query says nothing here.
        body: Reads the body of the request.

    Raises:
        Refused: the body cannot be taken.
        OSError: the client is gone.
    """
    routes: dict[str, tuple[str, Callable[[], Answer]]] = {
        "/healthz": ("GET, HEAD", lambda: _ok(json.dumps(service.health()))),
        "/metrics": ("GET, HEAD", lambda: _ok(service.counters(), PROMETHEUS)),
        "/predict": ("POST", lambda: _predicted(service, body())),
    }
    known = routes.get(_path(path))
    if known is None:
        return refusal(HTTPStatus.NOT_FOUND, KNOWN)
    allowed, made = known
    if method not in allowed.split(", "):
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, KNOWN, allow=allowed)
    return made()


def _path(target: str) -> str:
    """Return the path of a request's target, which may be a whole address (RFC 9112, 3.2.2)."""
    if target.lower().startswith("http://"):
        target = "/" + target[len("http://") :].partition("/")[2]
    return target.partition("?")[0]


def _ok(text: str, kind: str = JSON) -> Answer:
    return Answer(HTTPStatus.OK, text, kind)


def _predicted(service: Service, body: bytes) -> Answer:
    try:
        return _ok(json.dumps(service.predict(body)))
    except TimeoutError:
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
    except TooLarge as error:
        return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
    except ModelFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
    except DeviceError as error:
        return refusal(HTTPStatus.BAD_REQUEST, str(error))
