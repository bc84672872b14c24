"""The login page: authorization code with PKCE, in Chinese and English, without JavaScript.

Promises: nothing is sent to a redirect address that is not registered letter by letter; the form is bound to
the browser that asked for it; the page may not be framed. Leaves codes and sessions to `sessions`.
"""

import hmac
import secrets
from html import escape
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from issuer.api.endpoints import OIDC
from issuer.api.state import form_of, state_of
from issuer.realm import Client
from issuer.sessions import LoginAsked

router = APIRouter(include_in_schema=False)
COOKIE = "AUTH_SESSION_ID"
STYLE = (
    "body{font:16px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:24rem;"
    "margin:10vh auto;padding:0 1rem}"
    "label,input,button{display:block;width:100%;box-sizing:border-box}"
    "input,button{font:inherit;padding:.6rem;margin:.2rem 0 1rem}"
    "button{background:#0b5d4b;color:#fff;border:0;border-radius:.3rem}[role=alert]{color:#a40000}"
)
HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
TEXTS = {
    "zh": {
        "title": "登录鉴真平台",
        "username": "用户名",
        "password": "密码",
        "login": "登录",
        "wrong": "用户名或密码不正确",
        "expired": "登录已超时，请从应用重新开始",
        "client": "请求无效：应用或回调地址未登记",
        "bye": "已退出登录",
    },
    "en": {
        "title": "Sign in to Jianzhen",
        "username": "User name",
        "password": "Password",
        "login": "Sign in",
        "wrong": "User name or password is not correct",
        "expired": "This sign-in has expired; please start again from the application",
        "client": "Invalid request: the application or its address is not registered",
        "bye": "You are signed out",
    },
}


def _language(request: Request) -> str:
    asked = request.query_params.get("ui_locales") or request.headers.get("accept-language", "zh")
    return "en" if asked.lower().startswith("en") else "zh"


def _page(request: Request, body: str, status: int = 200) -> HTMLResponse:
    language = _language(request)
    title = TEXTS[language]["title"]
    nonce = secrets.token_urlsafe(12)
    html = (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f'<style nonce="{nonce}">{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    csp = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(html, status_code=status, headers=HEADERS | {"Content-Security-Policy": csp})


def _notice(request: Request, text: str, status: int = 400) -> HTMLResponse:
    return _page(request, f'<p role="alert">{TEXTS[_language(request)][text]}</p>', status)


def _form(request: Request, action: str, username: str = "", *, is_wrong: bool = False) -> HTMLResponse:
    text = TEXTS[_language(request)]
    alert = f'<p role="alert">{text["wrong"]}</p>' if is_wrong else ""
    body = (
        f'{alert}<form method="post" action="{escape(action)}">'
        f'<label for="username">{text["username"]}</label>'
        f'<input id="username" name="username" autocomplete="username" required value="{escape(username)}">'
        f'<label for="password">{text["password"]}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f"<button>{text['login']}</button></form>"
    )
    return _page(request, body)


@router.get(OIDC + "/auth")
async def authorize(request: Request, realm: str) -> Response:
    asked = request.query_params
    state = state_of(request)
    client = state.realm.clients.get(asked.get("client_id", ""))
    uri = asked.get("redirect_uri", "")
    if client is None or not client.is_enabled or not client.has_code_flow or uri not in client.redirect_uris:
        return _notice(request, "client")
    fault = _fault(dict(asked), client)
    if fault is not None:
        return _back(
            uri, asked.get("state"), state.issuer, {"error": fault[0], "error_description": fault[1]}
        )
    scope = " ".join([*(["openid"] if "openid" in asked.get("scope", "").split() else []), client.scope])
    browser = secrets.token_urlsafe(24)
    login = LoginAsked(
        client=client,
        redirect_uri=uri,
        scope=scope,
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        challenge=asked.get("code_challenge"),
        browser=browser,
        expires_at=state.sessions.login_expires_at,
    )
    page = _form(request, _action(request, state.sessions.logins.put(login)))
    path = f"/realms/{realm}/"
    page.set_cookie(COOKIE, browser, path=path, httponly=True, samesite="lax", secure=uri.startswith("https"))
    return page


def _fault(asked: dict[str, str], client: Client) -> tuple[str, str] | None:
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "Only response_type=code is supported"
    if asked.get("prompt") == "none":
        return "login_required", "Nobody is signed in here"
    if client.needs_pkce and not asked.get("code_challenge"):
        return "invalid_request", "Missing parameter: code_challenge"
    if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
        return "invalid_request", "Invalid parameter: code_challenge_method must be S256"
    return None


def _action(request: Request, handle: str) -> str:
    realm = state_of(request).realm.name
    query = urlencode({"session_code": handle, "ui_locales": _language(request)})
    return f"/realms/{realm}/login-actions/authenticate?{query}"


def _back(uri: str, state: str | None, issuer: str, answer: dict[str, Any]) -> RedirectResponse:
    query = answer | ({"state": state} if state is not None else {}) | {"iss": issuer}
    mark = "&" if "?" in uri else "?"
    return RedirectResponse(f"{uri}{mark}{urlencode(query)}", status_code=303, headers=HEADERS)


@router.post("/realms/{realm}/login-actions/authenticate")
async def authenticate(request: Request, realm: str) -> Response:
    state = state_of(request)
    handle = request.query_params.get("session_code", "")
    login = state.sessions.logins.get(handle)
    if login is None or not hmac.compare_digest(request.cookies.get(COOKIE, ""), login.browser):
        return _notice(request, "expired")
    form = await form_of(request)
    user = await state.credentials.check(form.get("username", ""), form.get("password", ""))
    if user is None:
        return _form(request, _action(request, handle), form.get("username", ""), is_wrong=True)
    state.sessions.logins.drop(handle)
    code = state.sessions.code_for(login, user)
    return _back(login.redirect_uri, login.state, state.issuer, {"code": code})


@router.get(OIDC + "/logout")
async def logged_out(request: Request, realm: str) -> Response:
    """Nobody stays signed in at this issuer; the page only says so, or leads back to a registered address."""
    asked = request.query_params
    client = state_of(request).realm.clients.get(asked.get("client_id", ""))
    uri = asked.get("post_logout_redirect_uri")
    if uri is not None and client is not None and uri in client.logout_uris:
        return RedirectResponse(uri, status_code=303, headers=HEADERS)
    return _notice(request, "bye", 200)
