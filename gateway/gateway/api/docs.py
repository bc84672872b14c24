"""The documentation of every interface, on one page, in Chinese and English.

Promises: shows each route, who may call it and how to try it, there and then with the reader's own token; all
but the trying works without a script. Names of the law's file come from the policy.
"""

import secrets
from html import escape
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from kit.auth import Grant, allow
from kit.problems import NotFound, Unavailable
from policy import PUBLIC, Policy

from gateway.flows.docs import Chapter, Library, Operation

router = APIRouter(tags=["docs"])
MayRead = Annotated[Grant, Depends(allow("docs", "read"))]
STYLE = """
body{font:16px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:72rem;margin:0 auto;padding:1rem;
color:#17231f}
nav a{margin-right:1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;
border-bottom:1px solid #d5ddda;vertical-align:top}code{font-size:.92em;white-space:nowrap}
td{min-width:9rem}button{font:inherit;padding:0 .6rem}label{display:block;margin:.3rem 0}
label span{display:inline-block;min-width:14rem}input{font:inherit;width:22rem;max-width:100%}
textarea{font:.92em monospace;width:100%;box-sizing:border-box}.try button{margin:.4rem 0}
.tried pre{max-height:24rem;overflow:auto;min-height:1.6em}
pre{background:#f2f5f4;padding:1rem;overflow-x:auto}.m{font-weight:600}a{color:#0b5d4b}.wide{overflow-x:auto}
"""
SCRIPT = files("gateway.api").joinpath("try.js").read_text("utf-8")
TEXTS = {
    "zh": {
        "title": "鉴真平台接口",
        "lead": "全部接口、所需权限和可调用者。权限以政策文件为准，版本",
        "route": "接口",
        "what": "用途",
        "right": "权限",
        "who": "可调用者",
        "everybody": "任何人",
        "away": "该服务暂时没有应答。",
        "openapi": "OpenAPI 文档",
        "try": "试一试",
        "send": "发送",
        "token": "访问令牌（仅保存在本页内存中）",
        "purpose": "查阅目的（X-Purpose）",
        "case": "案件编号（X-Case）",
        "scope": {
            "any": "全部",
            "region": "本辖区",
            "addressed": "收件",
            "team": "专案组",
            "own": "本单位",
            "published": "已公开",
        },
    },
    "en": {
        "title": "Interfaces of Jianzhen",
        "lead": "Every interface, the permission it needs and who holds it. The policy file decides; version",
        "route": "Interface",
        "what": "What for",
        "right": "Permission",
        "who": "Who may call",
        "everybody": "everybody",
        "away": "This service does not answer at the moment.",
        "openapi": "OpenAPI document",
        "try": "Try it",
        "send": "Send",
        "token": "Access token (stays in the memory of this page)",
        "purpose": "What it is read for (X-Purpose)",
        "case": "Number of the case (X-Case)",
        "scope": {
            "any": "all",
            "region": "region",
            "addressed": "addressed",
            "team": "special-case team",
            "own": "own",
            "published": "published",
        },
    },
}


@router.get("/docs", summary="All interfaces on one page 全部接口", response_class=HTMLResponse)
async def docs(request: Request, grant: MayRead, lang: str | None = None) -> HTMLResponse:
    library: Library = request.app.state.library
    policy: Policy = request.app.state.policy
    asked = lang or request.headers.get("accept-language", "zh")
    language = "en" if asked.lower().startswith("en") else "zh"
    text: dict[str, Any] = TEXTS[language]
    base = str(request.headers.get("x-forwarded-proto", "http")) + "://" + request.headers.get("host", "")
    body = "".join(_section(chapter, language, text, policy) for chapter in await library.chapters())
    example = (
        f"TOKEN=$(jianzhen token --as ee.enf/case.officer@131000)\n"
        f'curl -H "Authorization: Bearer $TOKEN" {base}/api/cases/leads'
    )
    purposes = "".join(
        f'<option value="{code}">{escape(one.zh if language == "zh" else one.en)}</option>'
        for code, one in policy.records.purposes.items()
    )
    nonce = secrets.token_urlsafe(12)
    html = (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{text["title"]}</title>'
        f'<style nonce="{nonce}">{STYLE}</style></head><body>'
        f'<main data-try="{text["try"]}" data-send="{text["send"]}"><h1>{text["title"]}</h1>'
        f'<nav><a href="?lang=zh" lang="zh">中文</a><a href="?lang=en" lang="en">English</a></nav>'
        f"<p>{text['lead']} <code>{policy.version}</code> ({policy.valid_from}).</p>"
        f'<h2>{text["try"]}</h2><pre tabindex="0">{escape(example)}</pre>'
        f'<form id="who" hidden><label><span>{text["token"]}</span>'
        f'<input id="token" type="password" autocomplete="off"></label>'
        f"<label><span>{text['purpose']}</span>"
        f'<select id="purpose"><option></option>{purposes}</select></label>'
        f'<label><span>{text["case"]}</span><input id="case" autocomplete="off"></label></form>{body}</main>'
        f'<script nonce="{nonce}">{SCRIPT}</script></body></html>'
    )
    csp = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": csp, "Cache-Control": "no-cache"})


@router.get("/docs/openapi/{name}", summary="The OpenAPI document of one service 单个服务的接口文档")
async def openapi(request: Request, grant: MayRead, name: str) -> dict[str, Any]:
    library: Library = request.app.state.library
    service = name.removesuffix(".json")
    document = await library.document(service)
    if document is not None:
        return document
    if service in request.app.state.settings.services:
        raise Unavailable("service-away", f"{service} does not answer at the moment 服务暂无应答")
    raise NotFound("no-such-service", f"There is no service {service} 无此服务")


def _section(chapter: Chapter, language: str, text: dict[str, Any], policy: Policy) -> str:
    rows = "".join(
        _row(chapter.service, operation, language, text, policy) for operation in chapter.operations
    )
    if chapter.document is None:
        source = f"<p>{text['away']}</p>"
    else:
        title = escape(chapter.document.get("info", {}).get("title", chapter.service))
        source = f'<p>{title} · <a href="/docs/openapi/{chapter.service}.json">{text["openapi"]}</a></p>'
    heads = "".join(f'<th scope="col">{text[name]}</th>' for name in ("route", "what", "right", "who"))
    return (
        f'<section><h2 id="{chapter.service}">{chapter.service}</h2>{source}'
        f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        "</div></section>"
    )


def _row(service: str, operation: Operation, language: str, text: dict[str, Any], policy: Policy) -> str:
    permission = operation.permission
    named = permission.zh if language == "zh" else permission.en
    who: dict[str, list[str]] = {}
    for grant in permission.grants:
        role = text["everybody"] if grant.role == PUBLIC else policy.roles[grant.role][language]
        who.setdefault(text["scope"][grant.scope], []).append(escape(role))
    holders = "<br>".join(f"<b>{scope}</b> {' · '.join(roles)}" for scope, roles in who.items())
    return (
        f'<tr data-service="{service}" data-method="{operation.method}" '
        f'data-path="{escape(operation.path.removeprefix(f"/api/{service}"))}">'
        f'<td><span class="m">{operation.method}</span> <code>{escape(operation.path)}</code></td>'
        f"<td>{escape(named)}</td><td><code>{escape(permission.name)}</code></td>"
        f"<td>{holders}</td></tr>"
    )
