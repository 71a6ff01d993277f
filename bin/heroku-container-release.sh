#!/usr/bin/env bash
# Releases the images that stand in Heroku's registry as `web` and `release`, waits for the release phase,
# looks whether the site answers, and goes back to the release before if it does not.
#
#   bin/heroku-container-release.sh [--dry-run] COMMIT
#
#   HEROKU_APP_NAME, HEROKU_API_KEY      the app, and a token for it (HEROKU_AUTH_TOKEN is taken, too)
#   HEROKU_API_URL, HEROKU_REGISTRY_URL  other hosts than Heroku's: by HTTPS, or on this machine
#   SMOKE_URL                            where the site is (the app's own address)
#   RELEASE_TIMEOUT, SMOKE_TIMEOUT       seconds to wait for the release phase (1200), for the site (120)
#   RELEASE_POLL                         seconds between two questions (5)
#
# Ends with 0 when the commit is live, 2 when a setting is missing or wrong, 10 when Heroku refuses, 11 when
# it does not answer, 20 when the release phase failed (what ran before runs on), 21 when the site did not
# come up and the release before is back, 22 when that did not come back either, 23 when time was up.
set +x -euo pipefail # no trace: it would show the token

end() {
  local status=$1
  shift
  echo "heroku-container-release: $*" >&2
  exit "$status"
}
say() { echo "-- $*"; }

dry=
if [ "${1:-}" = --dry-run ]; then
  dry=1
  shift
fi
commit=${1:-}
[ $# = 1 ] || end 2 "usage: bin/heroku-container-release.sh [--dry-run] COMMIT"
[[ $commit =~ ^[0-9a-f]{40}$ ]] || end 2 "COMMIT is \"$commit\": give it whole, in 40 hexadecimal digits"
app=${HEROKU_APP_NAME:-}
[[ $app =~ ^[a-z][a-z0-9-]+$ ]] || end 2 "HEROKU_APP_NAME is \"$app\", which is no name of an app"
token=${HEROKU_API_KEY:-${HEROKU_AUTH_TOKEN:-}}
[[ $token =~ ^[A-Za-z0-9._~+/=-]+$ ]] || end 2 "HEROKU_API_KEY is not set, or no token"
poll=${RELEASE_POLL:-5} release_timeout=${RELEASE_TIMEOUT:-1200} smoke_timeout=${SMOKE_TIMEOUT:-120}
[[ $poll =~ ^[0-9]+(\.[0-9]+)?$ ]] || end 2 "RELEASE_POLL is \"$poll\": give seconds, such as 5"
[[ $release_timeout =~ ^[0-9]+$ ]] || end 2 "RELEASE_TIMEOUT is \"$release_timeout\": give whole seconds, such as 1200"
[[ $smoke_timeout =~ ^[0-9]+$ ]] || end 2 "SMOKE_TIMEOUT is \"$smoke_timeout\": give whole seconds, such as 120"
for tool in curl jq; do
  command -v "$tool" >/dev/null || end 2 "$tool is missing: install it"
done

# The token goes to Heroku, or stays on this machine.
safe() {
  [[ $2 =~ ^https://[A-Za-z0-9.-]+(:[0-9]+)?$ || $2 =~ ^http://(127\.0\.0\.1|localhost)(:[0-9]+)?$ ]] \
    || end 2 "$1 is $2: it must begin with https:// and be an address without a path"
}
api=${HEROKU_API_URL:-https://api.heroku.com}
registry=${HEROKU_REGISTRY_URL:-https://registry.heroku.com}
safe HEROKU_API_URL "$api"
safe HEROKU_REGISTRY_URL "$registry"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

no_proxy=${no_proxy:-${NO_PROXY:-}},127.0.0.1,localhost
export no_proxy

# curl, told about secrets by standard input: arguments can be read by every program of the machine. It
# follows no redirect, reads no settings of the user's, and asks this machine without a proxy. What came is
# in $folder/answer, the status in $status.
fetch() {
  local authorization=$1
  shift
  status=$(printf 'header = "Authorization: %s"\n' "$authorization" \
    | curl --disable --config - --silent --show-error --max-time 60 --output "$folder/answer" --write-out '%{http_code}' "$@") \
    || status=000
}

# The same, again while the other side is ill; anything but success ends this script. Once something is on
# its way, it is worth more patience.
patience=5
under_way=
ask() {
  local try what=$1
  shift
  for ((try = 1; try <= patience; try++)); do
    fetch "$@"
    case $status in
      2??) return ;;
      000 | 429 | 5??)
        echo "heroku-container-release: $what: status $status, try $try" >&2
        sleep "$poll"
        ;;
      *) break ;;
    esac
  done
  local why
  why=$(jq -r '.message // .errors[0].message // empty' "$folder/answer" 2>/dev/null || true)
  case $status in
    000 | 429 | 5??) end 11 "$what: no answer that can be used (status $status) ${why}${under_way}" ;;
    401 | 403) end 10 "$what: the token is refused (status $status) ${why}" ;;
    *) end 10 "$what: refused (status $status) ${why}" ;;
  esac
}
heroku() {
  local what=$1 path=$2
  shift 2
  ask "$what" "Bearer $token" --header 'Accept: application/vnd.heroku+json; version=3.docker-releases' \
    --header 'Content-Type: application/json' "$@" "$api/apps/$app$path"
}
answer() { jq -er "$1" "$folder/answer" || end 10 "Heroku's answer has no $1"; }

# The id of an image is the digest of its configuration, as the registry knows it: what `docker inspect`
# calls its id is something else on newer engines.
image_of() {
  local basic
  basic=$(printf ':%s' "$token" | base64 -w 0)
  ask "the image $1" "Basic $basic" --header 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
    "$registry/v2/$app/$1/manifests/latest"
  image=$(jq -er 'select(.schemaVersion == 2) | .config.digest' "$folder/answer") \
    || end 10 "the image $1 is no Docker manifest of version 2, schema 2: build with --provenance=false --sbom=false"
}

# The newest release, and the newest that came through its phase: what runs.
newest_releases() {
  heroku "the newest releases" /releases --header 'Range: version ..; order=desc, max=50'
  release=$(jq -r '.[0].id // empty' "$folder/answer") || end 10 "Heroku's answer is no list of releases"
  running=$(jq -r 'map(select(.status == "succeeded"))[0].id // empty' "$folder/answer")
}

heroku "the app $app" ""
stack=$(answer '.stack.name // .build_stack.name')
[ "$stack" = container ] || end 10 "the app's stack is $stack: run \`heroku stack:set container --app $app\`"
site=$(jq -r '.web_url // empty' "$folder/answer")
site=${SMOKE_URL:-${site/#http:/https:}}
site=${site%/}
[ -n "$site" ] || end 2 "SMOKE_URL is not set, and the app has no address: where is the site?"
safe SMOKE_URL "$site"

image_of web
web=$image
image_of release
migration=$image
newest_releases
newest=$release before=$running

if [ -n "$dry" ]; then
  say "would release $commit to $app: web $web, release $migration"
  exit 0
fi

# Both in one request: with two, the first release would run the other's old image.
say "releasing $commit to $app: web $web, release $migration"
updates=$(jq -n --arg web "$web" --arg release "$migration" \
  '{updates: [{type: "web", docker_image: $web}, {type: "release", docker_image: $release}]}')
heroku "the release" /formation --request PATCH --data "$updates"
patience=100
under_way=" (the release is on its way, and nobody has looked whether the site came up)"
newest_releases

# Waits until a release is through its phase, and shows what that says, as it says it. The stream is not there
# at once, and needs no token. (Travis ends a job that is silent for ten minutes.)
wait_for() {
  local id=$1 begun=$SECONDS told=$SECONDS state stream reader="" shown=""
  show() { curl --silent --fail --no-buffer --max-time "$release_timeout" "$stream"; }
  while true; do
    heroku "the release $id" "/releases/$id"
    state=$(answer .status) || exit 10
    stream=$(jq -r '.output_stream_url // empty' "$folder/answer")
    if [ -n "$reader" ] && ! kill -0 "$reader" 2>/dev/null; then
      if wait "$reader"; then shown=1; fi
      reader=
    fi
    [ "$state" = pending ] || break
    if [ -n "$stream" ] && [ -z "$shown$reader" ]; then
      show &
      reader=$!
    fi
    [ $((SECONDS - begun)) -lt "$release_timeout" ] || end 23 "the release is still pending after $release_timeout seconds"
    if [ $((SECONDS - told)) -ge 60 ]; then
      told=$SECONDS
      say "the release phase runs for $((SECONDS - begun)) seconds"
    fi
    sleep "$poll"
  done
  if [ -n "$reader" ] && wait "$reader"; then shown=1; fi
  if [ -n "$stream" ] && [ -z "$shown" ]; then show || true; fi
  [ "$state" = succeeded ]
}

if [ "$release" = "$newest" ]; then
  say "$app runs these images already"
else
  wait_for "$release" || end 20 "the release phase failed; what ran before runs on"
fi

go_back() {
  heroku "the way back" /releases --request POST --data "$(jq -n --arg id "$before" '{release: $id}')"
  wait_for "$(answer .id)"
}

answers() {
  curl --silent --fail --max-time 30 --output /dev/null "$site/readyz" \
    && curl --silent --fail --max-time 30 "$site/version" | grep -qF -- "$commit"
}
begun=$SECONDS
until answers; do
  if [ $((SECONDS - begun)) -ge "$smoke_timeout" ]; then
    if [ "$release" = "$newest" ] || [ -z "$before" ]; then
      end 22 "$site does not answer as $commit, and there is no release before to go back to"
    fi
    say "$site does not answer as $commit: going back"
    # (In brackets, so that nothing on that way ends this script as something else. A new app's first
    # releases have no images: Heroku goes back to none of them.)
    (go_back) || end 22 "$site does not answer, and going back failed: look at \`heroku releases --app $app\`"
    end 21 "$site did not come up as $commit; the release before is back"
  fi
  sleep "$poll"
done
say "$commit is live at $site"
