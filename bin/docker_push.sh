#!/usr/bin/env bash
# Pushes the images of the commit under test to Heroku's registry and has them released: on master, never
# for a pull request or a tag. `.travis.yml` says the same; here it is checked once more.
#
#   HEROKU_APP_NAME, HEROKU_API_KEY   the app, and a token for it (HEROKU_AUTH_TOKEN is taken, too)
#   HEROKU_REGISTRY                   another registry (registry.heroku.com)
#   AIRLINE_TAG                       the tag of the images that were tested (the commit)
#
# Ends with 0 when it is done or a newer commit is on its way, 2 when a setting is missing, 3 where nothing
# is deployed from, 4 when the images are not those of the commit, 5 when the registry refuses, 6 when the
# repository does not tell its newest commit; or as bin/heroku-container-release.sh does.
set +x -euo pipefail # no trace: it would show the token
cd "$(dirname "$0")/.."

end() {
  local status=$1
  shift
  echo "docker_push: $*" >&2
  exit "$status"
}

[ "${TRAVIS_PULL_REQUEST:-}" = false ] || end 3 "this is a pull request, or no build of Travis: nothing is deployed"
[ "${TRAVIS_EVENT_TYPE:-}" = push ] || end 3 "this build is for ${TRAVIS_EVENT_TYPE:-?}: deployed is a push only"
[ -z "${TRAVIS_TAG:-}" ] || end 3 "this is the tag $TRAVIS_TAG: deployed is the branch master only"
[ "${TRAVIS_BRANCH:-}" = master ] || end 3 "this is the branch ${TRAVIS_BRANCH:-?}: deployed is master only"
commit=${TRAVIS_COMMIT:-}
[ -n "$commit" ] || end 2 "TRAVIS_COMMIT is not set"
app=${HEROKU_APP_NAME:-}
[ -n "$app" ] || end 2 "HEROKU_APP_NAME is not set: say which app, in the repository's settings on Travis"
[[ $app =~ ^[a-z][a-z0-9-]+$ ]] || end 2 "HEROKU_APP_NAME is \"$app\", which is no name of an app"
token=${HEROKU_API_KEY:-${HEROKU_AUTH_TOKEN:-}}
[ -n "$token" ] || end 2 "HEROKU_API_KEY is not set: make a token by \`heroku authorizations:create\`"
registry=${HEROKU_REGISTRY:-registry.heroku.com}
[[ $registry =~ ^[A-Za-z0-9.-]+(:[0-9]+)?$ ]] || end 2 "HEROKU_REGISTRY is \"$registry\": give a host, such as registry.heroku.com"
tag=${AIRLINE_TAG:-$commit}

# What was tested is what is pushed.
revision='{{index .Config.Labels "org.opencontainers.image.revision"}}'
for image in "airline:$tag" "airline-release:$tag"; do
  built=$(docker image inspect --format "$revision" "$image" 2>/dev/null) \
    || end 4 "the image $image is not here: bin/docker_test.sh builds and tests it"
  [ "$built" = "$commit" ] || end 4 "the image $image was built from ${built:-?}, not from $commit"
done

# A commit that came later is tested and deployed by its own build.
end_if_overtaken() {
  local newest
  newest=$(GIT_TERMINAL_PROMPT=0 git ls-remote --exit-code origin refs/heads/master | cut -f 1) \
    || end 6 "the repository does not tell where master is: nothing is deployed that may be old"
  [ "$newest" = "$commit" ] || end 0 "master is at $newest by now: its own build deploys it"
}
end_if_overtaken

DOCKER_CONFIG=$(mktemp -d)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
printf '%s' "$token" | docker login --username=_ --password-stdin "$registry" >/dev/null \
  || end 5 "$registry refuses the token"

push() {
  local image=$1 try
  for try in 1 2 3; do
    docker push "$image" 2>&1 | tee "$DOCKER_CONFIG/said" && return
    if grep -qi 'unsupported' "$DOCKER_CONFIG/said"; then break; fi
    echo "docker_push: try $try failed" >&2
    sleep "${RELEASE_POLL:-5}"
  done
  end 5 "$image could not be pushed. If it is unsupported: Heroku takes Docker's manifests (v2, schema 2), no OCI; build with --provenance=false --sbom=false"
}
for pair in airline:web airline-release:release; do
  image=$registry/$app/${pair#*:}:latest
  docker tag "${pair%:*}:$tag" "$image" || end 4 "the image ${pair%:*}:$tag cannot be named $image"
  push "$image"
done

end_if_overtaken
bin/heroku-container-release.sh "$commit"
