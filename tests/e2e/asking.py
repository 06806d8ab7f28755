"""Requests, and what holds of every answer; for the tests of the screening service."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import ringfence_client as rc
from ringfence.screening.v1 import call_pb2, common_pb2, verdict_pb2

ALLOW = common_pb2.ACTION_ALLOW
# Generous: what is tested here is the answer, not the speed of a shared machine.
DEADLINE_S = 10
# Nothing wanted reads like this: fake police, a safe account, a link.
SCAM_ZH = "您好，我是市公安局民警，您涉嫌一宗洗钱案件，请立即将资金转到安全账户配合调查，切勿告诉家人。"
SCAM_EN = (
    "This is the police. There is a warrant for your arrest for money laundering. Transfer your "
    "funds to a safe account now and do not tell anyone: http://police-safe.example.top/pay"
)


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
