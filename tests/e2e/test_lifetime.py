"""Deadlines, failing open, draining, and clients that know nothing of ours."""

import queue
import threading
import time

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import ringfence_client as rc
from asking import DEADLINE_S, SCAM_EN, items, screened
from conftest import free_port
from ringfence.screening.v1 import screening_service_pb2, screening_service_pb2_grpc

SERVICE = "ringfence.screening.v1.ScreeningService"


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
