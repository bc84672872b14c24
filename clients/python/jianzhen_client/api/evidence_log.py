"""Operations of evidence log. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.transport import Call, Group


class EvidenceLog(Group):
    """Operations of evidence log; see `Client`."""

    def show_checkpoint(self) -> str:
        """The newest checkpoint: a signed note (C2SP tlog-checkpoint) with the cosignatures of
        witnesses.

        `GET /api/evidence/log/checkpoint`, `log:read`
        """
        return self._transport.send(Call[str]("GET", "/api/evidence/log/checkpoint"))

    def show_keys(self) -> dict[str, Any]:
        """Whom to believe: the log's public key, those of the witnesses, and how many of them must
        agree.

        `GET /api/evidence/log/keys`, `log:read`
        """
        return self._transport.send(Call[dict[str, Any]]("GET", "/api/evidence/log/keys"))

    def show_tile(self, level: str, a: str, b: str, c: str, d: str) -> Any:
        """A tile or a bundle of entries (C2SP tlog-tiles), e.g. /log/tile/0/000.p/5.

        `GET /api/evidence/log/tile/{level}/{a}/{b}/{c}/{d}`, `log:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/evidence/log/tile/{level}/{a}/{b}/{c}/{d}",
                places={"level": level, "a": a, "b": b, "c": c, "d": d},
            )
        )

    def show_tile_c(self, level: str, a: str, b: str, c: str) -> Any:
        """A tile or a bundle of entries (C2SP tlog-tiles), e.g. /log/tile/0/000.p/5.

        `GET /api/evidence/log/tile/{level}/{a}/{b}/{c}`, `log:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/evidence/log/tile/{level}/{a}/{b}/{c}",
                places={"level": level, "a": a, "b": b, "c": c},
            )
        )

    def show_tile_b(self, level: str, a: str, b: str) -> Any:
        """A tile or a bundle of entries (C2SP tlog-tiles), e.g. /log/tile/0/000.p/5.

        `GET /api/evidence/log/tile/{level}/{a}/{b}`, `log:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/evidence/log/tile/{level}/{a}/{b}", places={"level": level, "a": a, "b": b}
            )
        )

    def show_tile_a(self, level: str, a: str) -> Any:
        """A tile or a bundle of entries (C2SP tlog-tiles), e.g. /log/tile/0/000.p/5.

        `GET /api/evidence/log/tile/{level}/{a}`, `log:read`
        """
        return self._transport.send(
            Call[Any]("GET", "/api/evidence/log/tile/{level}/{a}", places={"level": level, "a": a})
        )

    def list_leaves(self, *, limit: int | None = None, cursor: int | None = None) -> dict[str, Any]:
        """All entries in their order, as the database has them: what an auditor compares with the
        files.

        `GET /api/evidence/leaves`, `leaves:audit`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/evidence/leaves", query={"limit": limit, "cursor": cursor})
        )

    def all_leaves(self, *, limit: int | None = None, cursor: int | None = None) -> Iterator[Any]:
        """Every item of `list_leaves`, page after page. 逐页取出全部条目。

        `GET /api/evidence/leaves`, `leaves:audit`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/evidence/leaves", query={"limit": limit, "cursor": cursor})
        )

    def show_leaf(self, entry: str) -> dict[str, Any]:
        """Where an entry (64 hex digits) stands, with its proof to the newest checkpoint.

        Raises NotFound `leaf-unknown`; Unavailable `leaf-not-integrated` for a second or so after
        sequencing.

        `GET /api/evidence/leaves/{entry}`, `leaves:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/evidence/leaves/{entry}", places={"entry": entry})
        )
