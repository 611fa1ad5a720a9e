#!/bin/sh
# The roles that Almanac's parts sign in as, and its database; run once, by whoever makes the
# cluster. What each may read and write is granted by `almanac setup`.
set -eu

# The password of a role is in the environment under its name.
for role in almanac_auditor almanac_gateway almanac_owner almanac_projector almanac_scheduler \
  almanac_worker analyst; do
  eval "password=\$$role"
  psql --set ON_ERROR_STOP=1 --set role="$role" --set password="$password" --dbname postgres <<'SQL'
create role :"role" login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'password';
SQL
done
psql --set ON_ERROR_STOP=1 --dbname postgres <<'SQL'
create database almanac owner almanac_owner;
revoke all on database postgres, template1 from public;
SQL
