"""Operations of qc registers proficiency. Made by `make docs`: do not edit."""

from collections.abc import Iterator
from typing import Any, Literal

from jianzhen_client.models.qc import BringRecordsProficiencyBody
from jianzhen_client.transport import Call, Group


class QcRegistersProficiency(Group):
    """Operations of qc registers proficiency; see `Client`."""

    def list_records_proficiency(
        self,
        kind: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        about: str | None = None,
        flag: str | None = None,
    ) -> Any:
        """Records by code; csv gives the same page as a table 台账列表（可导出 CSV）。 Kinds 类别：
        pt-rounds 能力验证和区域质控轮次、pt-values 能力验证指定值（不向参加者公开）、pt-results 能
        力验证结果、operator-scores 运维第三方比对考核、result-comparisons 部门间结果可比性、
        same-points 同一监测点位（多部门测站）、qc-activities 质控活动

        `GET /api/qc/registers/proficiency/{kind}`, `proficiency:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/qc/registers/proficiency/{kind}",
                places={"kind": kind},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "about": about,
                    "flag": flag,
                },
            )
        )

    def all_records_proficiency(
        self,
        kind: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        format: Literal["json", "csv"] | None = None,
        site: str | None = None,
        uscc: str | None = None,
        about: str | None = None,
        flag: str | None = None,
    ) -> Iterator[Any]:
        """Every item of `list_records_proficiency`, page after page. 逐页取出全部条目。

        `GET /api/qc/registers/proficiency/{kind}`, `proficiency:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/registers/proficiency/{kind}",
                places={"kind": kind},
                query={
                    "limit": limit,
                    "cursor": cursor,
                    "format": format,
                    "site": site,
                    "uscc": uscc,
                    "about": about,
                    "flag": flag,
                },
            )
        )

    def bring_records_proficiency(
        self,
        kind: str,
        body: BringRecordsProficiencyBody | bytes | str,
        *,
        validate: Literal["only"] | None = None,
        idempotency_key: str | None = None,
        media: str = "application/json",
    ) -> Any:
        """Enter a file (CSV, XLSX, JSON rows) of records: all or nothing 批量导入台账。 Kinds 类别：
        pt-rounds 能力验证和区域质控轮次、pt-values 能力验证指定值（不向参加者公开）、pt-results 能
        力验证结果、operator-scores 运维第三方比对考核、result-comparisons 部门间结果可比性、
        same-points 同一监测点位（多部门测站）、qc-activities 质控活动

        `POST /api/qc/registers/proficiency/{kind}`, `proficiency:write`
        """
        return self._transport.send(
            Call[Any](
                "POST",
                "/api/qc/registers/proficiency/{kind}",
                places={"kind": kind},
                query={"validate": validate},
                headers={"Idempotency-Key": idempotency_key},
                body=body,
                media=media,
            )
        )

    def show_record_proficiency(self, kind: str, code: str) -> Any:
        """One record; its version is the ETag 单条记录，版本号在 ETag。 Kinds 类别：pt-rounds 能力验证
        和区域质控轮次、pt-values 能力验证指定值（不向参加者公开）、pt-results 能力验证结果、
        operator-scores 运维第三方比对考核、result-comparisons 部门间结果可比性、same-points 同一监
        测点位（多部门测站）、qc-activities 质控活动

        `GET /api/qc/registers/proficiency/{kind}/{code}`, `proficiency:read`
        """
        return self._transport.send(
            Call[Any](
                "GET", "/api/qc/registers/proficiency/{kind}/{code}", places={"kind": kind, "code": code}
            )
        )

    def put_record_proficiency(
        self, kind: str, code: str, body: dict[str, Any], *, if_match: str | None = None
    ) -> Any:
        """Enter or change a record; the same again changes nothing; changing wants If-Match 登记修改。
        Kinds 类别：pt-rounds 能力验证和区域质控轮次、pt-values 能力验证指定值（不向参加者公开）、
        pt-results 能力验证结果、operator-scores 运维第三方比对考核、result-comparisons 部门间结果可
        比性、same-points 同一监测点位（多部门测站）、qc-activities 质控活动

        `PUT /api/qc/registers/proficiency/{kind}/{code}`, `proficiency:write`
        """
        return self._transport.send(
            Call[Any](
                "PUT",
                "/api/qc/registers/proficiency/{kind}/{code}",
                places={"kind": kind, "code": code},
                headers={"If-Match": if_match},
                body=body,
            )
        )

    def list_history_proficiency(
        self, kind: str, code: str, *, limit: int | None = None, cursor: int | None = None
    ) -> Any:
        """Every version of a record and who made it, oldest first 历次版本及修改人。 Kinds 类别：
        pt-rounds 能力验证和区域质控轮次、pt-values 能力验证指定值（不向参加者公开）、pt-results 能
        力验证结果、operator-scores 运维第三方比对考核、result-comparisons 部门间结果可比性、
        same-points 同一监测点位（多部门测站）、qc-activities 质控活动

        `GET /api/qc/registers/proficiency/{kind}/{code}/history`, `proficiency:read`
        """
        return self._transport.send(
            Call[Any](
                "GET",
                "/api/qc/registers/proficiency/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )

    def all_history_proficiency(
        self, kind: str, code: str, *, limit: int | None = None, cursor: int | None = None
    ) -> Iterator[Any]:
        """Every item of `list_history_proficiency`, page after page. 逐页取出全部条目。

        `GET /api/qc/registers/proficiency/{kind}/{code}/history`, `proficiency:read`
        """
        return self._transport.pages(
            Call[Any](
                "GET",
                "/api/qc/registers/proficiency/{kind}/{code}/history",
                places={"kind": kind, "code": code},
                query={"limit": limit, "cursor": cursor},
            )
        )
