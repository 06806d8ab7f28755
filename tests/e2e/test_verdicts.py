"""Verdicts as a carrier's Python program sees them: what is caught, allowed, flagged."""

import time

import pytest

import ringfence_client as rc
from asking import ALLOW, SCAM_EN, SCAM_ZH, codes, flags, refused, screened
from ringfence.screening.v1 import call_pb2, common_pb2, message_pb2

# Verdicts


def test_an_ordinary_call_is_allowed(client):
    verdict = screened(client, rc.call("+442079460018", "+442079460959", "DOMESTIC"))
    assert verdict.action == ALLOW and verdict.would_action == ALLOW


def test_a_domestic_number_from_abroad_is_caught_with_reasons(client):
    request = rc.call("+8675586660110", "+8613800138000", "INTERNATIONAL")
    verdict = screened(client, request)
    assert verdict.action != ALLOW
    assert "DOMESTIC_FROM_ABROAD" in codes(verdict)
    assert verdict.category == "ID01"


def test_the_police_number_as_a_caller_from_abroad_is_caught(client):
    request = rc.call("110", "+8613800138000", "INTERNATIONAL")
    request.ingress.region_code = "CN"
    verdict = screened(client, request)
    assert verdict.action in (common_pb2.ACTION_HOLD, common_pb2.ACTION_BLOCK)
    assert "RECEIVE_ONLY_ORIGINATOR" in codes(verdict)


@pytest.mark.parametrize("text", [SCAM_ZH, SCAM_EN], ids=["zh", "en"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
def test_hits_stand_where_the_offsets_say(client, text, encoding):
    octets = text.encode(encoding)
    request = rc.message("+8613800138000", "+8613800138001", octets)
    if encoding == "utf-16-be":
        request.content.encoding = message_pb2.TEXT_ENCODING_UTF16_BE
    verdict = screened(client, request)
    assert verdict.action in (common_pb2.ACTION_LABEL, common_pb2.ACTION_HOLD), verdict
    located = [r for r in verdict.reasons if r.HasField("span")]
    assert located, codes(verdict)
    for reason in located:
        start, end = reason.span.start, reason.span.end
        assert 0 <= start < end <= len(octets)
        # Strict decoding: a span that split a character would fail here.
        where = octets[start:end].decode(encoding)
        assert text.count(where)
        assert where.startswith(reason.evidence) and reason.evidence
        assert reason.evidence == where or len(where.encode()) > 64


def test_an_everyday_message_is_allowed(client):
    text = "Running ten minutes late, start without me. See you at the station!".encode()
    assert screened(client, rc.message("+442079460018", "+442079460959", text)).action == ALLOW


def test_equal_requests_get_equal_octets(client):
    request = rc.message("BANK", "+8613800138001", SCAM_ZH.encode())
    octets = {screened(client, request).SerializeToString(deterministic=True) for _ in range(5)}
    assert len(octets) == 1


def test_text_alone_never_blocks(client):
    text = (SCAM_ZH * 20).encode()
    verdict = screened(client, rc.message("+8613800138000", "+8613800138001", text))
    assert verdict.action != common_pb2.ACTION_BLOCK


def test_without_a_basis_the_text_is_not_read(client):
    request = rc.message("+8613800138000", "+8613800138001", SCAM_ZH.encode(), "UNSPECIFIED")
    verdict = screened(client, request)
    assert "TEXT_NOT_INSPECTED" in flags(verdict)
    assert not any(reason.HasField("span") or reason.evidence for reason in verdict.reasons)


def test_a_pdu_is_said_not_to_be_read(client):
    request = rc.message("+8613800138000", "+8613800138001", b"")
    request.tpdu.user_data = b"\xe8\x32\x9b\xfd\x06"
    assert "TEXT_NOT_INSPECTED" in flags(screened(client, request))


def test_a_part_that_cannot_be_gets_a_verdict(client):
    request = rc.message("+8613800138000", "+8613800138001", SCAM_ZH.encode())
    request.part.number, request.part.total = 3, 2
    verdict = screened(client, request)
    assert verdict.action != ALLOW and "DEGRADED" in flags(verdict)


@pytest.mark.parametrize("region, number", [
    ("CN", "110"), ("CN", "119"), ("CN", "120"), ("US", "911"), ("GB", "999"), ("GB", "112"),
    ("DE", "112"), ("FR", "112"),
])
@pytest.mark.parametrize(
    "originator", ["", "110", "+8613800138000", "x" * 400, "0" * 40],
    ids=["none", "itself", "mobile", "400-letters", "40-zeros"],
)
def test_an_emergency_recipient_is_always_allowed(client, region, number, originator):
    for trunk_class in ("INTERNATIONAL", "DOMESTIC"):
        request = rc.call(originator, number, trunk_class)
        request.ingress.region_code = region
        request.identity.verification_status = call_pb2.VERIFICATION_STATUS_FAILED
        verdict = screened(client, request)
        assert verdict.action == ALLOW and verdict.would_action == ALLOW
        assert "PROTECTED_RECIPIENT" in codes(verdict)


def test_an_unsupported_action_degrades_never_upward(client):
    request = rc.call("110", "+8613800138000", "INTERNATIONAL")
    request.ingress.region_code = "CN"
    request.supported_actions.append(ALLOW)
    verdict = screened(client, request)
    assert verdict.action == ALLOW and verdict.would_action != ALLOW
    assert "ACTION_DEGRADED" in flags(verdict)


# What the network carried is evidence


@pytest.mark.parametrize("originator", [
    b"", b"0" * 40, b"1" * 400, b"9" * 1024, b"abc", b"+86abc", b"\xff\xfe\x00", b"+", b"000000",
], ids=["none", "40", "400", "1024", "letters", "mixed", "octets", "plus", "zeros"])
def test_an_odd_originator_gets_a_verdict(client, originator):
    request = rc.call("", "+442079460018", "INTERNATIONAL")
    request.originator.raw = originator
    verdict = screened(client, request)
    assert set(codes(verdict)) & {"ORIGINATOR_MALFORMED", "ORIGINATOR_MISSING"}
    message = rc.message("", "+442079460018", b"hello")
    message.originator.raw = originator
    screened(client, message)


def test_an_unreadable_recipient_is_flagged(client):
    for number in ("1" * 40, "1" * 400, "abc"):
        assert "RECIPIENT_MALFORMED" in flags(screened(client, rc.call("+12025550143", number)))


@pytest.mark.parametrize("text, utf16", [
    (b"pay \xff\xfe now", False),
    (b"\xe5\xae", False),
    (b"\xc0\x80\xed\xa0\x80", False),
    (b"\xd8\x00\x00a", True),
    (b"\x00a\x00", True),
])
def test_ill_formed_text_is_flagged(client, text, utf16):
    request = rc.message("+12025550143", "+442079460018", text)
    if utf16:
        request.content.encoding = message_pb2.TEXT_ENCODING_UTF16_BE
    assert "TEXT_ILL_FORMED" in flags(screened(client, request))


def test_marks_without_end_do_no_harm(client):
    # As many as fit the limit of 16 KiB, on a word that is spelled with them.
    for text in ("a" + "\u0301" * 8000, "安" + "\u20dd" * 5000, "\u202e" * 5000):
        started = time.monotonic()
        screened(client, rc.message("+12025550143", "+442079460018", text.encode()))
        assert time.monotonic() - started < 2


def test_ten_thousand_marks_are_screened_or_refused_by_size(client, stub):
    fits = ("\u0301" * 8192).encode()
    assert len(fits) == 16384
    screened(client, rc.message("+12025550143", "+442079460018", fits))
    request = rc.message("+12025550143", "+442079460018", ("\u0301" * 10_000).encode())
    assert refused(stub.ScreenMessage, request) == ["content.text"]


def test_unknown_enum_values_count_as_unspecified(client):
    request = rc.call("+442079460018", "+442079460959", "DOMESTIC")
    request.ingress.direction = 77
    request.originator.nature = 99
    assert "UNKNOWN_ENUM" in flags(screened(client, request))
