#!/bin/sh
# The peers of `make bench` into .tools/peers, pinned by requirements.txt; nothing outside the clone.
set -eu
cd "$(dirname "$0")/../../.."
. infra/local/programs.sh
home=.tools/peers/venv
stamp=$(cksum < tests/bench/sensorthings/requirements.txt)
[ "$(cat "$home/.stamp" 2>/dev/null || true)" != "$stamp" ] || exit 0
ensure_uv
echo "bench: installing django-ogc-sensorthings into $home" >&2
rm -rf "$home"
.venv/bin/python -m venv --without-pip "$home"
"$UV" pip install -q --no-deps --python "$home/bin/python" -r tests/bench/sensorthings/requirements.txt >&2
printf '%s\n' "$stamp" > "$home/.stamp"
