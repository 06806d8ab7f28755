"""Starts the built server for the tests in this folder.

RINGFENCE_BIN names the program; without it the newest of target/release and target/debug is used.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import pytest

pytest.register_assert_rewrite("asking")

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "python"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE / "generated")]

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


def program() -> str:
    """The program under test."""
    named = os.environ.get("RINGFENCE_BIN")
    built = [ROOT / "target" / profile / "ringfence" for profile in ("release", "debug")]
    found = [named] if named else sorted(
        (path for path in built if path.exists()), key=lambda p: p.stat().st_mtime, reverse=True
    )
    if not found:
        pytest.exit("no program to test: cargo build --release", returncode=3)
    return str(found[0])


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def run(*args: str, timeout: float = 60, **options) -> subprocess.CompletedProcess:
    """Runs the program to its end."""
    environment = {k: v for k, v in os.environ.items() if k != "RINGFENCE_SERVER"}
    return subprocess.run(
        [program(), *args], capture_output=True, text=True, timeout=timeout, check=False,
        env=environment, **options,
    )


class Server:
    """A server in a process of its own, with what it printed."""

    def __init__(self, *flags):
        self.port, self.control_port = free_port(), free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.target}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"
        self.data_dir = tempfile.mkdtemp(prefix="ringfence-e2e-")
        self.lines = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [
                program(), "serve", "--listen", self.target,
                "--control-listen", f"127.0.0.1:{self.control_port}",
                "--data-dir", self.data_dir, *flags,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        pipes = ((self.process.stdout, True), (self.process.stderr, False))
        self._readers = [
            threading.Thread(target=self._read, args=pipe, daemon=True) for pipe in pipes
        ]
        for reader in self._readers:
            reader.start()
        if not self._ready.wait(READY_TIMEOUT_S) or self.process.poll() is not None:
            self.kill()
            pytest.fail("the server did not become ready:\n" + self.output())

    def _read(self, pipe, is_stdout):
        for line in pipe:
            self.lines.append(line)
            if is_stdout and re.search(r"\bready\b", line):
                self._ready.set()
        # Ended: nobody needs to wait for it any longer.
        self._ready.set()

    def output(self) -> str:
        """All that it printed so far."""
        return "".join(self.lines)

    def terminate(self):
        """Asks it to end."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Waits for its end; its exit code."""
        code = self.process.wait(STOP_TIMEOUT_S)
        for reader in self._readers:
            reader.join(5)
        return code

    def kill(self):
        """Ends it, if it has not ended, and removes its data."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def server():
    """One server for all tests that leave it alive."""
    one = Server()
    yield one
    one.kill()


@pytest.fixture(scope="session")
def channel(server):
    """A channel of the stock library."""
    import grpc

    with grpc.insecure_channel(server.target) as channel:
        yield channel


@pytest.fixture(scope="session")
def stub(channel):
    """The generated stub."""
    from ringfence.screening.v1 import screening_service_pb2_grpc

    return screening_service_pb2_grpc.ScreeningServiceStub(channel)


@pytest.fixture(scope="session")
def client(server):
    """The example client, with deadlines that a busy machine keeps."""
    import ringfence_client as rc
    from asking import DEADLINE_S

    with rc.RingfenceClient(server.target, DEADLINE_S, DEADLINE_S) as client:
        assert client.wait_until_ready(DEADLINE_S)
        yield client


@pytest.fixture
def own_server():
    """A server for one test that ends it."""
    one = Server()
    yield one
    one.kill()
