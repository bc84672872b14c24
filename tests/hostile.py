"""Requests that two readers could read differently, byte by byte."""

# Each leads, by one reading or another, to what its sender may not reach: `{inside}` is such an address.
DISGUISES = (
    "/api/cases/../cases/{inside}",
    "/api/cases/./{inside}",
    "/api/cases//{inside}",
    "//api/cases/{inside}",
    "/api//cases/{inside}",
    "/api/cases/x/../{inside}",
    "/api/cases/x/%2e%2e/{inside}",
    "/api/cases/x/%2E%2E/{inside}",
    "/api/cases/x/.%2e/{inside}",
    "/api/cases/x%2f..%2f{inside}",
    "/api/cases/x/%252e%252e/{inside}",
    "/api/cases/x%252f..%252f{inside}",
    "/api/cases/x/..;/{inside}",
    "/api/cases/..;/cases/{inside}",
    "/api/cases/{inside};x=1",
    "/api/cases/;/{inside}",
    "/api/cases/x\\..\\{inside}",
    "/api/cases\\{inside}",
    "/api/cases/x/..%5c{inside}",
    "/api/cases/x%5c..%5c{inside}",
    "/api/cases/{inside}%00",
    "/api/cases/%00/{inside}",
    "/api/cases/{inside}%00.json",
    "/api/cases/{inside}%0a",
    "/api/cases/{inside}%0d%0aX-Injected:%201",
    "/api/cases/{inside}%09",
    "/api/cases/{inside}%20",
    "/api/cases/{inside}/",
    "/api/cases/{inside}//",
    "/api/cases/{inside}/.",
    "/api/cases/{inside}/%2e",
    "/api/cases/{inside}%3fx=1",
    "/api/cases/{inside}%23x",
    "/api/cases/{inside}#x",
    "/api/c%61ses/{inside}",
    "/%61pi/cases/{inside}",
    "/api%2fcases/{inside}",
    "/api/cases%2f{inside}",
    "/API/cases/{inside}",
    "/api/CASES/{inside}",
    "/api/qc/../cases/{inside}",
    "/api/qc/%2e%2e/cases/{inside}",
    "/api/qc%2f..%2fcases/{inside}",
    "/api/publish/public/../../cases/{inside}",
    "/api/publish/public/stations/..%2f..%2f..%2fcases/{inside}",
    "/log/../api/cases/{inside}",
    "/log/%2e%2e/api/cases/{inside}",
    "/docs/../api/cases/{inside}",
    "/docs/%2e%2e/api/cases/{inside}",
    "/sta/../cases/{inside}",
    "/sta/%2e%2e/cases/{inside}",
    "/realms/../api/cases/{inside}",
    "/api/cases/%c0%ae%c0%ae/{inside}",
    "/api/cases/%e0%80%ae%e0%80%ae/{inside}",
    "/api/cases/%u002e%u002e/{inside}",
    "/api/cases/\uff0e\uff0e/{inside}",
    "/api/cases/%zz/{inside}",
    "/api/cases/%/{inside}",
    "/api/cases/{inside}\x00",
    "/api/cases/{inside}\x7f",
    "http://elsewhere/api/cases/{inside}",
    "http://elsewhere@127.0.0.1/api/cases/{inside}",
    "http:/api/cases/{inside}",
    "api/cases/{inside}",
    "*",
)
SMUGGLED = b"GET /api/cases/smuggled HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n"
_CHUNKED = b"0\r\n\r\n" + SMUGGLED


def _post(headers: str, body: bytes) -> bytes:
    start = "POST /api/cases/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"
    return (start + headers + "\r\n").encode("latin-1") + body


# The body of each ends, by one reading, before `SMUGGLED`.
SMUGGLING = {
    "length and chunked": _post(
        f"Content-Length: {len(_CHUNKED)}\r\nTransfer-Encoding: chunked\r\n", _CHUNKED
    ),
    "chunked and length": _post(
        f"Transfer-Encoding: chunked\r\nContent-Length: {len(_CHUNKED)}\r\n", _CHUNKED
    ),
    "short length and chunked": _post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", _CHUNKED),
    "two lengths": _post(f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
    "two lengths in one": _post(f"Content-Length: 0, {len(SMUGGLED)}\r\n", SMUGGLED),
    "length with a sign": _post(f"Content-Length: +{len(SMUGGLED)}\r\n", SMUGGLED),
    "length below nothing": _post("Content-Length: -1\r\n", SMUGGLED),
    "length in hexadecimal": _post(f"Content-Length: 0x{len(SMUGGLED):x}\r\n", SMUGGLED),
    "length that overflows": _post("Content-Length: 18446744073709551616\r\n", SMUGGLED),
    "length with a space": _post("Content-Length : 0\r\n", SMUGGLED),
    "encoding with a space": _post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", _CHUNKED),
    "encoding in other words": _post(
        f"Transfer-Encoding: xchunked\r\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED
    ),
    "encoding twice": _post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", _CHUNKED),
    "encoding in a list": _post("Transfer-Encoding: identity, chunked\r\n", _CHUNKED),
    "encoding behind a tab": _post("Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n", _CHUNKED),
    "encoding behind a vertical tab": _post(
        "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n", _CHUNKED
    ),
    "encoding on a folded line": _post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", _CHUNKED),
    "folded header": _post("X-Fold: a\r\n b\r\nContent-Length: 0\r\n", SMUGGLED),
    "header behind a space": _post(" Content-Length: 0\r\n", SMUGGLED),
    "header ended by LF": _post(f"X-A: b\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
    "header ended by CR": _post(f"X-A: b\rContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
    "NUL in a header": _post(f"X-A: b\x00\r\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
    "header without a name": _post(f": b\r\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
    "chunk size with a sign": _post("Transfer-Encoding: chunked\r\n", b"+0\r\n\r\n" + SMUGGLED),
    "chunk size that overflows": _post("Transfer-Encoding: chunked\r\n", b"10000000000000000\r\n" + SMUGGLED),
    "chunk ended by LF": _post("Transfer-Encoding: chunked\r\n", b"2\nab\n0\n\n" + SMUGGLED),
    "chunk extension with LF": _post(
        "Transfer-Encoding: chunked\r\n", f"2;\nxx\r\n{len(SMUGGLED):x}\r\n".encode() + SMUGGLED
    ),
    "trailer that is a header": _post(
        "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n",
        b"0\r\nAuthorization: Bearer other\r\n\r\n",
    ),
    "HTTP/1.0 with chunks": _post("Transfer-Encoding: chunked\r\n", _CHUNKED).replace(
        b"HTTP/1.1", b"HTTP/1.0", 1
    ),
    "old upgrade": _post(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", b""
    ),
    "wait, then smuggle": _post(f"Expect: 100-continue\r\nContent-Length: {len(SMUGGLED)}\r\n", SMUGGLED),
}
# One request at most is in each of them.
SPLITTING = {
    "line break in the path": b"GET /api/cases/leads HTTP/1.1\r\nX: y\r\n\r\n HTTP/1.1\r\nHost: x\r\n\r\n",
    "LF in the path": b"GET /api/cases/leads\nX-Injected: 1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "CR in the path": b"GET /api/cases/leads\rX-Injected: 1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in the path": b"GET /api/cases/leads x HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /api/cases/leads\r\n\r\n",
    "another version": b"GET /api/cases/leads HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET /api/cases/leads HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /api/cases/leads HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "host with a path": b"GET /api/cases/leads HTTP/1.1\r\nHost: x/../y\r\n\r\n",
    "CR in a header": b"GET /api/cases/leads HTTP/1.1\r\nHost: x\r\nX-A: b\rX-Injected: 1\r\n\r\n",
    "method with a line break": b"GET\r\n /api/cases/leads HTTP/1.1\r\nHost: x\r\n\r\n",
    "method of spaces": b"G ET /api/cases/leads HTTP/1.1\r\nHost: x\r\n\r\n",
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
