"""What the edge asks before it forwards a request (Caddy `forward_auth`): 200, or the problem to answer with.

Promises: only the X-Forwarded-* headers that the edge itself sets are believed; this address is not reachable
from outside. Plain Starlette, because every request of the platform passes here.
"""

from fastapi import APIRouter
from kit.problems import Problem
from kit.problems import response as problem_response
from kit.telemetry import traceparent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.flows.gate import Call, Gate
from gateway.rules.edge import sender
from gateway.rules.purposes import said


async def authorize(request: Request) -> Response:
    gate: Gate = request.app.state.gate
    headers = request.headers
    peer = request.client.host if request.client else ""
    uri, parent = headers.get("x-forwarded-uri", ""), traceparent()
    purpose, case = said(uri)
    call = Call(
        method=headers.get("x-forwarded-method", ""),
        uri=uri,
        authorizations=tuple(headers.getlist("authorization")),
        address=sender(headers.get("x-forwarded-for"), peer),
        purpose=headers.get("x-purpose") or purpose,
        case=headers.get("x-case") or case,
        trace=parent.split("-")[1],
    )
    try:
        # The service behind goes on with the trace that the audit names.
        return Response(status_code=200, headers=await gate.ask(call) | {"traceparent": parent})
    except Problem as problem:
        return problem_response(problem, call.uri.partition("?")[0])


router = APIRouter(routes=[Route("/authorize", authorize, methods=["GET"])])
