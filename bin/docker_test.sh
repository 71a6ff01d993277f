#!/usr/bin/env bash
# Builds the images of a commit, runs the tests in one of them against compose's PostgreSQL, and brings the
# site up from nothing, as it is deployed. What this leaves behind are the images that were tested.
set -euo pipefail
cd "$(dirname "$0")/.."

REVISION=${TRAVIS_COMMIT:-$(git rev-parse HEAD)}
AIRLINE_TAG=${AIRLINE_TAG:-$REVISION}
COMPOSE_PROJECT_NAME=airline-test-${REVISION:0:12}
POSTGRES_PASSWORD=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
# Docker manifests without attestations, which is what Heroku's registry takes.
BUILDX_NO_DEFAULT_ATTESTATIONS=1
export REVISION AIRLINE_TAG COMPOSE_PROJECT_NAME POSTGRES_PASSWORD BUILDX_NO_DEFAULT_ATTESTATIONS
IFS=' ' read -r -a compose <<<"${COMPOSE:-docker compose}"

finish() {
  status=$?
  if [ $status != 0 ]; then "${compose[@]}" --profile test logs --no-color --tail 100 || true; fi
  "${compose[@]}" --profile test down --volumes --timeout 30 >/dev/null 2>&1 || true
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "== Images of $REVISION"
# One after the other: a builder without BuildKit would build what they share once for each.
for service in web migration test; do
  "${compose[@]}" build "$service"
done
echo "== Tests against compose's PostgreSQL"
"${compose[@]}" run --rm test
echo "== The site, from nothing"
"${compose[@]}" up --detach --wait --wait-timeout 120 web
port=$("${compose[@]}" port web 8000)
for path in readyz version; do
  curl --silent --show-error --fail --max-time 10 "http://$port/$path"
done
curl --silent --fail --max-time 10 "http://$port/version" | grep -qF "$REVISION"
"${compose[@]}" run --rm web airline showmigrations
echo "== All is well: airline:$AIRLINE_TAG, airline-release:$AIRLINE_TAG"
