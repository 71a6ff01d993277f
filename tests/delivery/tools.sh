# shellcheck shell=bash
# Sourced by bin/lint and bin/test-delivery: linters, compose and what drives the tests of the delivery, from
# PyPI, pinned with hashes.
tools=$PWD/target/delivery-tools
if ! cmp -s tests/delivery/requirements.txt "$tools/requirements.txt"; then
  printf '\n== %s\n' "Installing the tools of the delivery"
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement tests/delivery/requirements.txt
  cp tests/delivery/requirements.txt "$tools/"
fi
