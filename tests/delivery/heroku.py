"""A stand-in for Heroku, by the rules that its documentation and its command line tell: a registry that
takes Docker's manifests of version 2, schema 2, and nothing else; an API that releases what was pushed;
dynos that are started and stopped by whoever makes it.

Controls are plain attributes: `fail` makes release phases fail, `down` counts answers that will be 503.
"""

import base64
import http.client
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Dynos:
    """Starts nothing: release phases succeed, and a site answers as the image that was released."""

    def release(self, image):
        return 0, f"migrated by {image}\n"

    def web(self, image):
        pass


class Heroku:
    def __init__(self, app, token, dynos=None, registry=None, stack="container"):
        """`registry` is the port of a registry that keeps what is pushed; without it, `images` is all
        there is: the configuration's digest by process type."""
        self.app, self.token, self.stack = app, token, stack
        self.dynos = dynos or Dynos()
        self.registry = registry
        self.images = {}
        self.pushed = set()
        self.formation = {}
        self.releases = []
        self.logs = {}
        self.asked = []
        self.down = self.down_after_patch = 0
        self.fail = False
        self.hang = False
        self.garbled = False
        self.manifest = MANIFEST
        self.redirect = None
        self.web_url = None
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def begin(self, images, description):
        """A new release of some images; its phase runs beside."""
        number = next(self.numbers)
        release = {
            "id": f"release-{number}",
            "version": number,
            "status": "pending",
            "description": description,
            "images": images,
            "output_stream_url": f"{self.url}/stream/release-{number}",
        }
        self.releases.append(release)
        threading.Thread(target=self._run, args=(release,), daemon=True).start()
        return release

    def _run(self, release):
        if self.hang:
            return
        code, log = (1, "the release was made to fail\n") if self.fail else (0, "")
        if code == 0 and "release" in release["images"]:
            code, log = self.dynos.release(release["images"]["release"])
        if code == 0:
            self.formation = release["images"]
            self.dynos.web(release["images"]["web"])
        self.logs[release["id"]] = log
        release["status"] = "succeeded" if code == 0 else "failed"

    def _handler(heroku):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def send(self, status, value=None, headers=()):
                body = value if isinstance(value, bytes) else json.dumps({} if value is None else value).encode()
                self.send_response(status)
                for name, text in headers:
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def refuse(self, status, message):
                self.send(status, {"id": "refused", "message": message})

            def body(self):
                if self.headers.get("Transfer-Encoding", "") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def serve(self):
                heroku.asked.append((self.command, self.path, self.headers.get("Authorization")))
                if self.path.startswith("/v2/"):
                    return self.registry()
                if self.path.startswith("/stream/"):
                    return self.stream()
                if heroku.redirect:
                    return self.send(302, headers=[("Location", heroku.redirect)])
                if heroku.down > 0:
                    heroku.down -= 1
                    return self.refuse(503, "The API is down.")
                if self.headers.get("Authorization") != f"Bearer {heroku.token}":
                    return self.refuse(401, "Invalid credentials provided.")
                if not self.headers.get("Accept", "").startswith("application/vnd.heroku+json; version=3"):
                    return self.refuse(406, "Say which version.")
                return self.api()

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def stream(self):
                log = heroku.logs.get(self.path.rsplit("/", 1)[1])
                # It is not there before the phase says something.
                return self.refuse(404, "Not yet.") if log is None else self.send(200, log.encode())

            def api(self):
                at = f"/apps/{heroku.app}"
                if not (self.path + "/").startswith(at + "/"):
                    return self.refuse(404, "Couldn't find that app.")
                rest = self.path[len(at):]
                if (self.command, rest) == ("GET", ""):
                    app = {"name": heroku.app, "stack": {"name": heroku.stack}, "web_url": heroku.web_url}
                    return self.send(200, app)
                if (self.command, rest) == ("GET", "/releases"):
                    most = self.headers.get("Range", "").partition("max=")[2] or "200"
                    return self.send(206, heroku.releases[::-1][:int(most)])
                if self.command == "GET" and rest.startswith("/releases/"):
                    if heroku.garbled:
                        return self.send(200, b"<html>")
                    found = [known for known in heroku.releases if known["id"] == rest.rsplit("/", 1)[1]]
                    return self.send(200, found[0]) if found else self.refuse(404, "No such release.")
                if (self.command, rest) == ("PATCH", "/formation"):
                    return self.patch()
                if (self.command, rest) == ("POST", "/releases"):
                    wanted = json.loads(self.body())["release"]
                    found = [known for known in heroku.releases if known["id"] == wanted]
                    if not found:
                        return self.refuse(404, "No such release.")
                    if found[0]["status"] != "succeeded" or not found[0]["images"]:
                        return self.refuse(422, "Cannot roll back to a release that failed or has no images.")
                    back = heroku.begin(found[0]["images"], f"Rollback to v{found[0]['version']}")
                    return self.send(201, back)
                return self.refuse(404, "Nothing is here.")

            def patch(self):
                if "docker-releases" not in self.headers.get("Accept", ""):
                    return self.refuse(422, "This needs the version 3.docker-releases.")
                updates = json.loads(self.body())["updates"]
                images = dict(heroku.formation)
                for update in updates:
                    image = update["docker_image"]
                    if (update["type"], image) not in heroku.pushed | set(heroku.images.items()):
                        return self.refuse(422, f"Cannot find the image {image}.")
                    images[update["type"]] = image
                with heroku.lock:
                    if images != heroku.formation:
                        heroku.begin(images, "Deployed")
                heroku.down, heroku.down_after_patch = heroku.down_after_patch, 0
                return self.send(200, updates)

            def registry(self):
                given = (self.headers.get("Authorization") or "").removeprefix("Basic ")
                if base64.b64decode(given).decode().partition(":")[2] != heroku.token:
                    challenge = [("WWW-Authenticate", 'Basic realm="registry"')]
                    return self.send(401, {"errors": [{"code": "UNAUTHORIZED", "message": "Log in."}]}, challenge)
                parts = self.path.split("?")[0].strip("/").split("/")
                kind = parts[2] if len(parts) > 3 else ""
                if len(parts) > 1 and (parts[1] != heroku.app or kind not in ("web", "release")):
                    return self.refuse(404, "No such app, or no such type of process.")
                if heroku.registry is None:
                    return self.made_up(kind)
                return self.forward(parts, kind)

            def made_up(self, kind):
                if kind not in heroku.images:
                    return self.send(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})
                config = {"digest": heroku.images[kind]}
                manifest = {"schemaVersion": 2, "mediaType": heroku.manifest, "config": config}
                if heroku.manifest != MANIFEST:
                    manifest = {"schemaVersion": 2, "mediaType": heroku.manifest, "manifests": []}
                return self.send(200, manifest)

            def forward(self, parts, kind):
                """To the registry behind, which keeps it."""
                body = self.body()
                puts = self.command == "PUT" and "manifests" in parts
                if puts and self.headers.get("Content-Type") != MANIFEST:
                    return self.send(405, {"errors": [{"code": "UNSUPPORTED", "message": "The operation is unsupported."}]})
                behind = http.client.HTTPConnection("127.0.0.1", heroku.registry, timeout=60)
                kept = ("Accept", "Content-Type", "Content-Range", "Range")
                headers = {name: self.headers[name] for name in kept if name in self.headers}
                behind.request(self.command, self.path, body or None, headers)
                answer = behind.getresponse()
                content = answer.read()
                behind.close()
                if puts and answer.status < 300:
                    heroku.pushed.add((kind, json.loads(body)["config"]["digest"]))
                passed = [(name, value) for name, value in answer.getheaders()
                          if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server")]
                if self.command == "HEAD":
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("connection", "date", "server"):
                            self.send_header(name, value)
                    self.end_headers()
                    return None
                return self.send(answer.status, content, passed)

        return Handler
