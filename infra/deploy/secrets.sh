#!/bin/sh
# Makes what nobody else may know, once: passwords, the master key, the environment of each part.
# Usage: secrets.sh DIR [NATS [POSTGRES]], both HOST:PORT; those of compose.yaml if not given.
set -eu
umask 077

dir=${1:?usage: secrets.sh DIR [NATS [POSTGRES]]}
nats=${2:-nats:4222}
postgres=${3:-postgres:5432}
if [ -e "$dir/setup.env" ]; then
  echo "✖ $dir has secrets already → whoever makes new ones can read nothing of the old log" >&2
  exit 1
fi
mkdir -p "$dir"

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
# Begins with a letter: nats-server would take what looks like a number for one.
password() { echo "p$(random 24)"; }
of_nats() { sed -n "s/^$1=//p" "$dir/nats.env"; }
of_postgres() { sed -n "s/^$1=//p" "$dir/postgres.env"; }

for user in almanac_backup almanac_gateway almanac_owner almanac_projector almanac_scheduler \
  almanac_worker analyst; do
  echo "$user=$(password)"
done > "$dir/nats.env"
{
  echo "POSTGRES_PASSWORD=$(password)"
  for role in almanac_auditor almanac_gateway almanac_owner almanac_projector almanac_scheduler \
    almanac_worker analyst; do
    echo "$role=$(password)"
  done
} > "$dir/postgres.env"

# Only the gateway and setup open the vault; the key of the others opens nothing.
master_key=$(random 32)
# FILE, user of NATS, role of Postgres, key
environment() {
  {
    echo "ALMANAC__NATS__URL=nats://$2:$(of_nats "$2")@$nats"
    echo "ALMANAC__POSTGRES__URL=postgres://$3:$(of_postgres "$3")@$postgres/almanac"
    echo "ALMANAC__SECRETS__MASTER_KEY=$4"
  } > "$dir/$1"
}
environment gateway.env almanac_gateway almanac_gateway "$master_key"
environment projector.env almanac_projector almanac_projector "$(random 32)"
environment scheduler.env almanac_scheduler almanac_scheduler "$(random 32)"
environment auditor.env analyst almanac_auditor "$(random 32)"
# A worker asks Postgres for reports and exports only; else it is told where it is, and no password.
environment worker.env almanac_worker almanac_worker "$(random 32)"
sed -i "s#^ALMANAC__POSTGRES__URL=\(.*\)#ALMANAC__WORKER__POSTGRES_URL=\1\\
ALMANAC__POSTGRES__URL=postgres://$postgres/almanac#" "$dir/worker.env"
environment setup.env almanac_owner almanac_owner "$master_key"
{
  echo "ALMANAC_ADMIN_EMAIL=admin@almanac.internal"
  echo "ALMANAC_ADMIN_PASSWORD=$(password)"
} >> "$dir/setup.env"
echo "✔ $dir: keep a copy of setup.env elsewhere; without its master key the vault cannot be read"
