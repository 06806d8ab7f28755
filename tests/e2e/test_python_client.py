"""The screening service as a carrier's Python program sees it."""

import queue
import threading
import time

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status
from google.protobuf import descriptor_pool, message_factory

import ringfence_client as rc
from conftest import free_port
from ringfence.screening.v1 import (
    call_pb2,
    common_pb2,
    message_pb2,
    outcome_pb2,
    screening_service_pb2,
    screening_service_pb2_grpc,
    verdict_pb2,
)

SERVICE = "ringfence.screening.v1.ScreeningService"
ALLOW = common_pb2.ACTION_ALLOW
# Generous: what is tested here is the answer, not the speed of a shared machine.
DEADLINE_S = 10
# Nothing wanted reads like this: fake police, a safe account, a link.
SCAM_ZH = "您好，我是市公安局民警，您涉嫌一宗洗钱案件，请立即将资金转到安全账户配合调查，切勿告诉家人。"
SCAM_EN = (
    "This is the police. There is a warrant for your arrest for money laundering. Transfer your "
    "funds to a safe account now and do not tell anyone: http://police-safe.example.top/pay"
)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.target) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return screening_service_pb2_grpc.ScreeningServiceStub(channel)


@pytest.fixture(scope="module")
def client(server):
    with rc.RingfenceClient(server.target, DEADLINE_S, DEADLINE_S) as client:
        assert client.wait_until_ready(DEADLINE_S)
        yield client


def codes(verdict):
    return [verdict_pb2.ReasonCode.Name(r.code).removeprefix("REASON_CODE_") for r in verdict.reasons]


def flags(verdict):
    return [verdict_pb2.VerdictFlag.Name(f).removeprefix("VERDICT_FLAG_") for f in verdict.flags]


def check_sound(verdict, envelope):
    """What holds of every verdict, whatever was asked."""
    assert verdict.action in (1, 2, 3, 4) and verdict.would_action in (1, 2, 3, 4)
    assert verdict.risk <= 1000
    assert len(verdict.reasons) <= 16
    assert all(r.code != 0 and len(r.evidence.encode()) <= 64 for r in verdict.reasons)
    assert verdict.action == ALLOW or verdict.reasons
    assert len(envelope.verdict_id) == 32 and int(envelope.verdict_id, 16) >= 0
    assert envelope.ruleset_revision >= 1 and len(envelope.ruleset_digest) == 32
    assert envelope.engine_version and envelope.HasField("screened_time")
    assert envelope.mode == verdict_pb2.MODE_ENFORCE


def screened(client, request):
    """A verdict, and never anything else."""
    is_call = isinstance(request, call_pb2.ScreenCallRequest)
    answer = client.screen_call(request) if is_call else client.screen_message(request)
    assert answer.failed_open is None, (answer.failed_open, answer.detail)
    check_sound(answer.verdict, answer.envelope)
    return answer.verdict


def violations(status):
    """Fields that a google.rpc.Status or an RpcError complains of."""
    status = rpc_status.from_call(status) if isinstance(status, grpc.RpcError) else status
    fields = []
    for detail in status.details:
        bad_request = error_details_pb2.BadRequest()
        if detail.Unpack(bad_request):
            fields += [violation.field for violation in bad_request.field_violations]
    return fields


def refused(method, request):
    """The fields that an INVALID_ARGUMENT names."""
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=DEADLINE_S)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, caught.value.details()
    return violations(caught.value)


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


# What the integration got wrong


def test_a_missing_recipient_is_named(stub):
    call = rc.call("+442079460018", "")
    assert refused(stub.ScreenCall, call) == ["recipient.raw"]
    assert refused(stub.ScreenCall, call_pb2.ScreenCallRequest()) == ["recipient.raw"]
    assert refused(stub.ScreenMessage, rc.message("A", "", b"x")) == ["recipient.raw"]


def test_sizes_over_the_limit_are_named(stub):
    long_text = rc.message("A", "+442079460018", b"x" * 20_000)
    assert refused(stub.ScreenMessage, long_text) == ["content.text"]
    long_number = rc.call("1" * 1025, "+442079460018")
    assert refused(stub.ScreenCall, long_number) == ["originator.raw"]
    both = rc.call("1" * 1025, "")
    both.request_id = "r" * 129
    assert sorted(refused(stub.ScreenCall, both)) == [
        "originator.raw", "recipient.raw", "request_id",
    ]


def test_contradictions_are_named(stub):
    request = rc.message("A", "+442079460018", b"x")
    request.tpdu.user_data = b"y"
    assert refused(stub.ScreenMessage, request) == ["content.text"]


def test_an_error_says_what_it_is(stub):
    with pytest.raises(grpc.RpcError) as caught:
        stub.ScreenCall(rc.call("+442079460018", ""), timeout=DEADLINE_S)
    infos = []
    for detail in rpc_status.from_call(caught.value).details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            infos.append(info)
    assert len(infos) == 1 and infos[0].reason and infos[0].domain


def test_an_oversized_message_is_refused_and_the_server_lives(stub, client):
    request = rc.message("A", "+442079460018", b"x" * 2_000_000)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ScreenMessage(request, timeout=DEADLINE_S)
    # UNAVAILABLE would invite a blind retry of what can never succeed.
    assert caught.value.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN)
    screened(client, rc.call("+442079460018", "+442079460959", "DOMESTIC"))


# Batches and streams


def items(kind):
    """Two good items around a bad one and an empty one."""
    good_call = rc.call("+442079460018", "+442079460959", "DOMESTIC")
    good_call.request_id = "call"
    bad = rc.call("+442079460018", "")
    bad.request_id = "bad"
    good_message = rc.message("+12025550143", "+442079460018", SCAM_EN.encode())
    good_message.request_id = "message"
    return [kind(call=good_call), kind(call=bad), kind(), kind(message=good_message)]


def check_items(results):
    assert [r.request_id for r in results] == ["call", "bad", "", "message"]
    assert [r.WhichOneof("outcome") for r in results] == ["verdict", "status", "status", "verdict"]
    for result in (results[0], results[3]):
        check_sound(result.verdict, result.envelope)
        assert result.envelope.request_id == result.request_id
    assert results[0].verdict.action == ALLOW and results[3].verdict.action != ALLOW
    for result in (results[1], results[2]):
        assert result.status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert not result.HasField("envelope")
    (field,) = violations(results[1].status)
    assert field.endswith("recipient.raw")


def test_a_bad_item_of_a_batch_hurts_no_other(stub):
    request = screening_service_pb2.ScreenBatchRequest(
        items=items(screening_service_pb2.ScreenBatchItem)
    )
    check_items(stub.ScreenBatch(request, timeout=DEADLINE_S).results)


def test_a_batch_has_bounds(stub):
    item = items(screening_service_pb2.ScreenBatchItem)[0]
    for count in (0, 257):
        request = screening_service_pb2.ScreenBatchRequest(items=[item] * count)
        assert refused(stub.ScreenBatch, request) == ["items"]
    request = screening_service_pb2.ScreenBatchRequest(items=[item] * 256)
    assert len(stub.ScreenBatch(request, timeout=DEADLINE_S).results) == 256


def test_a_bad_item_never_ends_a_stream(stub):
    requests = items(screening_service_pb2.ScreenStreamRequest)
    check_items(list(stub.ScreenStream(iter(requests), timeout=DEADLINE_S)))


def test_a_stream_is_pipelined_and_ordered(stub):
    def requests():
        for index in range(1000):
            call = rc.call("+442079460018", "+442079460959", "DOMESTIC")
            call.request_id = str(index)
            yield screening_service_pb2.ScreenStreamRequest(call=call)

    answers = stub.ScreenStream(requests(), timeout=3 * DEADLINE_S)
    assert [answer.request_id for answer in answers] == [str(index) for index in range(1000)]


def test_a_stream_answers_before_it_is_ended(stub):
    requests = queue.SimpleQueue()
    answers = stub.ScreenStream(iter(requests.get, None), timeout=DEADLINE_S)
    for item in items(screening_service_pb2.ScreenStreamRequest):
        requests.put(item)
        next(answers)
    requests.put(None)
    assert list(answers) == []


# Reports


def test_reports_are_taken_and_checked(stub):
    outcome = outcome_pb2.ReportOutcomeRequest(
        originator=rc.address("+442079460018"), recipient=rc.address("+442079460959"),
        applied_action=ALLOW, call=outcome_pb2.CallOutcome(answered=True),
    )
    stub.ReportOutcome(outcome, timeout=DEADLINE_S)
    outcome.ClearField("recipient")
    assert refused(stub.ReportOutcome, outcome) == ["recipient.raw"]
    feedback = outcome_pb2.ReportFeedbackRequest(
        originator=rc.address("+442079460018"), kind=outcome_pb2.FEEDBACK_KIND_FRAUD
    )
    stub.ReportFeedback(feedback, timeout=DEADLINE_S)
    feedback.ClearField("kind")
    assert refused(stub.ReportFeedback, feedback) == ["kind"]


# Deadlines and failing open


def test_a_deadline_is_kept(stub, client):
    # A stream that its caller never ends: nothing but the deadline can end it.
    requests = queue.SimpleQueue()
    started = time.monotonic()
    answers = stub.ScreenStream(iter(requests.get, None), timeout=0.5)
    requests.put(items(screening_service_pb2.ScreenStreamRequest)[0])
    next(answers)
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    requests.put(None)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert 0.4 < time.monotonic() - started < DEADLINE_S
    screened(client, rc.call("+442079460018", "+442079460959", "DOMESTIC"))


def check_fails_open(client, deadline_s):
    request = rc.message("+12025550143", "+442079460018", SCAM_EN.encode())
    started = time.monotonic()
    answers = [client.screen_call(rc.call("110", "+8613800138000")), client.screen_message(request)]
    # Room for the scheduler of a busy machine.
    assert time.monotonic() - started < 2 * deadline_s + 1
    for answer in answers:
        assert answer.action == "ALLOW"
        assert answer.failed_open in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
    assert sum(client.failed_open.values()) >= 2


def test_no_server_fails_open_within_the_deadline():
    with rc.RingfenceClient(f"127.0.0.1:{free_port()}") as client:
        check_fails_open(client, rc.MESSAGE_DEADLINE_S)


def test_a_server_that_goes_away_fails_open(own_server):
    with rc.RingfenceClient(own_server.target, 1, 1) as client:
        assert client.wait_until_ready(DEADLINE_S)
        screened(client, rc.call("+442079460018", "+442079460959", "DOMESTIC"))
        own_server.process.kill()
        own_server.wait()
        check_fails_open(client, 1)


# Independent clients


def test_reflection_describes_the_service(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    assert SERVICE in database.get_services()
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName(SERVICE).FindMethodByName("ScreenCall")
    request = message_factory.GetMessageClass(method.input_type)()
    response_class = message_factory.GetMessageClass(method.output_type)
    request.recipient.raw = b"+442079460018"
    ask = channel.unary_unary(
        f"/{SERVICE}/ScreenCall",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_class.FromString,
    )
    assert ask(request, timeout=DEADLINE_S).verdict.action in (1, 2, 3, 4)


def test_health_says_serving(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", SERVICE):
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health.Check(request, timeout=DEADLINE_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=DEADLINE_S)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


# Draining


def test_calls_in_flight_are_answered_on_a_drain(own_server):
    answered, stop = [], threading.Event()
    batch = screening_service_pb2.ScreenBatchRequest(items=[
        screening_service_pb2.ScreenBatchItem(
            message=rc.message("+12025550143", "+442079460018", SCAM_EN.encode())
        )
    ] * 256)

    def ask(stub):
        while not stop.is_set():
            started = time.monotonic()
            try:
                stub.ScreenBatch(batch, timeout=DEADLINE_S)
                answered.append((started, None))
            except grpc.RpcError as error:
                answered.append((started, error.code()))
                return

    # A subchannel pool of its own: each thread has a connection of its own.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    channels = [grpc.insecure_channel(own_server.target, options) for _ in range(4)]
    stubs = [screening_service_pb2_grpc.ScreeningServiceStub(channel) for channel in channels]
    threads = [threading.Thread(target=ask, args=(stub,)) for stub in stubs]
    for thread in threads:
        thread.start()
    time.sleep(1)
    asked_to_end = time.monotonic()
    own_server.terminate()
    code = own_server.wait()
    stop.set()
    for thread in threads:
        thread.join()
    assert code == 0, own_server.output()
    # A call needs some milliseconds to get from here onto the wire.
    accepted = [failure for started, failure in answered if started < asked_to_end - 0.05]
    assert len(accepted) > 10 and not any(accepted), accepted
    # What came too late is told so in a way that invites a retry elsewhere.
    late = {failure for _, failure in answered if failure}
    assert late <= {grpc.StatusCode.UNAVAILABLE}, late
    for channel in channels:
        channel.close()


def test_a_stream_in_flight_is_answered_on_a_drain(own_server):
    requests = queue.SimpleQueue()
    call = rc.call("+442079460018", "+442079460959", "DOMESTIC")
    item = screening_service_pb2.ScreenStreamRequest(call=call)
    with grpc.insecure_channel(own_server.target) as channel:
        stub = screening_service_pb2_grpc.ScreeningServiceStub(channel)
        answers = stub.ScreenStream(iter(requests.get, None), timeout=DEADLINE_S)
        requests.put(item)
        next(answers)
        for _ in range(200):
            requests.put(item)
        next(answers)
        own_server.terminate()
        for _ in range(199):
            next(answers)
        requests.put(None)
        assert list(answers) == []
        assert own_server.wait() == 0, own_server.output()
