"""The delivery's scripts, tried against recorded commands and a stand-in of Heroku; `.travis.yml`, tried
for each kind of event; and the Procfile, which must say what the images say."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import travis
from heroku import Heroku

ROOT = pathlib.Path(__file__).parents[2]
TOKEN = "HRKU-4f1e-not-to-be-seen"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

# Writes down what it is called with, and by standard input, and answers as told.
SHIM = """#!/bin/bash
printf '%s\\n' "$(basename "$0") $*" >>"$RECORD"
case "$(basename "$0") $*" in
  "docker login"*) printf 'stdin: %s\\n' "$(cat)" >>"$STDIN"; echo secret >"$DOCKER_CONFIG/config.json"; echo "$DOCKER_CONFIG" >"$RECORD.config"; exit "${LOGIN:-0}" ;;
  "docker image inspect"*) echo "${BUILT:-0123456789abcdef0123456789abcdef01234567}"; exit "${INSPECT:-0}" ;;
  "docker push"*) echo "${SAID:-pushed}" >&2; exit "${PUSH:-0}" ;;
  "git ls-remote"*)
    if [ -n "${NEWEST_THEN:-}" ] && grep -q "docker push" "$RECORD"; then NEWEST=$NEWEST_THEN; fi
    printf '%s\\trefs/heads/master\\n' "${NEWEST:-0123456789abcdef0123456789abcdef01234567}"; exit "${GIT:-0}" ;;
esac
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.shims = self.folder / "shims"
        self.shims.mkdir()
        for name in ("docker", "git"):
            (self.shims / name).write_text(SHIM)
            (self.shims / name).chmod(0o755)
        self.record = self.folder / "record"
        self.heroku = Heroku("flights", TOKEN)
        self.addCleanup(self.heroku.stop)
        self.heroku.images = {"web": "sha256:web1", "release": "sha256:release1"}
        self.site = Site(self)

    def environment(self, **more):
        return {
            "PATH": f"{self.shims}:{os.environ['PATH']}", "HOME": str(self.folder), "TMPDIR": str(self.folder),
            "RECORD": str(self.record), "STDIN": str(self.folder / "stdin"),
            "HEROKU_APP_NAME": "flights", "HEROKU_API_KEY": TOKEN, "HEROKU_API_URL": self.heroku.url,
            "HEROKU_REGISTRY_URL": self.heroku.url, "SMOKE_URL": self.site.url, "RELEASE_POLL": "0.05",
            "RELEASE_TIMEOUT": "5", "SMOKE_TIMEOUT": "1", "TRAVIS_BRANCH": "master", "TRAVIS_PULL_REQUEST": "false",
            "TRAVIS_TAG": "", "TRAVIS_COMMIT": COMMIT, "TRAVIS_EVENT_TYPE": "push", **more,
        }

    def run_script(self, *words, **more):
        environment = {name: value for name, value in self.environment(**more).items() if value is not None}
        done = subprocess.run(["bash", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
                              check=False)
        self.said = done.stdout + done.stderr
        return done.returncode

    def push(self, **more):
        return self.run_script("bin/docker_push.sh", **more)

    def release(self, *words, **more):
        return self.run_script("bin/heroku-container-release.sh", *(words or (COMMIT,)), **more)

    def called(self, word=""):
        record = self.record.read_text().splitlines() if self.record.exists() else []
        return [line for line in record if word in line]

    def patches(self):
        return [path for method, path, _ in self.heroku.asked if method == "PATCH"]

    # ── Pushing ──────────────────────────────────────────────────────────────────────────────

    def test_what_was_tested_is_pushed_and_released(self):
        self.assertEqual(self.push(), 0, self.said)
        self.assertEqual(self.called("docker push"), [
            "docker push registry.heroku.com/flights/web:latest",
            "docker push registry.heroku.com/flights/release:latest"])
        self.assertEqual(self.called("docker tag")[0], f"docker tag airline:{COMMIT} registry.heroku.com/flights/web:latest")
        self.assertEqual(self.patches(), ["/apps/flights/formation"])
        self.assertEqual(self.heroku.formation, {"web": "sha256:web1", "release": "sha256:release1"})
        self.assertIn(f"{COMMIT} is live", self.said)

    def test_nothing_is_deployed_from_elsewhere(self):
        for name, value, why in [
            ("TRAVIS_PULL_REQUEST", "7", "pull request"), ("TRAVIS_PULL_REQUEST", None, "no build of Travis"),
            ("TRAVIS_BRANCH", "feature", "the branch feature"), ("TRAVIS_BRANCH", None, "the branch ?"),
            ("TRAVIS_BRANCH", "", "the branch ?"), ("TRAVIS_TAG", "v1", "the tag v1"),
            ("TRAVIS_EVENT_TYPE", "cron", "for cron"), ("TRAVIS_EVENT_TYPE", None, "for ?"),
        ]:
            with self.subTest(name=name, value=value):
                self.assertEqual(self.push(**{name: value}), 3)
                self.assertIn(why, self.said)
                self.assertEqual(len(self.said.splitlines()), 1)
                self.assertEqual((self.called(), self.heroku.asked), ([], []))

    def test_a_missing_setting_is_one_line(self):
        for name in ("HEROKU_API_KEY", "HEROKU_APP_NAME", "TRAVIS_COMMIT"):
            with self.subTest(name=name):
                self.assertEqual(self.push(**{name: None}), 2)
                self.assertRegex(self.said, rf"^docker_push: {name} is not set[^\n]*\n$")
                self.assertEqual(self.called(), [])

    def test_images_of_another_commit_are_not_pushed(self):
        self.assertEqual(self.push(BUILT="other"), 4)
        self.assertEqual(self.push(INSPECT="1"), 4)
        self.assertEqual(self.called("docker login"), [])

    def test_a_newer_commit_is_left_to_its_own_build(self):
        self.assertEqual(self.push(NEWEST="f00d"), 0)
        self.assertIn("master is at f00d by now", self.said)
        self.assertEqual((self.called("docker login"), self.patches()), ([], []))
        self.assertEqual(self.push(NEWEST_THEN="f00d"), 0)
        self.assertIn("master is at f00d by now", self.said)
        self.assertEqual((len(self.called("docker push")), self.patches()), (2, []), "it came while this one was pushed")
        self.assertEqual(self.push(GIT="128"), 6)
        self.assertEqual(self.patches(), [])

    def test_a_push_that_fails_releases_nothing(self):
        self.assertEqual(self.push(PUSH="1"), 5)
        self.assertEqual(len(self.called("docker push")), 3, "it is tried three times")
        self.assertEqual(self.patches(), [])
        self.record.unlink()
        self.assertEqual(self.push(PUSH="1", SAID="error: unsupported"), 5)
        self.assertEqual(len(self.called("docker push")), 1, "this never becomes better")
        self.assertIn("--provenance=false", self.said)
        self.assertEqual(self.push(LOGIN="1"), 5)
        self.assertIn("refuses the token", self.said)

    def test_the_token_is_seen_by_nobody(self):
        for code in ({}, {"PUSH": "1"}, {"LOGIN": "1"}):
            self.run_script("-x", "bin/docker_push.sh", **code)
            self.assertNotIn(TOKEN, self.said, "in the log, not even in a trace")
            self.assertFalse([line for line in self.called() if TOKEN in line], "in no command's arguments")
            config = pathlib.Path((self.folder / "record.config").read_text().strip())
            self.assertFalse(config.exists(), "what docker keeps of a login is gone")
        self.assertIn(f"stdin: {TOKEN}", (self.folder / "stdin").read_text())
        left = [str(path) for path in self.folder.rglob("*") if path.is_file() and path.name != "stdin"
                and TOKEN in path.read_text(errors="replace")]
        self.assertEqual(left, [])

    # ── Releasing ────────────────────────────────────────────────────────────────────────────

    def test_curl_is_told_the_token_by_standard_input(self):
        curl = shutil.which("curl")
        (self.shims / "curl").write_text(f'#!/bin/bash\necho "curl $*" >>"$RECORD"\nexec {curl} "$@"\n')
        (self.shims / "curl").chmod(0o755)
        self.assertEqual(self.release(), 0, self.said)
        self.assertGreater(len(self.called("curl")), 5)
        basic = subprocess.run(["base64", "-w", "0"], input=f":{TOKEN}", capture_output=True, text=True, check=True).stdout
        self.assertFalse([line for line in self.called() if TOKEN in line or basic in line])

    def test_the_release_phase_is_waited_for_and_shown(self):
        self.assertEqual(self.release(), 0, self.said)
        self.assertIn("migrated by sha256:release1", self.said)
        self.assertEqual(self.release(), 0)
        self.assertIn("runs these images already", self.said)
        self.assertEqual(len(self.heroku.releases), 1)

    def test_nothing_is_changed_by_a_dry_run(self):
        self.assertEqual(self.release("--dry-run", COMMIT), 0)
        self.assertIn("would release", self.said)
        self.assertEqual(self.patches(), [])

    def test_a_release_phase_that_fails_leaves_what_runs(self):
        self.assertEqual(self.release(), 0)
        self.heroku.images = {"web": "sha256:web2", "release": "sha256:release2"}
        self.heroku.fail = True
        self.assertEqual(self.release(), 20)
        self.assertIn("the release was made to fail", self.said)
        self.assertIn("what ran before runs on", self.said)
        self.assertEqual(self.heroku.formation["web"], "sha256:web1")

    def test_a_site_that_does_not_come_up_is_taken_back(self):
        self.assertEqual(self.release(), 0)
        self.heroku.images = {"web": "sha256:web2", "release": "sha256:release2"}
        for fault in ("ready", "version"):
            with self.subTest(fault=fault):
                self.site.__dict__.update(ready=200, version=COMMIT)
                self.site.broken = {"sha256:web2": fault}
                self.assertEqual(self.release(), 21, self.said)
                self.assertIn("the release before is back", self.said)
                self.assertEqual(self.heroku.formation["web"], "sha256:web1")
        # A release that failed between is not what ran.
        self.heroku.images = {"web": "sha256:web3", "release": "sha256:release3"}
        self.heroku.fail = True
        self.assertEqual(self.release(), 20, self.said)
        self.heroku.fail = False
        self.heroku.images = {"web": "sha256:web2", "release": "sha256:release2"}
        self.assertEqual(self.release(), 21, self.said)
        self.assertEqual(self.heroku.formation["web"], "sha256:web1")
        # Where going back fails, too, that is told apart.
        self.site.fail_when_back = True
        self.assertEqual(self.release(), 22, self.said)

    def test_the_first_release_of_all_has_no_way_back(self):
        self.site.broken = {"sha256:web1": "ready"}
        self.assertEqual(self.release(), 22, self.said)
        self.assertIn("no release before", self.said)
        # What Heroku makes with a new app, and with each setting, came through, and holds no images.
        self.heroku.releases = [{"id": "made", "version": 1, "status": "succeeded", "description": "Set a setting", "images": {}}]
        self.heroku.formation = {}
        self.assertEqual(self.release(), 22, self.said)
        self.assertIn("Cannot roll back to a release that failed or has no images.", self.said)

    def test_an_api_that_is_ill_for_a_while_is_asked_again(self):
        self.heroku.down = 2
        self.assertEqual(self.release(), 0, self.said)
        self.heroku.down = 1000
        self.assertEqual(self.release(), 11)
        self.assertIn("The API is down.", self.said)

    def test_what_heroku_refuses_is_told(self):
        self.assertEqual(self.release(HEROKU_API_KEY="wrong"), 10)
        self.assertIn("the token is refused (status 401)", self.said)
        self.heroku.stack = "heroku-24"
        self.assertEqual(self.release(), 10)
        self.assertIn("heroku stack:set container", self.said)
        self.heroku.stack = "container"
        self.heroku.manifest = "application/vnd.oci.image.index.v1+json"
        self.assertEqual(self.release(), 10)
        self.assertIn("--provenance=false", self.said)
        self.heroku.images = {}
        self.assertEqual(self.release(), 10)
        self.assertIn("the image web", self.said)
        self.assertEqual(self.patches(), [])

    def test_where_the_site_is_must_be_known_before(self):
        for address in (None, " ", "http://flights.example.org", "https://flights.example.org/x"):
            self.assertEqual(self.release(SMOKE_URL=address), 2, address)
            self.assertIn("SMOKE_URL is", self.said)
        self.assertEqual(self.patches(), [])

    def test_once_a_release_is_on_its_way_an_ill_api_is_waited_for(self):
        self.site.broken = {"sha256:web2": "ready"}
        self.assertEqual(self.release(), 0, self.said)
        self.heroku.images = {"web": "sha256:web2", "release": "sha256:release2"}
        self.heroku.down_after_patch = 20
        self.assertEqual(self.release(), 21, self.said)
        self.heroku.down_after_patch = 1000
        self.assertEqual(self.release(), 11, self.said)
        self.assertIn("nobody has looked", self.said)

    def test_an_answer_that_is_none_is_no_failed_release(self):
        self.heroku.garbled = True
        self.assertEqual(self.release(), 10, self.said)
        self.assertNotIn("what ran before runs on", self.said)

    def test_a_release_that_hangs_ends_in_time(self):
        self.heroku.hang = True
        self.assertEqual(self.release(RELEASE_TIMEOUT="1"), 23, self.said)

    def test_the_token_goes_to_no_other_host(self):
        for name in ("HEROKU_API_URL", "HEROKU_REGISTRY_URL"):
            for address in ("http://api.heroku.com", "http://127.0.0.1.evil.example", "https://evil.example/x", "ftp://localhost",
                            "http://localhost@evil.example", "https://api.heroku.com\nhttp://x"):
                with self.subTest(name=name, address=address):
                    self.assertEqual(self.release(**{name: address}), 2)
                    self.assertIn(f"{name} is", self.said)
        other = Heroku("flights", TOKEN)
        self.addCleanup(other.stop)
        # Neither by a proxy, nor by a redirect, whatever curl is told at home.
        (self.folder / ".curlrc").write_text("location-trusted\n")
        self.assertEqual(self.release(http_proxy=other.url, all_proxy=other.url), 0, self.said)
        self.heroku.redirect = f"{other.url}/apps/flights"
        self.assertEqual(self.release(), 10)
        self.assertEqual(other.asked, [])

    def test_settings_are_checked(self):
        self.assertEqual(self.release(HEROKU_APP_NAME="../other"), 2)
        self.assertEqual(self.push(HEROKU_APP_NAME="flights/web:latest x"), 2)
        self.assertEqual(self.called(), [])
        self.assertEqual(self.release(HEROKU_API_KEY='x"\nurl = "http://evil.example'), 2)
        self.assertEqual(self.release("a", "b"), 2)
        for commit in ("a", "", f"{COMMIT}\n", COMMIT[1:], f"{COMMIT}0"):
            self.assertEqual(self.release(commit), 2, commit)
        self.assertEqual(self.push(HEROKU_REGISTRY="http://registry.heroku.com"), 2)
        self.assertEqual(self.called(), [])
        for name in ("RELEASE_POLL", "RELEASE_TIMEOUT", "SMOKE_TIMEOUT"):
            for value in ("2m", "-1", "x", "1 2"):
                self.assertEqual(self.release(**{name: value}), 2)
                self.assertIn(f"{name} is", self.said)
        self.assertEqual(self.heroku.asked, [])

    # ── Travis ───────────────────────────────────────────────────────────────────────────────

    def build(self, event, script=0, **secrets):
        """A build in a folder with the real script for deploying, and written-down ones before it."""
        folder = self.folder / "checkout"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True)
        for name, code in (("lint", 0), ("docker_test.sh", script)):
            (folder / "bin" / name).write_text(f'#!/bin/bash\necho {name}$HEROKU_API_KEY >>"$RECORD"\nexit {code}\n')
            (folder / "bin" / name).chmod(0o755)
        for name in ("docker_push.sh", "heroku-container-release.sh"):
            shutil.copy(ROOT / "bin" / name, folder / "bin" / name)
        (self.shims / "rustup").write_text("#!/bin/bash\n")
        (self.shims / "rustup").chmod(0o755)
        self.record.unlink(missing_ok=True)
        self.heroku.asked.clear()
        environment = self.environment()
        if event.fork or event.type == "pull_request":
            # Settings of a repository are not given to these.
            environment |= {"HEROKU_APP_NAME": "", "HEROKU_API_KEY": ""}
        became = travis.run(ROOT / ".travis.yml", event, environment, folder)
        # (What is built and tested is not told the token: its name would not be alone in its line.)
        steps = [line for line in self.called() if line.startswith(("lint", "docker_test.sh"))]
        return *became, steps, len(self.called("docker push")), len(self.patches())

    def test_what_travis_does_with_each_event(self):
        both = ["lint", "docker_test.sh"]
        Event = travis.Event
        table = [
            # event                                                        result      deploys  steps  pushes  releases
            (Event(commit=COMMIT), 0,                                      ("passed", True, both, 2, 1)),
            (Event(branch="feature", commit=COMMIT), 0,                    ("passed", False, both, 0, 0)),
            (Event(type="pull_request", pull_request="7", commit=COMMIT), 0, ("passed", False, both, 0, 0)),
            (Event(tag="v1", commit=COMMIT), 0,                            ("not built", False, [], 0, 0)),
            (Event(fork=True, commit=COMMIT), 0,                           ("passed", False, both, 0, 0)),
            (Event(commit=COMMIT), 1,                                      ("failed", False, both, 0, 0)),
        ]
        for event, script, expected in table:
            with self.subTest(event=vars(event), script=script):
                self.assertEqual(self.build(event, script), expected)
        # A release that fails makes the build red, and leaves what runs.
        self.heroku.fail = True
        self.heroku.images = {"web": "sha256:web2", "release": "sha256:release2"}
        self.assertEqual(self.build(Event(commit=COMMIT)), ("errored", True, both, 2, 1))
        self.assertEqual(self.heroku.formation["web"], "sha256:web1")

    def test_travis_keeps_no_secret_and_no_dead_key(self):
        text = (ROOT / ".travis.yml").read_text()
        self.assertNotRegex(text, r"skip_cleanup|secure:|api_key|encrypted")
        config = travis.config(ROOT / ".travis.yml")
        self.assertEqual((config["deploy"]["on"]["branch"], config["cache"]), ("master", "cargo"))

    # ── Files that must agree ────────────────────────────────────────────────────────────────

    def test_the_procfile_says_what_the_images_say(self):
        procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
        commands = {}
        for line in (ROOT / "Dockerfile").read_text().splitlines():
            if stage := re.match(r"FROM \S+ AS (\S+)", line):
                name = stage[1]
            elif line.startswith("CMD "):
                commands[name] = json.loads(line[4:])
        self.assertEqual(shlex.split(procfile["web"]), commands["runtime"])
        self.assertEqual(shlex.split(procfile["release"]), commands["release"])

    def test_every_setting_of_the_scripts_is_documented(self):
        guide = (ROOT / "docs/DEPLOYING.md").read_text()
        for script in ("docker_push.sh", "heroku-container-release.sh"):
            head = (ROOT / "bin" / script).read_text().split("set +x")[0]
            for name in re.findall(r"\b(?:HEROKU|RELEASE|SMOKE|AIRLINE)_[A-Z_]+", head):
                self.assertIn(name, guide)


class Site:
    """What the router would answer: as the image that is released, and its faults."""

    def __init__(self, case):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        import threading
        site = self
        site.broken, site.fail_when_back = {}, False

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                fault = site.broken.get(case.heroku.formation.get("web"))
                if site.fail_when_back and fault:
                    case.heroku.fail = True
                body = f"airline 0.1.0 {'old' if fault == 'version' else COMMIT}\n".encode()
                self.send_response(503 if fault == "ready" and self.path == "/readyz" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"


if __name__ == "__main__":
    unittest.main()
