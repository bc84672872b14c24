"""What a verification found wrong, in words for whoever has to judge it: Chinese and English.

Promises: every reason has both texts. Leaves to others: finding.
"""

from dataclasses import dataclass

TEXTS = {
    "form": ("格式不符,不是按规定书写的文件", "it is not written as this kind of file must be"),
    "raw": ("原始报文与回执不符,内容已被改动", "the raw bytes are not those that were received"),
    "checkpoint": ("检查点签名无效", "the checkpoint is not what the log signed"),
    "log": ("不属于所信任的日志", "it belongs to another log than the trusted one"),
    "quorum": ("见证方联署不足或无效", "not enough trusted witnesses vouch for the checkpoint"),
    "proof": ("存证路径不能导出检查点的根,记录、随机数、序号或路径已被改动",
              "the proof does not lead to the checkpoint's root: record, nonce, index or proof was changed"),
    "fork": ("同一大小存在两个不同的已签名检查点,日志已分叉",
             "two signed checkpoints of one size differ: the log is forked"),
    "consistency": ("不能证明新检查点包含旧检查点的全部内容",
                    "the newer checkpoint is not proved to contain the older one"),
    "zip": ("压缩包损坏或含有不允许的内容", "the archive is damaged or holds what it must not"),
    "manifest": ("清单缺失或格式不符", "the manifest is missing or is none"),
    "changed": ("成员文件与清单不符", "the member is not what the manifest says"),
    "absent": ("清单所列文件缺失", "the manifest names a member that is missing"),
    "unlisted": ("文件不在清单内", "the member is not in the manifest"),
    "submission": ("报送记录与回执不符", "the row of the submission and its receipt disagree"),
    "unproved": ("该报送尚无存证回执", "the submission has no receipt"),
    "orphan": ("数据所引用的报送或数值不在包内", "a row refers to what is not in the bundle"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: a reason of TEXTS, the file or member, and a detail in plain English."""

    reason: str
    where: str
    detail: str = ""

    @property
    def shown(self) -> dict[str, str]:
        """For JSON: reason, where, zh, en, detail."""
        zh, en = TEXTS[self.reason]
        return {"reason": self.reason, "where": self.where, "zh": zh, "en": en, "detail": self.detail}

    @property
    def line(self) -> str:
        """For eyes."""
        zh, en = TEXTS[self.reason]
        return f"{self.where}: {zh} · {en}" + (f" ({self.detail})" if self.detail else "")
