//! What happens to connections: prefaces, caps, age, drain, health, reflection.

use std::pin::pin;

use super::*;

/// Reads until the peer closes; gives the time it took.
async fn time_to_close(mut stream: TcpStream) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection was closed");
    started.elapsed()
}

#[tokio::test]
async fn a_connection_without_a_preface_is_closed() {
    let timeout = Duration::from_millis(200);
    let rig = rig(|config| config.preface_timeout = timeout);
    let connect = || TcpStream::connect(rig.server.local_addr());
    assert!(time_to_close(connect().await.unwrap()).await >= timeout / 2, "it got its time");
    let mut half = connect().await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    time_to_close(half).await;
    let mut wrong = connect().await.unwrap();
    wrong.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(time_to_close(wrong).await < timeout, "what can be no preface goes at once");
    assert_eq!(rig.metrics.refusals(Refusal::Preface), 3);
    assert!(rig.client().await.screen_call(call(b"1")).await.is_ok());
}

#[tokio::test]
async fn connections_are_capped_and_spread() {
    let rig = rig(|config| config.peer_connections_max = 4);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = rig.client().await;
        client.screen_call(call(b"1")).await.unwrap();
        clients.push(client);
    }
    let open: Vec<u64> = rig.metrics.cells().map(Cell::connections_open).collect();
    assert_eq!(open, [2, 2]);
    time_to_close(TcpStream::connect(rig.server.local_addr()).await.unwrap()).await;
    assert_eq!(rig.metrics.refusals(Refusal::PeerCap), 1);
    drop(clients);
    let closed = async {
        while rig.metrics.cells().any(|cell| cell.connections_open() > 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
    assert!(rig.client().await.screen_call(call(b"1")).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_dropped() {
    let rig = rig(|config| config.answer_timeout = Duration::from_millis(200));
    let stream = TcpStream::connect(rig.server.local_addr()).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (client, connection) = builder.initial_window_size(0).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let uri = "http://x/ringfence.screening.v1.ScreeningService/ScreenCall";
    let request = http::Request::post(uri).header("content-type", "application/grpc");
    let mut client: h2::client::SendRequest<Bytes> = client.ready().await.unwrap();
    let (response, mut sender) = client.send_request(request.body(()).unwrap(), false).unwrap();
    sender.send_data(frame(&call(b"1").encode_to_vec()).into(), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let ended = tokio::time::timeout(Duration::from_secs(5), body.data()).await;
    assert!(ended.unwrap().unwrap().is_err(), "the stream was reset");
    assert_eq!(rig.sum(|cell| &cell.deadline_drops), 1);
}

#[tokio::test]
async fn a_stream_may_live_longer_than_an_answer() {
    let rig = rig(|config| config.answer_timeout = Duration::from_millis(50));
    let mut client = rig.client().await;
    let (sender, receiver) = mpsc::channel(4);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers = client.clone().screen_stream(requests).await.unwrap().into_inner();
    for _ in 0..4 {
        // Unary calls in between, so that a mix-up of the two would show.
        client.screen_call(call(b"1")).await.unwrap();
        sender.send(stream_item(call(b"1"))).await.unwrap();
        assert!(answers.next().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(rig.sum(|cell| &cell.deadline_drops), 0);
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end_and_loses_nothing() {
    let rig = rig(|config| config.connection_age_max = Duration::from_millis(50));
    let mut client = rig.client().await;
    let mut answered = 0;
    while answered < 20 {
        match client.screen_call(call(b"1")).await {
            Ok(_) => answered += 1,
            // The client had it in its own queue when the connection ended: it was never sent.
            Err(status) => assert_eq!(status.code(), Code::Cancelled, "{status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(rig.fake.asked.load(Ordering::Relaxed), 20, "nothing was screened in vain");
    assert!(rig.sum(|cell| &cell.connections_opened) >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_loses_no_accepted_request() {
    let rig = rig(|_| {});
    let mut calls = Vec::new();
    for _ in 0..4 {
        let mut client = rig.client().await;
        client.screen_call(call(b"1")).await.unwrap();
        calls.push(tokio::spawn(async move { client.screen_call(call(SLOW)).await }));
    }
    let mut streaming = rig.client().await;
    let (sender, receiver) = mpsc::channel(4);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    sender.send(stream_item(call(b"1"))).await.unwrap();
    let mut answers = streaming.screen_stream(requests).await.unwrap().into_inner();
    assert!(answers.next().await.unwrap().is_ok());
    // All slow calls have been accepted, few have been answered.
    while rig.fake.asked.load(Ordering::Relaxed) < 4 + 1 + 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sender.send(stream_item(call(b"12"))).await.unwrap();
    let address = rig.server.local_addr();
    let drained = tokio::spawn(rig.server.drain());
    assert!(answers.next().await.unwrap().is_ok(), "what was sent is answered");
    let end = answers.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable, "{end:?}");
    let mut answered = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(status) => panic!("an accepted call was lost: {status:?}"),
        }
    }
    assert_eq!(answered, 4);
    let drained = drained.await.unwrap();
    assert_eq!((drained.connections_cut, drained.threads_left), (0, 0));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(rig.health.is_live() && !rig.health.is_ready());
}

#[tokio::test]
async fn health_is_told_and_its_watchers_hear_of_a_drain() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let rig = rig(|_| {});
    let mut client = HealthClient::new(rig.channel().await);
    let service = "ringfence.screening.v1.ScreeningService".to_owned();
    let request = HealthCheckRequest { service };
    let answer = client.check(request.clone()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    let mut watch = client.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let started = Instant::now();
    let drained = rig.server.drain().await;
    assert_eq!((drained.connections_cut, drained.threads_left), (0, 0));
    assert!(started.elapsed() < Duration::from_secs(5), "a watch does not hold up the drain");
    let mut rest = pin!(watch);
    while let Some(Ok(answer)) = rest.next().await {
        assert_eq!(answer.status(), ServingStatus::NotServing);
    }
}

#[tokio::test]
async fn health_says_no_before_a_ruleset_is_loaded() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let config = Config::new("127.0.0.1:0".parse().unwrap());
    let parts = Parts {
        screen: Arc::new(Fake::default()),
        metrics: Arc::new(Metrics::new(config.cores)),
        health: Health::new(),
    };
    let server = Server::start(config, parts).unwrap();
    let channel = Channel::from_shared(format!("http://{}", server.local_addr())).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let answer = client.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn reflection_lists_the_services() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::{v1, v1alpha};
    let rig = rig(|_| {});
    let mut client = ServerReflectionClient::new(rig.channel().await);
    let list = MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { message_request: Some(list), ..Default::default() };
    let answers = client.server_reflection_info(Request::new(tokio_stream::once(request)));
    let answer = answers.await.unwrap().into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("a list was asked for")
    };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    for name in ["ringfence.screening.v1.ScreeningService", "grpc.health.v1.Health"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    use v1alpha::server_reflection_client::ServerReflectionClient as Old;
    use v1alpha::server_reflection_request::MessageRequest as OldRequest;
    let symbol = "ringfence.screening.v1.ScreenCallRequest".to_owned();
    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(OldRequest::FileContainingSymbol(symbol)),
        ..Default::default()
    };
    let mut client = Old::new(rig.channel().await);
    let answers = client.server_reflection_info(Request::new(tokio_stream::once(request)));
    let answer = answers.await.unwrap().into_inner().next().await.unwrap().unwrap();
    use v1alpha::server_reflection_response::MessageResponse as OldResponse;
    assert!(matches!(answer.message_response, Some(OldResponse::FileDescriptorResponse(_))));
}
