"""The settings of `evidence`: the log's name and key, where its files are, who witnesses it.

Leaves to `rules` how long the quorum may be missing: that is dated data.
"""

import base64
from typing import Self

from kit.settings import ServiceSettings
from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict
from tlog import ed25519, note
from tlog.cosignature import COSIGNATURE

SEED_BYTES = 32


class Witness(BaseModel):
    """Another department's witness: `url` is its submission prefix, `key` its public `name+id+base64`."""

    url: str
    key: str


class Settings(ServiceSettings):
    """`key` is base64 of the 32-byte Ed25519 seed; `store` a folder, or `s3://bucket/prefix`.

    `quorum` is 2 from three witnesses on unless told otherwise, and 0 with fewer.
    """

    model_config = SettingsConfigDict(env_prefix="EVIDENCE_", env_nested_delimiter="__", frozen=True)

    origin: str = "jianzhen.local/log"
    region: str = "100000"
    key: SecretStr
    store: str
    witnesses: tuple[Witness, ...] = ()
    quorum: int | None = Field(default=None, ge=0)
    checkpoint_seconds: float = Field(default=0.2, gt=0, le=10)
    witness_seconds: float = Field(default=1.0, gt=0)
    witness_pause_seconds: float = Field(default=10.0, ge=0)

    @property
    def seed(self) -> bytes:
        """The private half of the log's key."""
        return base64.b64decode(self.key.get_secret_value(), validate=True)

    @property
    def log_key(self) -> note.Key:
        """The public half, under the log's name."""
        return ed25519.signer(self.seed, self.origin)[0]

    @property
    def witness_keys(self) -> dict[str, note.Key]:
        """The witnesses' public keys by name."""
        keys = [note.parse_key(witness.key) for witness in self.witnesses]
        return {key.name: key for key in keys}

    @property
    def needed(self) -> int:
        """How many witnesses make the quorum."""
        return self.quorum if self.quorum is not None else 2 if len(self.witnesses) >= 3 else 0

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if len(self.seed) != SEED_BYTES:
            raise ValueError("key: base64 of 32 bytes is needed")
        note.checked_name(self.origin)
        keys = self.witness_keys
        if len(keys) != len(self.witnesses) or any(key.kind != COSIGNATURE for key in keys.values()):
            raise ValueError("witnesses: each needs a name and a cosignature key (kind 4) of its own")
        if self.needed > len(keys):
            raise ValueError(f"quorum: {self.needed} of {len(keys)} witnesses cannot be reached")
        return self
