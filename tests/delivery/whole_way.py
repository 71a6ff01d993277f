"""From a push to a release, for real: see bin/test-delivery, which makes the machine for it. The tests go
on from each other, in the order of their numbers."""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest
import urllib.parse

import travis
from heroku import Heroku
from machine import Dynos, Machine, docker, wait

ROOT = pathlib.Path(__file__).parents[2]
TOKEN = "HRKU-whole-way"
# The previous release is the last tag before this commit; as long as there is none, this commit.
FIRST_RELEASE = "1278bf0"


def git(*words, cwd):
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


def get(address, path="/", headers=None, body=None):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET" if body is None else "POST", path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def listens(address, port):
    try:
        socket.create_connection((address, port), timeout=5).close()
        return True
    except OSError:
        return False


class Way(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(os.environ["DELIVERY_FOLDER"])
        cls.machine = Machine(cls.folder)
        cls.machine.bases()
        # What is pushed: this tree, as a repository with a branch master.
        cls.origin, cls.checkout = cls.folder / "origin", cls.folder / "checkout"
        shutil.copytree(ROOT, cls.origin, ignore=shutil.ignore_patterns("target", "node_modules", ".git"))
        git("init", "--quiet", "--initial-branch", "master", cwd=cls.origin)
        cls.commit = cls.commit_all("The tree under test")
        git("clone", "--quiet", str(cls.origin), str(cls.checkout), cwd=cls.folder)
        cls.registry_port, cls.registry = cls.machine.registry()
        # Heroku's database: by TLS only, with a certificate of its own, and twenty connections.
        docker("run", "--detach", "--name", "heroku-db", "--env", "POSTGRES_USER=u", "--env", "POSTGRES_DB=d",
               "--env", "POSTGRES_PASSWORD=p%40ss", "postgres:17-trixie", "postgres", "-c", "ssl=on",
               "-c", "ssl_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem", "-c", "ssl_key_file=/etc/ssl/private/ssl-cert-snakeoil.key")
        ip = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "heroku-db")
        cls.dynos = Dynos(f"postgres://u:p%2540ss@{ip}:5432/d")
        wait("Heroku's database", lambda: docker("exec", "heroku-db", "pg_isready", "-h", "127.0.0.1", check=False).returncode == 0)
        docker("exec", "heroku-db", "psql", "-h", "/run/postgresql", "-U", "u", "d", "-c", "ALTER ROLE u CONNECTION LIMIT 20")
        cls.heroku = Heroku("flights", TOKEN, cls.dynos, cls.registry_port)
        cls.environment = {
            "COMPOSE": "docker-compose", "HEROKU_APP_NAME": "flights", "HEROKU_API_KEY": TOKEN,
            "HEROKU_API_URL": cls.heroku.url, "HEROKU_REGISTRY_URL": cls.heroku.url,
            "HEROKU_REGISTRY": f"127.0.0.1:{cls.heroku.port}", "SMOKE_URL": cls.dynos.url, "RELEASE_POLL": "0.5",
            "RELEASE_TIMEOUT": "120", "SMOKE_TIMEOUT": "20",
        }

    @classmethod
    def tearDownClass(cls):
        cls.heroku.stop()
        cls.registry.terminate()
        cls.registry.wait()
        for name, seconds in cls.machine.timings:
            print(f"{name}: {seconds:.0f} s")

    @classmethod
    def commit_all(cls, message):
        git("add", "--all", cwd=cls.origin)
        git("-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "--quiet", "--allow-empty",
            "--message", message, cwd=cls.origin)
        return git("rev-parse", "HEAD", cwd=cls.origin)

    def push(self, tested=False):
        """What Travis does with the newest commit; where its images were tested before, it only deploys them.
        (What bin/lint sees, bin/test has seen.)"""
        git("fetch", "--quiet", "origin", cwd=self.checkout)
        git("checkout", "--quiet", "--force", "origin/master", cwd=self.checkout)
        for script in ["lint", "docker_test.sh"] if tested else ["lint"]:
            (self.checkout / "bin" / script).write_text("#!/bin/sh\n")
        shims = self.folder / "shims"
        shims.mkdir(exist_ok=True)
        (shims / "rustup").write_text("#!/bin/sh\n")
        (shims / "rustup").chmod(0o755)
        commit = git("rev-parse", "HEAD", cwd=self.checkout)
        environment = {**self.environment, "PATH": f"{shims}:{os.environ['PATH']}"}
        begun = time.monotonic()
        became = travis.run(self.checkout / ".travis.yml", travis.Event(commit=commit), environment, self.checkout)
        self.machine.timings.append((f"a build of {commit[:8]}", time.monotonic() - begun))
        return became

    def site(self, path="/"):
        return get(self.dynos.url.removeprefix("http://"), path)

    # ── From a push to a release ─────────────────────────────────────────────────────────────

    def test_1_a_push_to_master_is_built_tested_and_live(self):
        self.assertEqual(self.push(), ("passed", True))
        status, text, headers = self.site("/version")
        self.assertEqual((status, text.split()[-1]), (200, self.commit))
        self.assertEqual(self.site("/readyz")[0], 200)
        self.assertEqual([release["status"] for release in self.heroku.releases], ["succeeded"])
        self.assertIn("0001", self.heroku.logs["release-1"], "the log of the migration")
        # As Heroku's router says it: HTTPS, and who asks.
        self.assertIn("Strict-Transport-Security", headers)
        cookie = self.site("/admin/login/")[2]["Set-Cookie"]
        self.assertTrue(cookie.startswith("__Host-") and "Secure" in cookie, cookie)

    def test_2_the_image(self):
        image = json.loads(docker("image", "inspect", f"airline:{self.commit}"))[0]
        self.assertLess(image["Size"], 100_000_000)
        config = image["Config"]
        self.assertEqual((config["User"], config["Entrypoint"], config["Cmd"]),
                         ("10001:10001", ["/usr/bin/env"], ["airline", "serve"]))
        self.assertEqual(config["Labels"]["org.opencontainers.image.revision"], self.commit)
        released = json.loads(docker("image", "inspect", f"airline-release:{self.commit}"))[0]
        self.assertEqual(released["Config"]["Cmd"], ["airline", "migrate", "--wait", "60"])
        docker("run", "--rm", f"airline-release:{self.commit}", "curl", "--version")
        # Nothing but the program and what it runs with: no shell, no source, nothing private.
        files = subprocess.run(f"docker create --name look airline:{self.commit} >/dev/null && docker export look | tar -t; docker rm look >/dev/null",
                               shell=True, capture_output=True, text=True, check=True).stdout.split()
        programs = [name for name in files if name.startswith(("usr/bin/", "bin/")) and not name.endswith("/")]
        self.assertEqual(sorted(programs), ["usr/bin/airline", "usr/bin/env"])
        self.assertFalse([name for name in files if ".git" in name or ".env" in name or "target" in name])
        history = docker("history", "--no-trunc", f"airline:{self.commit}")
        self.assertNotIn(TOKEN, history)

    def test_3_the_image_runs_as_anybody_on_a_disk_that_is_read_only(self):
        for port, user in ((8000, "65534:65534"), (5555, "123456")):
            chosen = [] if port == 8000 else ["--env", f"PORT={port}"]
            docker("run", "--detach", "--name", "alone", "--read-only", "--tmpfs", "/data", "--user", user, *chosen,
                   f"airline:{self.commit}")
            try:
                ip = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "alone")
                wait("the site", lambda: get(f"{ip}:{port}", "/readyz")[0] == 200)
                wait("its health", lambda: docker("inspect", "--format", "{{.State.Health.Status}}", "alone") == "healthy")
                self.assertIn("airline", docker("top", "alone", "-o", "pid,comm").splitlines()[1])
                # Told to stop, it answers what is under way, and a kept connection does not hold it.
                idle, under_way = (socket.create_connection((ip, port), timeout=30) for _ in range(2))
                idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b" 200 ", idle.recv(1000))
                under_way.sendall(b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                                  b"Content-Type: application/x-www-form-urlencoded\r\n\r\nnext")
                begun = time.monotonic()
                docker("kill", "--signal", "TERM", "alone")
                wait("the end of its listening", lambda: not listens(ip, port))
                under_way.sendall(b"=here")
                self.assertIn(b" 403 ", under_way.recv(1000), "answered: it lacks a token")
                self.assertEqual(docker("wait", "alone"), "0")
                self.assertLess(time.monotonic() - begun, 25)
                idle.close()
                under_way.close()
            finally:
                docker("rm", "--force", "alone")
        # On a dyno without a database it says what to do.
        done = docker("run", "--rm", "--env", "DYNO=web.1", f"airline:{self.commit}", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("heroku addons:create", done.stderr)

    # ── Compose ──────────────────────────────────────────────────────────────────────────────

    def compose(self, *words, check=True, **more):
        environment = {**os.environ, "AIRLINE_TAG": self.commit, "COMPOSE_PROJECT_NAME": "stack", "WEB_PORT": "0",
                       "POSTGRES_PASSWORD": "a b/c@d:%", **more}
        done = subprocess.run(["docker-compose", *words], cwd=self.checkout, env=environment, capture_output=True,
                              text=True, check=False, timeout=300)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def test_4_compose_from_nothing(self):
        done = self.compose("up", "--detach", check=False, POSTGRES_PASSWORD="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("give the database a password", done.stderr)
        try:
            for _ in range(3):
                # A fresh volume each time: while it is filled, the server must not be taken for ready.
                self.compose("up", "--detach", "--wait", "--wait-timeout", "120", "web")
                web = self.compose("port", "web", "8000").stdout.strip()
                self.assertTrue(web.startswith("127.0.0.1:"), "on this machine only")
                self.assertEqual(get(web, "/readyz")[0], 200)
                self.assertEqual(docker("inspect", "--format", "{{.State.ExitCode}}", "stack-migration-1"), "0")
                self.compose("down", "--volumes", "--timeout", "30")
            self.assertEqual(docker("volume", "ls", "--quiet", "--filter", "name=stack"), "")
            self.compose("up", "--detach", "--wait", "--wait-timeout", "120", "web")
            # Any command, in the same image; the data survives a restart; two migrations wait for each other.
            said = self.compose("run", "--rm", "-T", "web", "airline", "showmigrations").stdout
            self.assertIn("0001", said)
            self.compose("run", "--rm", "-T", "-e", "AIRLINE_SUPERUSER_USERNAME=boss",
                         "-e", "AIRLINE_SUPERUSER_PASSWORD=seven green suitcases", "web", "airline", "createsuperuser", "--noinput")
            at_once = [subprocess.Popen(["docker-compose", "run", "--rm", "-T", "migration"], cwd=self.checkout,
                                        env={**os.environ, "AIRLINE_TAG": self.commit, "COMPOSE_PROJECT_NAME": "stack",
                                             "POSTGRES_PASSWORD": "a b/c@d:%"},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
            self.assertEqual([process.wait(timeout=120) for process in at_once], [0, 0])
            # A backup, put back into another database, is the same data.
            dump = ["exec", "-T", "db", "bash", "-c"]
            self.compose(*dump, "pg_dump --format=custom -U airline airline >/tmp/dump && createdb -U airline other && "
                         "pg_restore --no-owner --exit-on-error --single-transaction -U airline --dbname=other /tmp/dump")
            data = [self.compose("run", "--rm", "-T", "-e", f"DATABASE_URL=postgres://airline@db/{name}?sslmode=disable",
                                 "web", "airline", "dumpdata").stdout for name in ("airline", "other")]
            self.assertIn("boss", data[0])
            self.assertEqual(*data)
            def ready():
                return get(self.compose("port", "web", "8000", check=False).stdout.strip(), "/readyz")[0] == 200

            self.compose("restart", "db")
            wait("the site after its database's restart", ready)
            # A program that dies is started again.
            os.kill(int(docker("inspect", "--format", "{{.State.Pid}}", "stack-web-1")), signal.SIGKILL)
            wait("its restart", lambda: docker("inspect", "--format", "{{.RestartCount}}", "stack-web-1") == "1")
            wait("the site after its restart", ready)
            # A wrong password ends the migration, in time, and the site is not started.
            self.compose("rm", "--stop", "--force", "web", "migration")
            begun = time.monotonic()
            done = self.compose("up", "--detach", "web", check=False, POSTGRES_PASSWORD="wrong")
            self.assertNotEqual(done.returncode, 0)
            self.assertLess(time.monotonic() - begun, 120)
            self.assertNotIn("wrong", docker("logs", "stack-migration-1", check=False).stderr)
        finally:
            self.compose("down", "--volumes", "--timeout", "30", check=False)

    # ── What must not go through ─────────────────────────────────────────────────────────────

    def live(self):
        return self.site("/version")[1].split()[-1]

    def test_5_a_release_that_fails_leaves_the_old_one_running(self):
        """The database refuses: the migration fails, the build is red, and what ran runs on."""
        self.make_images(self.commit_all("A release that fails"))
        url, self.dynos.database_url = self.dynos.database_url, self.dynos.database_url.replace("p%2540ss", "wrong")
        try:
            self.assertEqual(self.push(tested=True), ("errored", True))
            self.assertEqual(self.heroku.releases[-1]["status"], "failed")
            self.assertEqual(self.live(), self.commit)
            self.assertNotIn("wrong", self.heroku.logs[self.heroku.releases[-1]["id"]])
        finally:
            self.dynos.database_url = url

    def test_6_a_site_that_does_not_come_up_is_taken_back(self):
        self.make_images(self.commit_all("A site that does not come up"), 'CMD ["airline", "check"]')
        self.assertEqual(self.push(tested=True), ("errored", True))
        self.assertEqual(self.heroku.releases[-1]["description"].split()[0], "Rollback")
        self.assertEqual(self.live(), self.commit)

    def test_7_an_oci_manifest_is_refused(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.heroku.port)
        token = base64.b64encode(f"_:{TOKEN}".encode()).decode()
        connection.request("PUT", "/v2/flights/web/manifests/latest", "{}", {
            "Authorization": f"Basic {token}", "Content-Type": "application/vnd.oci.image.manifest.v1+json"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, b"unsupported" in answer.read()), (405, True))
        connection.close()

    # ── Beside the previous release ──────────────────────────────────────────────────────────

    def previous_release(self):
        """An image that holds the program of the previous release."""
        tag = subprocess.run(["git", "describe", "--tags", "--abbrev=0", "HEAD^"], cwd=ROOT, capture_output=True,
                             text=True, check=False)
        release = tag.stdout.strip() if tag.returncode == 0 else FIRST_RELEASE
        known = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{release}^{{commit}}"], cwd=ROOT,
                               capture_output=True, text=True, check=False)
        if known.returncode:
            self.skipTest(f"this copy of the repository does not hold the previous release, {release}")
        commit, source = known.stdout.strip(), self.folder / "previous"
        shutil.rmtree(source, ignore_errors=True)
        git("clone", "--quiet", "--no-checkout", str(ROOT), str(source), cwd=self.folder)
        git("checkout", "--quiet", commit, cwd=source)
        begun = time.monotonic()
        # The stage that builds it: a builder without BuildKit would build the tests on the way to the last one.
        docker("build", "--quiet", "--target", "build", "--build-arg", f"CARGO_PROFILE={os.environ['CARGO_PROFILE']}",
               "--tag", f"airline-previous:{commit}", str(source))
        self.machine.timings.append((f"a build of the previous release, {release}", time.monotonic() - begun))
        return f"airline-previous:{commit}"

    def test_8_the_previous_release_serves_the_new_schema(self):
        """While a release goes on, and after going back: the new program migrates, the old one serves."""
        program = "/root-of-image/usr/bin/airline"
        previous = self.previous_release()
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (data / "airports.csv").write_text("code,city\nCDG,Paris\nJFK,New York\n")
        (data / "flights.csv").write_text("Paris,New York,540\n")
        (data / "passengers.csv").write_text("first,last\nAnn,Other\n")
        try:
            docker("run", "--detach", "--name", "previous-db", "--env", "POSTGRES_USER=airline", "--env", "POSTGRES_DB=airline",
                   "--env", "POSTGRES_PASSWORD=secret", "postgres:17-trixie")
            ip = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "previous-db")
            wait("the database", lambda: docker("exec", "previous-db", "pg_isready", "-h", "127.0.0.1", check=False).returncode == 0)
            database = ["--env", f"DATABASE_URL=postgres://airline:secret@{ip}/airline?sslmode=disable"]
            new = ["run", "--rm", "--user", "0:0", "--volume", f"{data}:/csv:ro", *database, f"airline:{self.commit}", "airline"]
            docker(*new, "migrate", "--wait", "60")
            docker(*new, "loaddata", "/csv/airports.csv", "/csv/flights.csv", "/csv/passengers.csv")
            # It has nothing to migrate, and is content.
            docker("run", "--rm", *database, previous, program, "migrate")
            docker("run", "--detach", "--name", "previous-web", *database, "--env", "PORT=8000",
                   "--env", "AIRLINE_PUBLIC_BOOKING=true", previous, program, "serve")
            web = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "previous-web") + ":8000"
            wait("the previous release", lambda: get(web, "/readyz")[0] == 200)
            status, listing, _ = get(web)
            self.assertEqual(status, 200)
            flight = re.search(r'class="row" href="(/\d+)"', listing)[1]
            status, page, headers = get(web, flight)
            self.assertEqual(status, 200)
            self.assertEqual(page.count('id="passengers"'), 0, "nobody is booked yet")
            cookies = "; ".join(cookie.split(";")[0] for cookie in headers.get_all("Set-Cookie", []))
            form = urllib.parse.urlencode({"csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1],
                                           "passenger": re.search(r'name="passenger" value="(\d+)"', page)[1]})
            sent = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
            self.assertEqual(get(web, f"{flight}/book", sent, form)[0], 303)
            self.assertEqual(get(web, flight)[1].count('id="passengers"'), 1, "somebody is booked")
            # What it wrote is whole for the new program.
            docker(*new, "history", "verify")
        finally:
            docker("rm", "--force", "previous-web", "previous-db", check=False)

    def make_images(self, commit, change_of_web=""):
        """The images of a commit, made of those that were tested."""
        for name, change in (("airline", change_of_web), ("airline-release", "")):
            self.machine.build(f"{name}:{commit}", f"""
                FROM {name}:{self.commit}
                ENV AIRLINE_REVISION={commit}
                LABEL org.opencontainers.image.revision={commit}
                {change}""")


if __name__ == "__main__":
    unittest.main()
