#!/bin/sh
# Fetches the portal's own npm packages (exact pins, no addresses in the lock) and copies what it serves.
# Where npm is absent, node comes from a wheel into .tools/node. Does nothing when nothing has changed.
set -eu
cd "$(dirname "$0")/../.."
[ -f portal/package.json ] || exit 0
stamp=$(cat portal/package.json portal/package-lock.json infra/local/assets.sh | cksum)
[ "$(cat portal/node_modules/.stamp 2>/dev/null || true)" = "$stamp" ] && exit 0

. infra/local/programs.sh
ensure_npm
begun=$(date +%s)
(cd portal && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && npm run --if-present build >&2)
printf '%s\n' "$stamp" > portal/node_modules/.stamp
echo "assets: npm packages installed in $(($(date +%s) - begun)) s" >&2
