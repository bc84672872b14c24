"""Operations of qc remote checks. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any

from jianzhen_client.models.qc import DrawPoints, ListPoints, OrderCheck
from jianzhen_client.transport import Call, Group


class QcRemoteChecks(Group):
    """Operations of qc remote checks; see `Client`."""

    def list_orders(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Remote checks and what came of them, newest first.

        `GET /api/qc/check-orders`, `checks:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/check-orders", query={"limit": limit, "cursor": cursor})
        )

    def all_orders(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_orders`, page after page. 逐页取出全部条目。

        `GET /api/qc/check-orders`, `checks:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/check-orders", query={"limit": limit, "cursor": cursor})
        )

    def order_check(self, body: OrderCheck, *, idempotency_key: str) -> dict[str, Any]:
        """Order a remote check: 202 means that the order is committed, its state tells what came of
        it.

        `POST /api/qc/check-orders`, `checks:order`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/check-orders", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def show_order(self, order_id: str) -> dict[str, Any]:
        """One remote check and its result.

        `GET /api/qc/check-orders/{order_id}`, `checks:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/check-orders/{order_id}", places={"order_id": order_id})
        )

    def list_draws(self, *, limit: int | None = None, cursor: str | None = None) -> dict[str, Any]:
        """Lists of points and what was drawn from them, newest first.

        `GET /api/qc/check-draws`, `checks:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/check-draws", query={"limit": limit, "cursor": cursor})
        )

    def all_draws(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Any]:
        """Every item of `list_draws`, page after page. 逐页取出全部条目。

        `GET /api/qc/check-draws`, `checks:read`
        """
        return self._transport.pages(
            Call[Any]("GET", "/api/qc/check-draws", query={"limit": limit, "cursor": cursor})
        )

    def list_points(self, body: ListPoints, *, idempotency_key: str) -> dict[str, Any]:
        """Fix a list of points before the value that draws from it is published.

        `POST /api/qc/check-draws`, `checks:order`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST", "/api/qc/check-draws", headers={"Idempotency-Key": idempotency_key}, body=body
            )
        )

    def show_draw(self, draw_id: str) -> dict[str, Any]:
        """The list, its digest, the published value, what it drew, and the rule by which to recompute
        it.

        `GET /api/qc/check-draws/{draw_id}`, `checks:read`
        """
        return self._transport.send(
            Call[dict[str, Any]]("GET", "/api/qc/check-draws/{draw_id}", places={"draw_id": draw_id})
        )

    def draw_points(self, draw_id: str, body: DrawPoints, *, idempotency_key: str) -> dict[str, Any]:
        """Draw by the published value, and order the check at every point drawn.

        `POST /api/qc/check-draws/{draw_id}/draw`, `checks:order`
        """
        return self._transport.send(
            Call[dict[str, Any]](
                "POST",
                "/api/qc/check-draws/{draw_id}/draw",
                places={"draw_id": draw_id},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
            )
        )
