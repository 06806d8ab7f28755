"""What an integration got wrong, alone, in batches, on streams and in reports."""

import queue

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import ringfence_client as rc
from asking import ALLOW, DEADLINE_S, check_items, items, refused, screened, violations
from ringfence.screening.v1 import call_pb2, outcome_pb2, screening_service_pb2

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
    # UNAVAILABLE would invite a blind retry of what can never succeed.
    assert refused(stub.ScreenMessage, request) == ["request"]
    screened(client, rc.call("+442079460018", "+442079460959", "DOMESTIC"))


# Batches and streams


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


def test_an_unreadable_item_of_a_batch_hurts_no_other(channel):
    good, _, empty, _ = items(screening_service_pb2.ScreenBatchItem)
    # A request id that is no UTF-8: a client in another language can send it.
    ill_formed = b"\x0a\x05\x0a\x03\xff\xfe\xfd"
    octets = b"".join(
        b"\x0a" + bytes([len(item)]) + item
        for item in (good.SerializeToString(), ill_formed, empty.SerializeToString())
    )
    ask = channel.unary_unary(
        "/ringfence.screening.v1.ScreeningService/ScreenBatch",
        request_serializer=None,
        response_deserializer=screening_service_pb2.ScreenBatchResponse.FromString,
    )
    results = ask(octets, timeout=DEADLINE_S).results
    assert [r.WhichOneof("outcome") for r in results] == ["verdict", "status", "status"]
    assert violations(results[1].status) == ["attempt"]


def test_a_bad_item_never_ends_a_stream(stub):
    requests = items(screening_service_pb2.ScreenStreamRequest)
    check_items(list(stub.ScreenStream(iter(requests), timeout=DEADLINE_S)))


def test_an_oversized_item_never_ends_a_stream(stub):
    good, *_ = items(screening_service_pb2.ScreenStreamRequest)
    message = rc.message("A", "+442079460018", b"x" * 100_000)
    requests = [good, screening_service_pb2.ScreenStreamRequest(message=message), good]
    answers = stub.ScreenStream(iter(requests), timeout=DEADLINE_S)
    outcomes = [answer.WhichOneof("outcome") for answer in answers]
    assert outcomes == ["verdict", "status", "verdict"]


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
