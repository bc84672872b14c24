"""The realm's signing keys: kept under the state directory, rotated without a restart.

Promises: the newest key signs; older ones stay published for an hour after a rotation, so tokens they signed
stay good until they expire; a rotation by another process (`python -m issuer.main rotate`) is seen at once.
"""

import json
import time
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from issuer.credentials import write_private

KEPT_SECONDS = 3600


class Keyring:
    """RS256 keys in `<state>/keys.json` (0600), newest first."""

    def __init__(self, state: Path) -> None:
        self._path = state / "keys.json"
        self._stamp = -1
        self._keys: list[tuple[RSAKey, float | None]] = []
        if not self._path.exists():
            self.rotate()

    def rotate(self, *, drop_old: bool = False) -> str:
        """Makes a new signing key and returns its id. `drop_old` for a key that leaked."""
        now = time.time()
        fresh = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        old = [] if drop_old or not self._path.exists() else self._read()
        kept = [(key, retired_at or now) for key, retired_at in old]
        entries = [
            {"key": key.as_dict(private=True), "retired_at": retired_at}
            for key, retired_at in [(fresh, None), *kept]
            if retired_at is None or now - retired_at < KEPT_SECONDS
        ]
        write_private(self._path, json.dumps({"keys": entries}))
        return str(fresh.kid)

    @property
    def signing(self) -> RSAKey:
        return self._read()[0][0]

    def published(self) -> dict[str, Any]:
        """The JWKS: public halves only."""
        return {"keys": [key.as_dict(private=False) for key, _ in self._read()]}

    def find(self, kid: str | None) -> RSAKey | None:
        return next((key for key, _ in self._read() if key.kid == kid), None)

    def _read(self) -> list[tuple[RSAKey, float | None]]:
        stamp = self._path.stat().st_mtime_ns
        if stamp != self._stamp:
            entries = json.loads(self._path.read_text(encoding="utf-8"))["keys"]
            self._keys = [(RSAKey.import_key(entry["key"]), entry["retired_at"]) for entry in entries]
            self._stamp = stamp
        return self._keys
