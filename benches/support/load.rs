//! A closed loop of requests from threads of its own, the same towards every server, and what the
//! servers' threads spent meanwhile.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ringfence::wire::screening_v1 as pb;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use pb::screening_service_client::ScreeningServiceClient;

pub type Client = ScreeningServiceClient<Channel>;

/// What is sent, in turn.
#[derive(Clone)]
pub enum Work {
    Calls(Arc<[pb::ScreenCallRequest]>),
    Messages(Arc<[pb::ScreenMessageRequest]>),
    /// One stream a lane, with so many items in flight on it.
    Stream(Arc<[pb::ScreenStreamRequest]>, usize),
}

/// How much is sent at a time.
#[derive(Clone, Copy)]
pub struct Shape {
    pub connections: usize,
    /// On each connection.
    pub in_flight: usize,
}

/// What came of a round.
#[derive(Default)]
pub struct Tally {
    pub answers: u64,
    /// Of the thread that took longest.
    pub took: Duration,
    /// Nanoseconds of each request; none for streams.
    pub latencies: Vec<u32>,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.answers += other.answers;
        self.took = self.took.max(other.took);
        self.latencies.extend(other.latencies);
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
    }
}

/// A new connection.
pub async fn connect(address: SocketAddr) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("it is an address");
    Client::new(endpoint.connect().await.expect("the server listens"))
}

/// Client threads with open connections to every target.
pub struct Fleet {
    orders: Vec<mpsc::Sender<(usize, Duration)>>,
    tallies: mpsc::Receiver<Tally>,
}

impl Fleet {
    /// Connects.
    pub fn new(targets: &[SocketAddr], threads: usize, shape: Shape, work: &Work) -> Fleet {
        let (tally, tallies) = mpsc::channel();
        let orders = (0..threads).map(|index| {
            let (order, orders) = mpsc::channel();
            let (targets, work, tally) = (targets.to_vec(), work.clone(), tally.clone());
            let connections = (shape.connections + index) / threads;
            let client = move || run(&targets, connections, shape.in_flight, &work, orders, tally);
            let builder = thread::Builder::new().name("client".to_owned());
            builder.spawn(client).expect("a thread can be started");
            order
        });
        Fleet { orders: orders.collect(), tallies }
    }

    /// One round against one target.
    pub fn round(&self, target: usize, time: Duration) -> Tally {
        for order in &self.orders {
            order.send((target, time)).expect("client threads live as long as the fleet");
        }
        let mut sum = Tally::default();
        for _ in &self.orders {
            sum.add(self.tallies.recv().expect("client threads live as long as the fleet"));
        }
        sum
    }
}

fn run(
    targets: &[SocketAddr],
    connections: usize,
    in_flight: usize,
    work: &Work,
    orders: mpsc::Receiver<(usize, Duration)>,
    tally: mpsc::Sender<Tally>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let mut clients: Vec<Vec<Client>> = Vec::new();
    for target in targets {
        let connect = async {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(connect(*target).await);
            }
            clients
        };
        clients.push(runtime.block_on(connect));
    }
    while let Ok((target, time)) = orders.recv() {
        let round = runtime.block_on(round(&clients[target], in_flight, work, time));
        if tally.send(round).is_err() {
            return;
        }
    }
}

async fn round(clients: &[Client], in_flight: usize, work: &Work, time: Duration) -> Tally {
    let start = Instant::now();
    let mut lanes = JoinSet::new();
    for (index, client) in clients.iter().enumerate() {
        for lane in 0..in_flight {
            let (client, work) = (client.clone(), work.clone());
            // Far apart, so that lanes do not ask the same at the same time.
            let first = (index * in_flight + lane) * 7919;
            lanes.spawn(async move {
                let tally = self::lane(client, &work, first, start + time).await;
                tally.expect("every request gets an answer")
            });
        }
    }
    let mut sum = Tally::default();
    while let Some(tally) = lanes.join_next().await {
        sum.add(tally.expect("no lane panics"));
    }
    sum.took = start.elapsed();
    sum
}

async fn lane(
    mut client: Client,
    work: &Work,
    mut turn: usize,
    until: Instant,
) -> Result<Tally, Status> {
    if let Work::Stream(items, window) = work {
        return stream(client, items, *window, until).await;
    }
    let mut tally = Tally::default();
    loop {
        let start = Instant::now();
        if start >= until {
            return Ok(tally);
        }
        let envelope = match work {
            Work::Calls(calls) => {
                let call = calls[turn % calls.len()].clone();
                client.screen_call(call).await?.into_inner().envelope
            }
            Work::Messages(messages) => {
                let message = messages[turn % messages.len()].clone();
                client.screen_message(message).await?.into_inner().envelope
            }
            Work::Stream(..) => None,
        };
        envelope.ok_or_else(|| Status::internal("an answer without its envelope"))?;
        let latency = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
        tally.latencies.push(latency);
        tally.answers += 1;
        turn += 1;
    }
}

async fn stream(
    mut client: Client,
    items: &[pb::ScreenStreamRequest],
    window: usize,
    until: Instant,
) -> Result<Tally, Status> {
    let (send, requests) = tokio::sync::mpsc::channel(window);
    let mut turns = items.iter().cycle().cloned();
    for item in turns.by_ref().take(window) {
        send.try_send(item).expect("there is room for the window");
    }
    let mut answers = client.screen_stream(ReceiverStream::new(requests)).await?.into_inner();
    let mut send = Some(send);
    let mut tally = Tally::default();
    while let Some(answer) = answers.message().await? {
        answer.envelope.ok_or_else(|| Status::internal("an answer without its envelope"))?;
        tally.answers += 1;
        if Instant::now() >= until {
            send = None;
        }
        if let (Some(send), Some(item)) = (&send, turns.next()) {
            drop(send.send(item).await);
        }
    }
    Ok(tally)
}

/// Nanoseconds that threads of this process whose name starts so have run; `None` where the system
/// does not say.
pub fn thread_cpu(name: &str) -> Option<u64> {
    let mut sum = None;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let path = task.ok()?.path();
        if fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.starts_with(name)) {
            let text = fs::read_to_string(path.join("schedstat")).ok()?;
            let run: u64 = text.split_whitespace().next()?.parse().ok()?;
            sum = Some(sum.unwrap_or(0) + run);
        }
    }
    sum
}
