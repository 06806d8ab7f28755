"""A list from a URL, as security staff meet it: subscribe, refresh, approve, block."""

import hashlib
import http.server
import json
import shutil
import ssl
import subprocess
import threading

import pytest

from conftest import Server, run

LISTED, LATER = "+8617012345678", "+8617012345679"
EVERYDAY = "+8613800138000"


class Feed:
    """An https server on loopback with a certificate of its own, that answers with one file."""

    def __init__(self, folder):
        self.certificate, key = folder / "feed.pem", folder / "feed.key"
        # A configuration of its own: that of the machine would make it an authority.
        (folder / "feed.cnf").write_text(
            "[req]\ndistinguished_name=name\nx509_extensions=extensions\nprompt=no\n"
            "[name]\nCN=feed\n"
            "[extensions]\nbasicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1\n"
        )
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-config", folder / "feed.cnf", "-keyout", key, "-out", self.certificate,
            ],
            check=True, capture_output=True,
        )
        self.octets, self.status, self.seen = b"", 200, []
        feed = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                etag = '"' + hashlib.sha256(feed.octets).hexdigest()[:16] + '"'
                same = self.headers.get("If-None-Match") == etag
                status = 304 if same and feed.status == 200 else feed.status
                feed.seen.append(status)
                self.send_response(status)
                self.send_header("ETag", etag)
                body = feed.octets if status == 200 else b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/reported.txt"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def feed(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    one = Feed(tmp_path)
    yield one
    one.close()


class Staff:
    """Commands against one server."""

    def __init__(self, server):
        self.server = server

    def tell(self, *words, who="anna"):
        """Runs a command to its end."""
        return run(
            *words, "--as", who, "--control-server", self.server.control_url, "--json",
        )

    def do(self, *words, who="anna"):
        """Runs a command that has to succeed; what it said last."""
        done = self.tell(*words, who=who)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def action(self, number):
        """What a call from there gets."""
        done = run(
            "screen", "call", "--from", number, "--to", EVERYDAY, "--server", self.server.url,
            "--json",
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["action"]

    def add(self, feed, *more):
        self.do(
            "list", "create", "reported.numbers", "--kind", "number", "--effect", "block",
            "--category", "CN08", "--commit",
        )
        return self.do(
            "source", "add", "reported", feed.url, "--list", "reported.numbers", "--replace",
            "--every", "1d", "--set", "reason=reported by many", *more,
        )

    def refresh(self, who="anna"):
        return self.do("source", "refresh", "reported", who=who)


def numbers(*more):
    # Over a hundred: a second person has to agree.
    return "".join(f"+8617099{n:06}\n" for n in range(150)).encode() + "".join(
        number + "\n" for number in more
    ).encode()


def test_a_source_fills_a_list(feed):
    allowed = ("--fetch-allow-address", "127.0.0.1", "--fetch-roots", str(feed.certificate))
    server = Server(*allowed)
    try:
        staff = Staff(server)
        added = staff.add(feed, "--auto-commit")
        assert added["format"] == "plain" and added["owner"] == "anna"
        assert added["interval_s"] == 86400 and added["asked"] is None and added["due"]

        feed.octets = numbers(LISTED)
        first = staff.refresh()
        assert first["outcome"] == "waits" and "second person" in first["what"], first
        assert staff.action(LISTED) != "BLOCK"
        change_set = str(first["change_set"])
        own = staff.tell("changeset", "approve", change_set)
        assert own.returncode == 1 and "another person" in own.stderr
        staff.do("changeset", "approve", change_set, who="boris")
        # Approved: the next look takes it live, and the source need not send it again.
        second = staff.refresh()
        assert second["outcome"] == "committed", second
        assert feed.seen == [200, 304]
        assert staff.action(LISTED) == "BLOCK" and staff.action(LATER) != "BLOCK"

        # A small change goes by itself.
        feed.octets = numbers(LATER)
        third = staff.refresh()
        assert third["outcome"] == "committed", third
        assert staff.action(LISTED) != "BLOCK" and staff.action(LATER) == "BLOCK"
        assert staff.refresh()["outcome"] == "unchanged"
        assert feed.seen == [200, 304, 200, 304]

        # A feed that fails, that is empty and that has shrunk changes nothing.
        feed.status = 503
        failed = staff.tell("source", "refresh", "reported")
        assert failed.returncode == 1 and "status 503" in failed.stderr
        feed.status, feed.octets = 200, b""
        empty = staff.tell("source", "refresh", "reported")
        assert empty.returncode == 1 and "no line holds a value" in empty.stderr
        state = staff.do("source", "ls")
        assert state["failed"] and "no line" in state["outcome"]
        feed.octets = numbers()[:15 * 16]
        shrunk = staff.refresh()
        assert shrunk["outcome"] == "draft" and "would lose" in shrunk["what"], shrunk
        assert staff.action(LATER) == "BLOCK"

        assert staff.do("audit", "verify")["ok"]
        staff.do("source", "remove", "reported", who="boris")
        events = staff.tell("audit", "ls", "--limit", "0").stdout.splitlines()
        said = [(e["event"], e["actor"]) for e in map(json.loads, events)]
        assert ("subscribed", "anna") in said and ("unsubscribed", "boris") in said
        # What was logged holds no number.
        assert LISTED[1:] not in server.output() and LATER[1:] not in server.output()
        server.terminate()
        assert server.wait() == 0
    finally:
        server.kill()


def test_an_address_that_is_not_public_is_refused(feed):
    server = Server("--fetch-roots", str(feed.certificate))
    try:
        staff = Staff(server)
        staff.add(feed)
        feed.octets = numbers(LISTED)
        refused = staff.tell("source", "refresh", "reported")
        assert refused.returncode == 1 and "not public" in refused.stderr, refused.stderr
        assert feed.seen == []
        plain = staff.tell(
            "source", "add", "other", "http://a.example/x", "--list", "reported.numbers",
        )
        assert plain.returncode == 1 and "https" in plain.stderr
    finally:
        server.kill()
