#!/bin/sh
# Copies the log into a folder, from which `almanac events import` makes the same log again, and
# proves the copy. Run again on the same folder it goes on where it was.
# Usage: backup.sh DIR, with the environment of auditor.env and ALMANAC_CONFIG if the configuration
# is not /etc/almanac/almanac.toml.
set -eu
umask 077

dir=${1:?usage: backup.sh DIR}
config=${ALMANAC_CONFIG:-/etc/almanac/almanac.toml}
copy="$dir/$(date -u +%Y-%m-%d)"
mkdir -p "$copy"

almanac events export --out "$copy/log" --config "$config"
almanac events check "$copy/log" --against-log --config "$config"

# The vault is no part of the log, and none of Almanac's users may copy it whole: this wants the
# tool `nats` and a user who looks after the server.
if [ -n "${ALMANAC_VAULT_URL:-}" ]; then
  nats --server "$ALMANAC_VAULT_URL" stream backup KV_vault "$copy/vault"
else
  echo "! the vault was not copied: without it nobody can sign in → set ALMANAC_VAULT_URL" >&2
fi
echo "✔ $copy (the master key is not in it; keep it elsewhere)"
