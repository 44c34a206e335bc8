"""A Jellyfin server made of what its OpenAPI document says; see docs/decisions/0012.

Run it by hand, with films of a folder:

    python -m tests.jellyfin.fake --port 8096 --version 10.11 /films
"""

import argparse
import io
import json
import re
import threading
import uuid
from pathlib import Path

from flask import Flask, Response, request, send_file
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.jellyfin.described import PROBLEMS, NotDescribed, described
from tests.jellyfin.shelf import Shelf, guid

API_KEY = "0123456789abcdef0123456789abcdef"
# Fields that items have only where they are asked for; the others they always have.
ON_REQUEST = {
    "Path", "Overview", "ProviderIds", "Genres", "Tags", "People", "MediaSources", "DateCreated",
    "PrimaryImageAspectRatio", "SortName", "MediaSourceCount", "Etag",
}  # fmt: skip


class FakeJellyfin:
    """One server. ``faults`` lists what broke its own document; every test looks at it.

    ``instead`` holds answers that a test wants in place of the right ones, by operation.
    """

    def __init__(self, version="10.11"):
        self.described = described(version)
        self.shelf = Shelf()
        self.keys = {API_KEY}
        self.users = {"reader": {"password": "let me in", "disabled": False}}
        self.tokens = {}  # token -> (user, device)
        self.info = {"StartupWizardCompleted": True}
        self.instead = {}
        self.asked = []  # (operation, query)
        self.faults = []
        self.json_bytes = 0
        self.sign_ins = 0
        self.app = self._app()

    def expire(self):
        """End all sessions, as a restart or an administrator does."""
        self.tokens.clear()

    # -- requests

    def _app(self):
        app = Flask("fake-jellyfin")
        routes = {
            "/system/info/public": ("GET /System/Info/Public", self._info),
            "/users/authenticatebyname": ("POST /Users/AuthenticateByName", self._sign_in),
            "/userviews": ("GET /UserViews", self._views),
            "/library/mediafolders": ("GET /Library/MediaFolders", self._folders),
            "/items": ("GET /Items", self._items),
            "/videos/<item>/stream": ("{} /Videos/{{itemId}}/stream", self._stream),
            "/items/<item>/images/<image>": ("GET /Items/{itemId}/Images/{imageType}", self._image),
        }
        for path, (operation, view) in routes.items():
            method = "POST" if operation.startswith("POST") else "GET"
            app.add_url_rule(path, operation, self._guarded(operation, view), methods=[method])
        inner = app.wsgi_app

        def any_case(environ, start_response):
            environ["PATH_INFO"] = environ["PATH_INFO"].lower()
            return inner(environ, start_response)

        app.wsgi_app = any_case
        return app

    def _guarded(self, pattern, view):
        def answer(**parts):
            operation = pattern.format(request.method) if pattern.startswith("{}") else pattern
            self.asked.append((operation, request.args.to_dict()))
            try:
                if "api_key" in {name.lower() for name in request.args}:
                    raise NotDescribed("a key in a query")
                self.described.check_query(operation, request.args)
                if operation in self.instead:
                    other = self.instead[operation]
                    return other() if callable(other) else other
                return view(operation, **parts)
            except NotDescribed as exc:
                self.faults.append(str(exc))
                return Response("Error processing request.", 500, mimetype="text/plain")

        return answer

    def _json(self, operation, value, status=200):
        self.described.check_answer(operation, status, value)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self.json_bytes += len(text.encode())
        return Response(text, status, content_type="application/json; charset=utf-8")

    def _who(self):
        """Return "key", a user's name, or None."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest)) if scheme == "MediaBrowser" else {}
        if not {"Client", "Device", "DeviceId", "Version"} <= set(said):
            return None
        if said.get("Token") in self.keys:
            return "key"
        user, _ = self.tokens.get(said.get("Token"), (None, None))
        return user

    # -- answers

    def _info(self, operation):
        said = {
            "LocalAddress": "http://192.168.1.5:8096", "ServerName": "attic",
            "Version": self.described.version, "ProductName": "Jellyfin Server",
            "OperatingSystem": "", "Id": guid("server"), **self.info,
        }  # fmt: skip
        return self._json(operation, said)

    def _sign_in(self, operation):
        self.sign_ins += 1
        body = request.get_json()
        self.described.check_body(operation, body)
        user = self.users.get(body.get("Username"))
        if user is None or user["password"] != body.get("Pw"):
            return _refuse(401)
        if user["disabled"]:
            return _refuse(403)
        device = re.search(r'DeviceId="([^"]+)"', request.headers["Authorization"])[1]
        name = body["Username"]
        self.tokens = {t: (u, d) for t, (u, d) in self.tokens.items() if (u, d) != (name, device)}
        token = uuid.uuid4().hex
        self.tokens[token] = (name, device)
        policy = {
            "IsAdministrator": False, "IsDisabled": False,
            "AuthenticationProviderId": "Default", "PasswordResetProviderId": "Default",
        }  # fmt: skip
        said = {
            "User": {"Name": name, "Id": guid("user", name), "HasPassword": True, "Policy": policy},
            "SessionInfo": {"Id": guid(token), "DeviceId": device, "Client": "Velour"},
            "AccessToken": token,
            "ServerId": guid("server"),
        }
        return self._json(operation, said)

    def _views(self, operation):
        who = self._who()
        if who is None:
            return _refuse(401)
        return _refuse(400) if who == "key" else self._libraries(operation)

    def _folders(self, operation):
        who = self._who()
        if who is None:
            return _refuse(401)
        return self._libraries(operation) if who == "key" else _refuse(403)

    def _libraries(self, operation):
        items = [
            {
                "Name": name, "Id": library_id, "ServerId": guid("server"), "Type": "CollectionFolder",
                "IsFolder": True, "MediaType": "Unknown", "LocationType": "FileSystem",
                **({"CollectionType": holds} if holds else {}),
            }
            for library_id, (name, holds) in self.shelf.libraries.items()
        ]  # fmt: skip
        return self._json(operation, _page(items, len(items), 0))

    def _items(self, operation):
        if self._who() is None:
            return _refuse(401)
        query = {name.lower(): text for name, text in request.args.items()}
        found = list(self.shelf.items.values())
        if "ids" in query:
            wanted = query["ids"].split(",")
            found = sorted((i for i in found if i.id in wanted), key=lambda i: wanted.index(i.id))
        else:
            types = query["includeitemtypes"].split(",")
            found = [i for i in found if i.fields["Type"] in types]
            found = [i for i in found if query["parentid"] in {i.library, *i.also_in}]
            if "Virtual" in query.get("excludelocationtypes", ""):
                found = [i for i in found if i.fields.get("LocationType") != "Virtual"]
            assert query["sortby"] == "DateCreated,SortName"
            found.sort(key=lambda i: (i.fields.get("DateCreated", ""), i.fields["Name"] or ""))
        start, limit = int(query.get("startindex", 0)), int(query.get("limit", 1_000_000))
        fields = set(query.get("fields", "").split(","))
        with_images = query.get("enableimages", "true") == "true"
        items = [self._told(i, fields, with_images) for i in found[start : start + limit]]
        total = len(found) if query.get("enabletotalrecordcount", "true") == "true" else 0
        return self._json(operation, _page(items, total, start))

    def _told(self, item, fields, with_images):
        said = {"ServerId": guid("server"), "Id": item.id, "ChannelId": None, "ImageBlurHashes": {}}
        for name, value in item.fields.items():
            if name not in ON_REQUEST or name in fields:
                said[name] = value
        if "Etag" in fields:
            said["Etag"] = item.etag
        if "MediaSourceCount" in fields and len(item.versions) > 1:
            said["MediaSourceCount"] = len(item.versions)
        said["ImageTags"], said["BackdropImageTags"] = {}, []
        if with_images:
            tags = {kind: guid(data) for kind, data in item.images.items()}
            said["BackdropImageTags"] = [tags.pop("Backdrop")] if "Backdrop" in tags else []
            said["ImageTags"] = tags
            said["ImageBlurHashes"] = {"Primary": dict.fromkeys(tags.values(), "W02rfnofWBay~qof")}
        if self.described.version.startswith("12"):
            said["OriginalLanguage"] = "en"
            for source in said.get("MediaSources") or ():
                for one in source["MediaStreams"]:
                    one.setdefault("IsOriginal", False)
        return said

    def _stream(self, operation, item):
        """Send the file, as a server without any ETag of its own; it looks at no key for that."""
        found = self.shelf.items.get(item)
        source_id = request.args.get("mediaSourceId", item)
        if found is None or source_id not in found.versions:
            return _refuse(500)
        assert request.args["static"] == "true"
        return send_file(
            io.BytesIO(found.versions[source_id]),
            mimetype="video/x-matroska",
            conditional=True,
            etag=False,
            last_modified=found.changed,
        )

    def _image(self, operation, item, image):
        found = self.shelf.items.get(item)
        data = found and {k.lower(): v for k, v in found.images.items()}.get(image)
        if not data:
            return _refuse(404)
        return Response(data, content_type="image/jpeg")

    # -- as a process

    def listen(self, port=0):
        """Return a server for the app, ready to ``serve_forever``."""
        return make_server("127.0.0.1", port, self.app, threaded=True, request_handler=_Quiet)


class Running:
    """A fake server on a port of this machine, until ``stop``."""

    def __init__(self, fake, port=0):
        self._server = fake.listen(port)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def _refuse(status):
    assert str(status) in PROBLEMS
    text = "Error processing request." if status >= 500 else ""
    return Response(text, status, content_type="text/plain")


def _page(items, total, start):
    return {"Items": items, "TotalRecordCount": total, "StartIndex": start}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8096)
    parser.add_argument("--version", default="10.11")
    given = parser.parse_args()
    fake = FakeJellyfin(given.version)
    for path in sorted(given.folder.rglob("*.m*")):
        fake.shelf.movie(path.stem, path.read_bytes(), path=str(path))
    server = fake.listen(given.port)
    print(f"Jellyfin {fake.described.version} on port {given.port}, API key {API_KEY}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
