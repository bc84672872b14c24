#!/bin/sh
# The peers of `jianzhen qc bench` into .tools/peers/qc, pinned by requirements.txt; nothing outside the clone.
set -eu
cd "$(dirname "$0")/../../.."
. infra/local/programs.sh
home=.tools/peers/qc
stamp=$(cksum < tests/bench/qc_peers/requirements.txt)
[ "$(cat "$home/.stamp" 2>/dev/null || true)" != "$stamp" ] || exit 0
ensure_uv
echo "bench: installing SaQC, ioos_qc, tsod and scikit-learn into $home" >&2
rm -rf "$home"
.venv/bin/python -m venv --without-pip "$home"
"$UV" pip install -q --no-deps --python "$home/bin/python" -r tests/bench/qc_peers/requirements.txt >&2
printf '%s\n' "$stamp" > "$home/.stamp"
