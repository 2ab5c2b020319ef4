"""Stand-ins for Hugging Face's hub and for Kaggle, for the tests: they are neither.

They speak those parts of the two HTTP interfaces that `huggingface_hub` 2.4 and `kagglehub` 1.0 use for models, on a
socket of loopback; what the clients send and expect was taken from their sources. Repositories are kept in memory.

    with Stand() as stand:
        stand.address  # "http://127.0.0.1:PORT"; the hub at /, Kaggle's at /v1 and /api/v1
        stand.refuse(r"/resolve/", 500)  # what matches is answered so from now on; stand.refusals.clear() ends it
        stand.cut(r"weights")  # ... and of these answers half is sent
"""

import base64
import hashlib
import http.server
import json
import re
import socket
import threading
import urllib.parse

TOKEN = "secret-token-of-the-tests"


class Stand:
    """Both hubs at one address, what they hold, and what they were asked."""

    def __init__(self):
        self.repositories = {}  # Hugging Face's: name -> {"private", "commits": [(sha, {path: bytes})], "tags": {}}
        self.models = {}  # Kaggle's: "owner/model/framework/variation" -> [{path: bytes}, ...], from version 1 on
        self.blobs = {}  # sent, but in no repository yet
        self.refusals = []
        self.cuts = []
        self.requests = []
        self.licences = {}
        self.server = None

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """From here on nobody answers."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def refuse(self, path, status, code=None):
        self.refusals.append((path, status, code))

    def cut(self, path):
        self.cuts.append(path)

    def add(self, name, files, private=False):
        """Files as a new revision of a repository at Hugging Face; gives its commit."""
        repository = self.repositories.setdefault(name, {"private": private, "commits": [], "tags": {}})
        sha = hashlib.sha1(repr((name, len(repository["commits"]), sorted(files))).encode()).hexdigest()
        repository["commits"].append((sha, dict(files)))
        return sha


class Answer(Exception):
    def __init__(self, status, content=b"", **headers):
        super().__init__(status)
        self.status, self.headers = status, headers
        self.content = content if isinstance(content, bytes) else json.dumps(content).encode()
        if not isinstance(content, bytes):
            self.headers.setdefault("Content-Type", "application/json")


def _missing(what):
    return Answer(404, {"error": what}, **{"X-Error-Code": what, "X-Error-Message": what})


def _handler(stand):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
            stand.requests.append((self.command, path))
            try:
                for pattern, status, code in stand.refusals:
                    if re.search(pattern, path):
                        raise Answer(status, {"error": "refused"}, **({"X-Error-Code": code} if code else {}))
                known = TOKEN in (self.headers.get("Authorization") or "")
                for method, pattern, answer in ROUTES:
                    match = re.fullmatch(pattern, path)
                    if match and self.command in method:
                        answer(stand, known, body, *match.groups())
                raise Answer(404, {"error": "no such path"})
            except Answer as answer:
                self._send(answer, path)

        def _send(self, answer, path):
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if self.command in ("GET", "POST") and any(re.search(pattern, path) for pattern in stand.cuts):
                self._hang_up(answer)
            else:
                self.wfile.write(answer.content)

        def _hang_up(self, answer):
            self.wfile.write(answer.content[: len(answer.content) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = _serve

    return Handler


# -- Hugging Face ------------------------------------------------------------------------------------------------------


def _repository(stand, known, name):
    repository = stand.repositories.get(name)
    if repository is None or (repository["private"] and not known):
        raise Answer(404 if known else 401, {"error": "Repository not found"}, **{"X-Error-Code": "RepoNotFound"})
    return repository


def _revision(repository, revision):
    commits = dict(repository["commits"])
    sha = repository["tags"].get(revision, revision)
    if revision == "main" and repository["commits"]:
        sha = repository["commits"][-1][0]
    if sha not in commits:
        raise _missing("RevisionNotFound")
    return sha, commits[sha]


def _info(stand, known, body, name, revision="main"):
    repository = _repository(stand, known, name)
    sha, files = _revision(repository, revision) if repository["commits"] else (None, {})
    names = [".gitattributes", *files]
    found = {"id": name, "_id": name, "private": repository["private"], "tags": [], "downloads": 0, "likes": 0}
    raise Answer(200, {**found, "sha": sha, "siblings": [{"rfilename": file} for file in names]})


def _tree(stand, known, body, name, revision):
    _, files = _revision(_repository(stand, known, name), revision)
    entries = []
    for path, content in files.items():
        entry = {"type": "file", "oid": hashlib.sha1(content).hexdigest(), "size": len(content), "path": path}
        if _is_large(path):
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        entries.append(entry)
    raise Answer(200, entries)


def _resolve(stand, known, body, name, revision, path):
    sha, files = _revision(_repository(stand, known, name), revision)
    if path not in files:
        raise _missing("EntryNotFound")
    content = files[path]
    etag = hashlib.sha256(content).hexdigest() if _is_large(path) else hashlib.sha1(content).hexdigest()
    raise Answer(200, content, **{"ETag": f'"{etag}"', "X-Repo-Commit": sha})


def _create(stand, known, body):
    asked = json.loads(body)
    if not known:
        raise Answer(401, {"error": "Invalid username or password."})
    name = f"{asked['organization']}/{asked['name']}"
    if name in stand.repositories:
        raise Answer(409, {"error": "You already created this model repo", "url": f"{stand.address}/{name}"})
    private = asked.get("private", asked.get("visibility") == "private")
    stand.repositories[name] = {"private": private, "commits": [], "tags": {}}
    raise Answer(200, {"url": f"{stand.address}/{name}"})


def _is_large(path):
    return path.endswith((".h5", ".png", ".onnx"))


def _validate(stand, known, body):
    import yaml

    header = json.loads(body)["content"].split("---\n")[1]
    wrong = not isinstance(yaml.safe_load(header), dict)
    raise Answer(400 if wrong else 200, {"errors": [{"message": "no mapping"}] * wrong, "warnings": []})


def _preupload(stand, known, body, name, revision):
    _repository(stand, known, name)
    files = json.loads(body)["files"]
    modes = [
        {"path": file["path"], "uploadMode": "lfs" if _is_large(file["path"]) else "regular", "shouldIgnore": False}
        for file in files
    ]
    raise Answer(200, {"files": modes})


def _batch(stand, known, body, name):
    objects = json.loads(body)["objects"]
    actions = [{**each, "actions": {"upload": {"href": f"{stand.address}/blob/{each['oid']}"}}} for each in objects]
    raise Answer(200, {"transfer": "basic", "objects": actions})


def _put(stand, known, body, key):
    stand.blobs[key] = body
    raise Answer(200, b"")


def _commit(stand, known, body, name, revision):
    repository = _repository(stand, known, name)
    if not known:
        raise Answer(403, {"error": "Forbidden"})
    files = dict(repository["commits"][-1][1]) if repository["commits"] else {}
    for line in body.splitlines():
        item = json.loads(line)
        value = item["value"]
        if item["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif item["key"] == "lfsFile":
            files[value["path"]] = stand.blobs[value["oid"]]
        elif item["key"] == "deletedFile":
            del files[value["path"]]
    sha = stand.add(name, files)
    raise Answer(200, {"commitUrl": f"{stand.address}/{name}/commit/{sha}", "commitOid": sha})


# -- Kaggle ------------------------------------------------------------------------------------------------------------


def _asked(body):
    asked = json.loads(body)
    framework = asked.get("framework") or asked.get("body", {}).get("framework") or ""
    variation = asked.get("instanceSlug") or asked.get("body", {}).get("instanceSlug") or ""
    framework = str(framework).removeprefix("MODEL_FRAMEWORK_").lower()
    return asked, f"{asked.get('ownerSlug')}/{asked.get('modelSlug')}/{framework}/{variation}"


def _kaggle(stand, known, body, service, call):
    calls = {
        "GetModelInstance": _get_instance,
        "DownloadModelInstanceVersion": _download,
        "GetModel": _get_model,
        "CreateModel": _create_model,
        "StartBlobUpload": _start_blob,
        "CreateModelInstance": _create_instance,
        "CreateModelInstanceVersion": _create_version,
    }
    if call not in calls:
        raise Answer(501, {"code": 501, "message": call})
    calls[call](stand, known, *_asked(body))


def _get_instance(stand, known, asked, name):
    if name not in stand.models:
        raise Answer(404 if known else 403, {"code": 404 if known else 403, "message": "not found"})
    raise Answer(200, {"slug": name.rpartition("/")[2], "versionNumber": len(stand.models[name])})


def _download(stand, known, asked, name):
    versions = stand.models.get(name, [])
    number = asked["versionNumber"]
    if not 1 <= number <= len(versions) or asked.get("path") not in versions[number - 1]:
        raise Answer(404, {"code": 404, "message": "not found"})
    content = versions[number - 1][asked["path"]]
    digest = base64.b64encode(hashlib.md5(content).digest()).decode()
    raise Answer(200, content, **{"X-Goog-Hash": f"md5={digest}", "Content-Type": "application/octet-stream"})


def _get_model(stand, known, asked, name):
    start = f"{asked.get('ownerSlug')}/{asked.get('modelSlug')}"
    if not any(each.startswith(start) for each in (*stand.models, *stand.licences)):
        raise Answer(404, {"code": 404, "message": "not found"})
    raise Answer(200, {"slug": asked.get("modelSlug")})


def _create_model(stand, known, asked, name):
    if not known:
        raise Answer(401, {"code": 401, "message": "Unauthenticated"})
    raise Answer(200, {"id": 1})


def _start_blob(stand, known, asked, name):
    key = f"token-{len(stand.blobs)}-{asked['name']}"
    stand.blobs[key] = b""
    raise Answer(200, {"token": key, "createUrl": f"{stand.address}/blob/{key}"})


def _take_in(stand, asked):
    files = {}
    for file in asked["body"]["files"]:
        files[file["token"].split("-", 2)[2]] = stand.blobs[file["token"]]
    return files


def _create_instance(stand, known, asked, name):
    if name in stand.models:
        raise Answer(200, {"error": "already exists", "errorCode": 409})
    stand.models[name] = [_take_in(stand, asked)]
    stand.licences[name] = asked["body"].get("licenseName")
    raise Answer(200, {"id": 1})


def _create_version(stand, known, asked, name):
    stand.models[name].append(_take_in(stand, asked))
    raise Answer(200, {"id": 1})


NAME = r"([^/]+/[^/]+)"
ROUTES = (
    ("GET", rf"/api/models/{NAME}", _info),
    ("GET", rf"/api/models/{NAME}/revision/(.+)", _info),
    ("GET", rf"/api/models/{NAME}/tree/([^/]+)/?", _tree),
    (("GET", "HEAD"), rf"/{NAME}/resolve/([^/]+)/(.+)", _resolve),
    ("POST", r"/api/repos/create", _create),
    ("POST", r"/api/validate-yaml", _validate),
    ("POST", rf"/api/models/{NAME}/preupload/(.+)", _preupload),
    ("POST", rf"/{NAME}\.git/info/lfs/objects/batch", _batch),
    ("PUT", r"/blob/(.+)", _put),
    ("POST", rf"/api/models/{NAME}/commit/(.+)", _commit),
    ("POST", r"(?:/api)?/v1/([^/]+)/([^/]+)", _kaggle),
)
