"""A client for Ringfence that a carrier's engineer can copy.

It asks before a call rings or a message is delivered, waits no longer than its deadline, and
fails open: whatever goes wrong, the attempt is completed, the answer says why, and it is counted.
Make the stubs first: ./generate.sh. Try it: python ringfence_client.py --help
"""

import argparse
import collections
import os
import sys
import threading
from dataclasses import dataclass
from typing import Optional

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated"))

# pylint: disable=wrong-import-position
from ringfence.screening.v1 import call_pb2, common_pb2, message_pb2, verdict_pb2  # noqa: E402
from ringfence.screening.v1 import screening_service_pb2_grpc  # noqa: E402

# What an attempt may be kept waiting: a call is being set up, a message is in a queue.
CALL_DEADLINE_S = 0.005
MESSAGE_DEADLINE_S = 0.050

CHANNEL_OPTIONS = [
    # A dead peer or a forgotten firewall state is found within 12 s, with traffic or without.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # A restarted server is found again soon; the usual back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # The deadline is shorter than any retry.
    ("grpc.enable_retries", 0),
    # A request and an answer are small; the server refuses more than 64 KiB anyway.
    ("grpc.max_send_message_length", 64 * 1024),
    ("grpc.max_receive_message_length", 1024 * 1024),
]


def name(enum, value: int, prefix: str, unknown: str) -> str:
    """The name of an enum value without its prefix; a newer server may send unknown ones."""
    return enum.Name(value).removeprefix(prefix) if value in enum.values() else unknown


@dataclass(frozen=True)
class Answer:
    """What to do with an attempt. With `failed_open` there was no verdict: complete it."""

    verdict: verdict_pb2.Verdict
    envelope: verdict_pb2.VerdictEnvelope
    # Why there was no verdict: a gRPC code such as "DEADLINE_EXCEEDED", else None.
    failed_open: Optional[str] = None
    # What the server said about it, for the log of the integration.
    detail: str = ""

    @property
    def action(self) -> str:
        """ALLOW, LABEL, HOLD or BLOCK; a value this client does not know counts as LABEL."""
        return name(common_pb2.Action, self.verdict.action, "ACTION_", unknown="LABEL")


class RingfenceClient:
    """One channel to one server; make one per process and use it from any thread."""

    def __init__(
        self,
        target: str = "127.0.0.1:50051",
        call_deadline_s: float = CALL_DEADLINE_S,
        message_deadline_s: float = MESSAGE_DEADLINE_S,
    ):
        self._call_deadline_s = call_deadline_s
        self._message_deadline_s = message_deadline_s
        self._channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._stub = screening_service_pb2_grpc.ScreeningServiceStub(self._channel)
        self._lock = threading.Lock()
        self._failed_open = collections.Counter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the channel."""
        self._channel.close()

    def wait_until_ready(self, timeout_s: float = 2.0) -> bool:
        """Connects ahead of the first attempt, which would else pay for it with its deadline.

        The first request of a process is still a slow one: send one for warming up.
        """
        try:
            grpc.channel_ready_future(self._channel).result(timeout=timeout_s)
            return True
        except grpc.FutureTimeoutError:
            return False

    @property
    def failed_open(self) -> dict:
        """How many attempts were completed without a verdict, by reason. Alert on its growth."""
        with self._lock:
            return dict(self._failed_open)

    def screen_call(self, request: call_pb2.ScreenCallRequest) -> Answer:
        """Screens one call attempt; never raises on a failed request."""
        return self._ask(self._stub.ScreenCall, request, self._call_deadline_s)

    def screen_message(self, request: message_pb2.ScreenMessageRequest) -> Answer:
        """Screens one message; never raises on a failed request."""
        return self._ask(self._stub.ScreenMessage, request, self._message_deadline_s)

    def _ask(self, method, request, deadline_s: float) -> Answer:
        try:
            answer = method(request, timeout=deadline_s)
        except grpc.RpcError as error:
            reason, detail = error.code().name, error.details() or ""
            with self._lock:
                self._failed_open[reason] += 1
            allow = verdict_pb2.Verdict(
                action=common_pb2.ACTION_ALLOW, would_action=common_pb2.ACTION_ALLOW
            )
            return Answer(allow, verdict_pb2.VerdictEnvelope(), reason, detail)
        return Answer(answer.verdict, answer.envelope)


def address(number: str) -> common_pb2.Address:
    """An address as the network carried it."""
    return common_pb2.Address(raw=os.fsencode(number))


def call(
    originator: str, recipient: str, trunk_class: str = "INTERNATIONAL", trunk_id: str = ""
) -> call_pb2.ScreenCallRequest:
    """A call attempt."""
    return call_pb2.ScreenCallRequest(
        originator=address(originator),
        recipient=address(recipient),
        ingress=common_pb2.Ingress(
            trunk_id=trunk_id, trunk_class=common_pb2.TrunkClass.Value(f"TRUNK_CLASS_{trunk_class}")
        ),
    )


def message(
    originator: str, recipient: str, text: bytes, basis: str = "CONTRACT"
) -> message_pb2.ScreenMessageRequest:
    """A message with its text in UTF-8. The basis says why its content may be read."""
    return message_pb2.ScreenMessageRequest(
        originator=address(originator),
        recipient=address(recipient),
        content=message_pb2.MessageContent(
            text=text, basis=message_pb2.ContentBasis.Value(f"CONTENT_BASIS_{basis}")
        ),
    )


def describe(answer: Answer, text: bytes = b"") -> str:
    """The answer for a person: the action, then every reason with its place in the text."""
    verdict, envelope = answer.verdict, answer.envelope
    if answer.failed_open:
        return f"{answer.action}  no verdict: {answer.failed_open} {answer.detail}"
    lines = [f"{answer.action}  risk {verdict.risk}  {verdict.category}".rstrip()]
    for reason in verdict.reasons:
        code = name(verdict_pb2.ReasonCode, reason.code, "REASON_CODE_", unknown=str(reason.code))
        line = f"  {code} {reason.points:+d} {reason.category} {reason.list} {reason.entry}"
        if reason.HasField("span"):
            start, end = reason.span.start, reason.span.end
            where = text[start:end].decode("utf-8", "replace")
            line += f"  at octets {start} to {end}: {where}"
        lines.append(line)
    digest = envelope.ruleset_digest.hex()[:12]
    lines.append(f"  revision {envelope.ruleset_revision} digest {digest}")
    return "\n".join(lines)


def main() -> int:
    """Screens one call and one message and prints the answers."""
    parser = argparse.ArgumentParser(description="Screens one call and one message.")
    parser.add_argument("--server", default="127.0.0.1:50051", help="host:port")
    parser.add_argument("--from", dest="originator", default="+8613800138000")
    parser.add_argument("--to", dest="recipient", default="+8613800138001")
    parser.add_argument(
        "--text", default="您涉嫌洗钱，请把钱转到安全账户，加微信，点击 http://a.example.top/x"
    )
    # A person waits longer than a switch, and the very first request of a process is its slowest.
    parser.add_argument("--deadline", type=float, default=1.0, help="seconds")
    args = parser.parse_args()
    text = os.fsencode(args.text)
    with RingfenceClient(args.server, args.deadline, args.deadline) as client:
        if not client.wait_until_ready():
            print(f"no server at {args.server}; what follows fails open", file=sys.stderr)
        answer = client.screen_call(call(args.originator, args.recipient))
        print("call    ", describe(answer))
        answer = client.screen_message(message(args.originator, args.recipient, text))
        print("message ", describe(answer, text))
        return 1 if client.failed_open else 0


if __name__ == "__main__":
    sys.exit(main())
