"""Set up a node with one library and one film, then serve it. `make run` calls this.

Everything is done with the commands that the documentation shows, so this file is an example too.
Running it again finds what is there and just serves. VELOUR_DATA_DIR moves the data elsewhere.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DATA = Path(os.environ.get("VELOUR_DATA_DIR") or ROOT / "var" / "demo").resolve()
FILM = DATA.with_name(f"{DATA.name}-films") / "A Day at Sea (2026).mp4"
PASSWORD_FILE = DATA / "first-admin.txt"
ENVIRONMENT = {
    "VELOUR__LOGGING__FORMAT": "text",
    "VELOUR__LOGGING__LEVEL": "warning",
    **os.environ,
    "VELOUR_DATA_DIR": str(DATA),
}


def flask(*arguments: str, stdin: str = "") -> str:
    """Run one command of the node; stop here if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        input=stdin,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"`flask --app wsgi {' '.join(arguments)}` failed; what it says stands above.")
    return done.stdout


def begin_film() -> subprocess.Popen[bytes] | None:
    """Start drawing the film unless it is there; it takes about as long as the rest."""
    if FILM.exists():
        return None
    print("Drawing a one-minute film …", flush=True)
    FILM.parent.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen([sys.executable, str(ROOT / "deploy" / "demo_film.py"), str(FILM)])


def prepare_node() -> None:
    """Make the first admin, the library and its location."""
    if not json.loads(flask("user", "list", "--json"))["items"]:
        password = secrets.token_urlsafe(12)
        PASSWORD_FILE.touch(mode=0o600)
        PASSWORD_FILE.write_text(password, encoding="utf-8")
        flask(
            *("user", "create", "admin@example.org", "--username", "admin"),
            *("--password-stdin", "--admin"),
            stdin=password,
        )
    if not json.loads(flask("library", "list", "--json"))["items"]:
        flask("library", "create", "Films")
        flask(
            *("storage", "add", "Demo films", "--type", "local", "--library", "Films"),
            *("--option", f"path={FILM.parent}"),
        )


def scan() -> None:
    """Read the film in. One that was drawn just now still looks as if it were growing."""
    ENVIRONMENT["VELOUR__LIBRARY__GROWING_SECONDS"] = "0"
    flask("storage", "scan", "Demo films", "--wait")
    del ENVIRONMENT["VELOUR__LIBRARY__GROWING_SECONDS"]


def free_port(wanted: int) -> int:
    """Return ``wanted`` if nobody listens there, else some free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Prepare everything, say where it is, and become the server."""
    drawing = begin_film()
    print("Preparing the node …", flush=True)
    prepare_node()
    if drawing is not None and drawing.wait():
        sys.exit("The film could not be drawn; what went wrong stands above.")
    scan()
    port = free_port(int(os.environ.get("VELOUR__SERVER__PORT", "8080")))
    password = (
        PASSWORD_FILE.read_text(encoding="utf-8") if PASSWORD_FILE.exists() else "as you set it"
    )
    print(
        f"\n  Velour   http://127.0.0.1:{port}/"
        f"\n  Sign in  admin   {password}"
        f"\n  Data     {DATA}"
        "\n\n  Stop with Ctrl-C.\n",
        flush=True,
    )
    os.chdir(ROOT)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)]
    os.execve(  # noqa: S606 - becomes the server; no shell is wanted
        sys.executable, command, ENVIRONMENT
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
