"""What a machine without Docker's hosts needs to build and run the real images: stand-ins for the base
images, made of Debian's packages, and dynos that are containers.

The bases hold the machine's own CA certificates, so that a mirror of the registries is trusted in them.
"""

import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUITE = "trixie"
DEBIAN = f"debian:{SUITE}-slim"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

# What docker-library's image promises: no blank password; while a fresh volume is filled, a server on the
# socket only; the server itself in the place of the first process.
POSTGRES = textwrap.dedent("""\
    #!/bin/bash
    set -euo pipefail
    PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
    export PGDATA=/var/lib/postgresql/data
    if [ "${1:-}" != postgres ]; then exec "$@"; fi
    if [ "$(id -u)" = 0 ]; then
      mkdir -p "$PGDATA" /run/postgresql && chown postgres "$PGDATA" /run/postgresql && chmod 700 "$PGDATA"
      exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
      [ -n "${POSTGRES_PASSWORD:-}" ] || { echo "Error: POSTGRES_PASSWORD is not specified." >&2; exit 1; }
      initdb --username="${POSTGRES_USER:-postgres}" --pwfile=<(printf '%s' "$POSTGRES_PASSWORD") --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
      echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
      pg_ctl --wait start --options "-c listen_addresses=''" >/dev/null
      if [ "${POSTGRES_DB:-postgres}" != postgres ]; then createdb --username="${POSTGRES_USER:-postgres}" "$POSTGRES_DB"; fi
      sleep "${POSTGRES_SLOW:-0}"
      pg_ctl --wait stop --mode=fast >/dev/null
    fi
    exec "$@" -c listen_addresses='*'
    """)


def docker(*words, check=True, **more):
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, **more)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout.strip() if check else done


class Machine:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.timings = []
        self.there = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()

    def build(self, tag, dockerfile, files=()):
        """An image of a Dockerfile's text and some files."""
        if tag in self.there:
            return
        context = self.folder / "context"
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        for name, source in files:
            if isinstance(source, str):
                (context / name).write_text(source)
                (context / name).chmod(0o755)
            else:
                source(context / name)
        docker("build", "--tag", tag, "--file", "-", str(context), input=dockerfile)
        shutil.rmtree(context)

    def bases(self):
        begun = time.monotonic()
        slim = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "info", "locale", "lintian")]
        tar = self.folder / "debian.tar"
        if DEBIAN not in self.there:
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=Acquire::Languages "none"', *slim,
                            SUITE, str(tar), f"deb http://deb.debian.org/debian {SUITE} main"], check=True)
            docker("import", str(tar), "debian-without-certificates")
            tar.unlink()
        certificates = ("certificates", lambda to: shutil.copy(CERTIFICATES, to))
        self.build(DEBIAN, f"""
            FROM debian-without-certificates
            COPY certificates {CERTIFICATES}
            CMD ["bash"]""", [certificates])
        self.build(f"postgres:17-{SUITE}", f"""
            FROM {DEBIAN}
            RUN apt-get update && apt-get install -y --no-install-recommends postgresql-17 ssl-cert \\
             && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/17
            COPY entrypoint /usr/local/bin/
            ENV PATH=/usr/lib/postgresql/17/bin:$PATH
            ENTRYPOINT ["entrypoint"]
            CMD ["postgres"]""", [("entrypoint", POSTGRES)])
        self.build(f"node:22-{SUITE}-slim", f"""
            FROM {DEBIAN}
            RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
            COPY node /usr/local/bin/
            COPY npm /usr/local/lib/node_modules/npm
            RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
            ENV NODE_EXTRA_CA_CERTS={CERTIFICATES}""", [
            ("node", lambda to: shutil.copy(os.path.realpath(shutil.which("node")), to)),
            ("npm", lambda to: shutil.copytree(pathlib.Path(os.path.realpath(shutil.which("npm"))).parents[1], to))])
        toolchain = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
        self.build(f"rust:1.95-slim-{SUITE}", f"""
            FROM {DEBIAN}
            RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
            COPY toolchain /usr/local/rust
            ENV PATH=/usr/local/rust/bin:$PATH""", [
            ("toolchain", lambda to: shutil.copytree(toolchain, to, symlinks=True, ignore=shutil.ignore_patterns("share")))])
        self.timings.append(("base images", time.monotonic() - begun))

    def registry(self):
        """Debian's registry; answers its port and how it is stopped."""
        port = free_port()
        config = self.folder / "registry.yml"
        config.write_text(textwrap.dedent(f"""\
            version: 0.1
            log: {{level: error, accesslog: {{disabled: true}}}}
            storage: {{filesystem: {{rootdirectory: {self.folder}/registry}}}}
            http: {{addr: 127.0.0.1:{port}, relativeurls: true}}
            """))
        with open(self.folder / "registry.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        return port, process


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            found = holds()
            if found:
                return found
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < end, f"{what}: not within {seconds} seconds"
        time.sleep(0.1)


class Dynos:
    """Containers as Heroku runs them: any user, a disk that is not kept, half a gigabyte, and a router in
    front that says by what and from whom a request came."""

    def __init__(self, database_url):
        self.database_url = database_url
        self.number = 0
        self.web_container = None
        self.address = None
        dynos = self

        class Router(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                known = headers.get("X-Forwarded-For")
                headers["X-Forwarded-For"] = f"{known}, 198.51.100.7" if known else "198.51.100.7"
                headers["X-Forwarded-Proto"] = self.headers.get("X-Test-Proto", "https")
                try:
                    behind = http.client.HTTPConnection(*dynos.address, timeout=30)
                    behind.request(self.command, self.path, body or None, headers)
                    answer = behind.getresponse()
                    content = answer.read()
                    behind.close()
                except (OSError, TypeError, http.client.HTTPException):
                    self.send_error(503, "H10: the app crashed")
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = pass_on

        self.router = ThreadingHTTPServer(("127.0.0.1", 0), Router)
        self.router.daemon_threads = True
        self.router.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.router.server_address[1]}"
        threading.Thread(target=self.router.serve_forever, daemon=True).start()

    def settings(self, dyno):
        return ["--user", f"{23456 + self.number}:{23456 + self.number}", "--memory", "512m", "--env", "PORT=41234",
                "--env", f"DYNO={dyno}.1", "--env", f"DATABASE_URL={self.database_url}"]

    def release(self, image):
        self.number += 1
        done = docker("run", "--rm", *self.settings("release"), image, check=False)
        return done.returncode, done.stdout + done.stderr

    def web(self, image):
        self.number += 1
        name = f"web-{self.number}"
        docker("run", "--detach", "--name", name, "--read-only", "--tmpfs", "/tmp", *self.settings("web"), image)
        ip = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
        old, self.web_container, self.address = self.web_container, name, (ip, 41234)
        if old:
            docker("stop", "--time", "30", old)
