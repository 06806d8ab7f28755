//! What is too large, unreadable or too much: refused alone, and nobody else waits for it.

use super::*;
use crate::wire::limits;

/// Verdict or status of each item of a raw answer to a stream.
fn stream_outcomes(answer: &RawAnswer) -> Vec<Option<i32>> {
    use pb::screen_stream_response::Outcome;
    let mut octets = &answer.body[..];
    let mut outcomes = Vec::new();
    while let [0, a, b, c, d, rest @ ..] = octets {
        let (one, rest) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        outcomes.push(match pb::ScreenStreamResponse::decode(one).unwrap().outcome.unwrap() {
            Outcome::Verdict(_) => None,
            Outcome::Status(status) => Some(status.code),
        });
        octets = rest;
    }
    outcomes
}

/// A call with an Identity header of so many octets.
fn large(octets: usize) -> pb::ScreenCallRequest {
    let header = Bytes::from(vec![b'x'; octets]);
    let identity = pb::CallIdentity { identity_headers: vec![header], ..Default::default() };
    pb::ScreenCallRequest { identity: Some(Box::new(identity)), ..call(b"1") }
}

/// The limit in octets that a refusal names.
fn named_limit(status: &Status) -> usize {
    assert_eq!((status.code(), fields(status)), (Code::InvalidArgument, vec!["request".into()]));
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "MESSAGE_TOO_LARGE");
    let limit = info.metadata["bytes_max"].parse().unwrap();
    assert!(status.message().contains(&format!("at most {limit} octets")), "{status:?}");
    limit
}

#[tokio::test]
async fn an_oversize_message_is_refused_and_the_connection_lives() {
    use pb::screen_batch_item::Attempt;
    let rig = rig(|_| {});
    let mut client = rig.client().await;
    let item = |call| pb::ScreenBatchItem { attempt: Some(Attempt::Call(Box::new(call))) };
    let status = client.screen_call(large(limits::MESSAGE_BYTES_MAX)).await.unwrap_err();
    assert_eq!(named_limit(&status), limits::MESSAGE_BYTES_MAX);
    // As an item of a batch it fits the frame, and its field is named.
    let items = vec![item(large(limits::MESSAGE_BYTES_MAX))];
    let answer = client.screen_batch(pb::ScreenBatchRequest { items }).await.unwrap();
    assert!(answer.into_inner().results[0].envelope.is_none());
    let items = vec![item(large(60_000)); 18];
    let status = client.screen_batch(pb::ScreenBatchRequest { items }).await.unwrap_err();
    assert_eq!(named_limit(&status), limits::BATCH_BYTES_MAX);
    assert!(client.screen_call(call(b"1")).await.is_ok());
    assert_eq!(rig.metrics.errors(ErrorCode::InvalidArgument), 3);
}

#[tokio::test]
async fn a_bad_stream_item_is_refused_alone() {
    let rig = rig(|_| {});
    let good = stream_item(call(b"123")).encode_to_vec();
    let oversize = stream_item(large(limits::MESSAGE_BYTES_MAX)).encode_to_vec();
    let items = [&good[..], b"\xff\xff\xff\xff rubbish", &good, &oversize, &good];
    let body = items.map(frame).concat();
    let answer = raw_request(&rig, "ScreenStream", None, Some(body)).await;
    assert_eq!(stream_outcomes(&answer), [None, Some(3), None, Some(3), None]);
    assert_eq!(answer.status, Some(Code::Ok));
}

#[tokio::test]
async fn what_is_no_item_ends_a_stream() {
    let rig = rig(|_| {});
    let good = stream_item(call(b"123")).encode_to_vec();
    let absurd = stream_item(large(limits::STREAM_ITEM_BYTES_MAX)).encode_to_vec();
    let mut compressed = frame(&good);
    compressed[0] = 1;
    for end in [frame(&absurd), compressed, frame(&good)[..9].to_vec()] {
        let body = [frame(&good), end, frame(&good)].concat();
        let body = if body.len() < 1000 { body[..body.len() - 1].to_vec() } else { body };
        let answer = raw_request(&rig, "ScreenStream", None, Some(body)).await;
        assert_eq!(stream_outcomes(&answer)[0], None, "what came before is answered");
        assert_eq!(answer.status, Some(Code::InvalidArgument));
    }
}

#[tokio::test]
async fn an_unreadable_request_is_the_callers_fault() {
    let rig = rig(|_| {});
    let good = frame(&call(b"1").encode_to_vec());
    let mut compressed = good.clone();
    compressed[0] = 1;
    let cut = good[..good.len() - 1].to_vec();
    for body in [frame(b"\xff\xff\xff\xff"), compressed, cut, Vec::new()] {
        let answer = raw_request(&rig, "ScreenCall", None, Some(body)).await;
        assert_eq!(answer.status, Some(Code::InvalidArgument));
    }
    assert_eq!(rig.metrics.errors(ErrorCode::Internal), 0);
}

#[tokio::test]
async fn an_unreadable_batch_item_is_refused_alone() {
    use pb::screen_batch_result::Outcome;
    let rig = rig(|_| {});
    let field = |octets: &[u8]| [&[0x0a, octets.len() as u8], octets].concat();
    // The same octets as an item of a stream.
    let good = field(&stream_item(call(b"123")).encode_to_vec());
    let ill_formed_id = field(b"\x0a\x05\x0a\x03\xff\xfe\xfd");
    let no_protobuf = field(b"\xff\xff\xff\xff");
    let body = [&good[..], &ill_formed_id, &no_protobuf, &good].concat();
    let answer = raw_request(&rig, "ScreenBatch", None, Some(frame(&body))).await;
    assert_eq!(answer.status, Some(Code::Ok));
    let answer = pb::ScreenBatchResponse::decode(&answer.body[5..]).unwrap();
    let codes: Vec<Option<i32>> = answer
        .results
        .iter()
        .map(|result| match result.outcome.as_ref().unwrap() {
            Outcome::Verdict(_) => None,
            Outcome::Status(status) => Some(status.code),
        })
        .collect();
    assert_eq!(codes, [None, Some(3), Some(3), None]);
    // What cannot be cut into items, and what holds too many of whatever kind.
    for body in [[&good[..], b"\x0a\x7f rest"].concat(), no_protobuf.repeat(257)] {
        let answer = raw_request(&rig, "ScreenBatch", None, Some(frame(&body))).await;
        assert_eq!(answer.status, Some(Code::InvalidArgument));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_lets_others_have_their_turn() {
    use pb::screen_batch_item::Attempt;
    let rig = rig(|config| config.cores = 1);
    let mut client = rig.client().await;
    client.screen_call(call(b"1")).await.unwrap();
    let item = pb::ScreenBatchItem { attempt: Some(Attempt::Call(Box::new(call(SLOW)))) };
    let items = vec![item; 10];
    let mut other = rig.client().await;
    let batch = async move { other.screen_batch(pb::ScreenBatchRequest { items }).await };
    let batch = tokio::spawn(batch);
    while rig.fake.asked.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    client.screen_call(call(b"1")).await.unwrap();
    let asked = rig.fake.asked.load(Ordering::Relaxed);
    assert!(asked < 10, "the call waited for the batch: {asked} were screened before its answer");
    assert_eq!(batch.await.unwrap().unwrap().into_inner().results.len(), 10);
}

/// A connection by hand, whose requests are cancelled as soon as they are sent.
struct Canceller {
    stream: TcpStream,
    next_id: u32,
}

impl Canceller {
    async fn connect(rig: &Rig) -> Canceller {
        let mut stream = TcpStream::connect(rig.server.local_addr()).await.unwrap();
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        stream.write_all(&settings).await.unwrap();
        Canceller { stream, next_id: 1 }
    }

    /// HEADERS (RFC 9113 clause 6.2), with RST_STREAM (6.4) behind them where asked.
    fn request(&mut self, cancel: bool) -> Vec<u8> {
        let path = b"/ringfence.screening.v1.ScreeningService/ScreenCall";
        // HPACK (RFC 7541): POST, http, then literals of :path, :authority and content-type.
        let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
        block.extend_from_slice(path);
        block.extend_from_slice(b"\x01\x01x\x0f\x10\x10application/grpc");
        let id = self.next_id.to_be_bytes();
        self.next_id += 2;
        let head = |length: usize, kind, flags| [0, 0, length as u8, kind, flags];
        let mut frames = [&head(block.len(), 1, 4)[..], &id, &block].concat();
        if cancel {
            frames.extend([&head(4, 3, 0)[..], &id, &8u32.to_be_bytes()].concat());
        }
        frames
    }

    /// Cancels so many requests while the only core is busy; the error of the GOAWAY, if any.
    ///
    /// The server may close with octets unread, and then the network may lose the GOAWAY.
    async fn cancel(&mut self, rig: &Rig, count: usize) -> Option<Result<u32, std::io::Error>> {
        let mut busy = rig.client().await;
        let asked = rig.fake.asked.load(Ordering::Relaxed);
        let busy = tokio::spawn(async move { busy.screen_call(call(SLOW)).await });
        while rig.fake.asked.load(Ordering::Relaxed) == asked {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut octets: Vec<u8> = (0..count).flat_map(|_| self.request(true)).collect();
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        octets.extend_from_slice(&ping);
        // An end by GOAWAY may cut the writing short.
        let _ = self.stream.write_all(&octets).await;
        busy.await.unwrap().unwrap();
        loop {
            match self.frame().await {
                Ok((7, _, payload)) => {
                    return Some(Ok(u32::from_be_bytes(payload[4..8].try_into().unwrap())));
                }
                Ok((6, 1, _)) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Type, flags and payload of the next frame.
    async fn frame(&mut self) -> Result<(u8, u8, Vec<u8>), std::io::Error> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok((head[3], head[4], payload))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_calls_keep_their_connection_and_a_flood_does_not() {
    const ENHANCE_YOUR_CALM: u32 = 11;
    let rig = rig(|config| config.cores = 1);
    let mut gateway = Canceller::connect(&rig).await;
    for _ in 0..3 {
        let ended = gateway.cancel(&rig, 200).await;
        assert!(ended.is_none(), "deadlines that pass are no attack: {ended:?}");
    }
    let mut attacker = Canceller::connect(&rig).await;
    let ended = attacker.cancel(&rig, 400).await.expect("a flood ends its connection");
    assert!(ended.as_ref().map_or(true, |code| *code == ENHANCE_YOUR_CALM), "{ended:?}");
    assert!(rig.client().await.screen_call(call(b"1")).await.is_ok());
}
