"""Runs a `.travis.yml` of one job as Travis does: its conditions (version 1), its phases, its rules for
deploying. What this runner does not know it refuses, so that nothing is passed over in silence.
"""

import os
import re
import subprocess

import yaml

KNOWN = {"version", "if", "os", "dist", "language", "rust", "services", "cache", "before_install", "install",
         "script", "deploy"}


def config(path):
    with open(path, encoding="utf-8") as file:
        # (`on` is a word here, not YAML's true.)
        loader = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}})
        found = yaml.load(file, loader)
    unknown = set(found) - KNOWN
    assert not unknown, f"this runner does not know {unknown}"
    return found


class Event:
    """What happened, as Travis tells it."""

    def __init__(self, type="push", branch="master", tag="", pull_request="false", fork=False, commit="c0ffee"):
        self.type, self.branch, self.tag, self.pull_request, self.fork = type, branch, tag, pull_request, fork
        self.commit = commit

    def environment(self):
        return {
            "TRAVIS": "true", "CI": "true", "TRAVIS_EVENT_TYPE": self.type, "TRAVIS_COMMIT": self.commit,
            # For a pull request the branch it is meant for, for a tag the tag.
            "TRAVIS_BRANCH": self.tag or self.branch, "TRAVIS_TAG": self.tag,
            "TRAVIS_PULL_REQUEST": self.pull_request,
            "TRAVIS_REPO_SLUG": "somebody/airline" if self.fork else "airline/airline",
        }


def holds(condition, event):
    """A condition of version 1: `=`, `!=`, `IN (…)`, `IS blank`, `IS present`, NOT, AND, OR, brackets."""
    tokens = re.findall(r"\(|\)|,|!=|=|[\w./-]+", condition)
    place = 0

    def peek():
        return tokens[place] if place < len(tokens) else None

    def take(expected=None):
        nonlocal place
        token = peek()
        assert token is not None and expected in (None, token), f"{condition}: {token}, expected {expected}"
        place += 1
        return token

    def value(name):
        known = {"type": event.type, "branch": event.branch, "tag": event.tag, "fork": str(event.fork).lower()}
        assert name in known, f"{condition}: {name} is not known"
        return known[name]

    def term():
        if peek() == "NOT":
            take()
            return not term()
        if peek() == "(":
            take()
            found = either()
            take(")")
            return found
        left, sign = value(take()), take()
        if sign in ("=", "!="):
            return (left == take()) == (sign == "=")
        if sign == "IS":
            return (left == "") == ({"blank": True, "present": False}[take()])
        assert sign == "IN", f"{condition}: {sign}"
        take("(")
        among = [take()]
        while peek() == ",":
            take()
            among.append(take())
        take(")")
        return left in among

    def both():
        found = term()
        while peek() == "AND":
            take()
            found = term() and found
        return found

    def either():
        found = both()
        while peek() == "OR":
            take()
            found = both() or found
        return found

    found = either()
    assert peek() is None, f"{condition}: {peek()} is too much"
    return found


def lines(value):
    return [] if value in (None, "true", True) else [value] if isinstance(value, str) else value


def run(path, event, environment, folder):
    """What becomes of a build: `not built`, `failed`, `errored` or `passed`; and whether it deployed."""
    travis = config(path)
    if not holds(travis.get("if", "type IN (push, pull_request)"), event):
        return "not built", False
    environment = {**os.environ, **environment, **event.environment()}

    def bash(line):
        return subprocess.run(["bash", "-c", line], cwd=folder, env=environment, check=False).returncode

    for phase in ("before_install", "install"):
        for line in lines(travis.get(phase)):
            if bash(line):
                return "errored", False
    # Each line is run, whatever became of the one before.
    if any([bash(line) for line in lines(travis["script"])]):
        return "failed", False
    deploy = travis.get("deploy")
    if not deploy or event.type == "pull_request":
        return "passed", False
    on = deploy.get("on", {})
    unknown = (set(deploy) - {"provider", "script", "on"}) | (set(on) - {"branch", "condition"})
    assert not unknown and deploy["provider"] == "script", f"this runner does not know {unknown}"
    if environment["TRAVIS_BRANCH"] != on.get("branch", "master"):
        return "passed", False
    if "condition" in on and bash(f"[[ {on['condition']} ]]"):
        return "passed", False
    return ("errored" if bash(deploy["script"]) else "passed"), True
