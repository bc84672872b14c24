#!/bin/sh
# Installs everything into the clone: .venv from the hashed locks, and the workspace itself, editable.
# Needs Python >= 3.11 only; no root, no compiler. Does nothing when nothing has changed since the last time.
set -eu
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }
refuse() { say "setup: $*"; exit 2; }

PYTHON=${PYTHON:-python3}
VENV=.venv
MEMBERS="services/contracts services/standards services/policy services/tlog services/kit services/ingest
 services/qc services/cases services/credit services/publish services/evidence gateway portal infra/issuer infra/local clients/python"

command -v "$PYTHON" >/dev/null || refuse "'$PYTHON' was not found; install Python 3.11 or later, or say PYTHON=/path/to/python"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  refuse "'$PYTHON' is $("$PYTHON" -V 2>&1); 3.11 or later is needed: say PYTHON=/path/to/python3.11"

# The folder is part of the stamp: a virtual environment cannot be moved.
stamp=$( { pwd; "$PYTHON" -V; cat locks/all.lock locks/bootstrap.lock infra/local/setup.sh infra/local/programs.sh
           for m in $MEMBERS; do cat "$m/pyproject.toml"; done; } | cksum)
if [ "$(cat "$VENV/.stamp" 2>/dev/null || true)" = "$stamp" ] && [ -x "$VENV/bin/jianzhen" ]; then
  exit 0
fi

free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 1500 ] || refuse "only $free MB are free here; 1,500 MB are needed. Free some space, or clone elsewhere"

begun=$(date +%s)
[ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null || rm -rf "$VENV"
if [ ! -x "$VENV/bin/python" ]; then
  # --without-pip also works where the distribution has split ensurepip off.
  "$PYTHON" -m venv --without-pip "$VENV" >&2 ||
    refuse "'$PYTHON -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv"
fi

. infra/local/programs.sh
ensure_uv || exit 2

say "setup: installing the packages of locks/all.lock into $VENV"
"$UV" pip install -q --python "$VENV/bin/python" --require-hashes -r locks/all.lock >&2
downloaded=$(date +%s)

editable=
for m in $MEMBERS; do editable="$editable -e ./$m"; done
# shellcheck disable=SC2086
"$UV" pip install -q --python "$VENV/bin/python" --no-deps --no-build-isolation $editable >&2

# Python compiles a module at its first import: once here, rather than in eight services that start at once.
"$VENV/bin/python" - <<'END' || say "setup: the packages cannot be imported; going on"
import cases.main, credit.main, evidence.main, gateway.main, ingest.main, issuer.main, jianzhen.main, kit.migrate, portal.main
import publish.main, qc.main
END

printf '%s\n' "$stamp" > "$VENV/.stamp"
say "setup: packages downloaded and unpacked in $((downloaded - begun)) s, workspace installed and compiled in $(($(date +%s) - downloaded)) s"
