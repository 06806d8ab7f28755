//! The commands and the services over a fake write side, on a real control port.

mod sources;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser as _;
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::app::changes::Control;
use crate::app::changes::api::Refusal;
use crate::app::changes::ports::LogError;
use crate::app::clock::SteadyClock;
use crate::app::health::Health;
use crate::app::metrics::Metrics;
use crate::app::screening::{RulesetInfo, RulesetStatus};
use crate::cli::{Cli, Command, ListCommand};
use crate::grpc::control::testing::Fake;
use crate::grpc::control::{Gate, Parts, service};
use crate::http;
use crate::model::catalogue::Cursor;
use crate::wire::lists_v1 as pb;

use super::client::{Client, ControlArgs};
use super::import::{self, Format};
use super::{ControlCommand, run, show};

struct NoRuleset;

impl RulesetInfo for NoRuleset {
    fn ruleset(&self) -> Option<RulesetStatus> {
        None
    }
}

/// A control port on a thread of its own, and what is behind it.
struct Port {
    address: SocketAddr,
    fake: Arc<Fake>,
    _stop: watch::Sender<bool>,
}

fn port() -> Port {
    port_with(true)
}

fn port_with(services: bool) -> Port {
    let fake = Arc::new(Fake::default());
    let control = Arc::clone(&fake) as Arc<dyn Control>;
    let gate = Gate { token_sha256: Some(sha2::Sha256::digest(b"secret").into()) };
    let grpc = service(Parts { control, gate }).unwrap();
    let parts = http::Parts {
        metrics: Arc::new(Metrics::new(1)),
        health: Health::new(),
        ruleset: Arc::new(NoRuleset),
        clock: Arc::new(SteadyClock::new()),
        grpc: services.then_some(grpc),
    };
    let (stop, stopped) = watch::channel(false);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let any = "127.0.0.1:0".parse().unwrap();
            let control = http::Control::bind(any, parts).await.unwrap();
            tell.send(control.local_addr().unwrap()).unwrap();
            control.run(stopped).await;
        });
    });
    Port { address: told.recv().unwrap(), fake, _stop: stop }
}

impl Port {
    /// Runs a command line against it.
    fn command(&self, line: &str) -> Result<(), String> {
        let address = self.address.to_string();
        let words = line.split_whitespace().map(|word| word.replace('·', " "));
        let words = std::iter::once("ringfence".to_owned()).chain(words);
        let end = ["--control-server".to_owned(), address];
        let cli = Cli::try_parse_from(words.chain(end)).map_err(|e| e.to_string())?;
        match cli.command {
            Command::Control(command) => run(&command),
            Command::List(command) => crate::cli::list(&command),
            _ => panic!("{line} is no control command"),
        }
        .map_err(|e| e.to_string())
    }

    async fn client(&self, actor: Option<&str>, token_file: Option<PathBuf>) -> Client {
        let control_server =
            crate::cli::client::ServerAddress::parse(&self.address.to_string()).unwrap();
        let actor = actor.map(str::to_owned);
        let args = ControlArgs { control_server, actor, token_file, json: false };
        Client::connect(&args).await.unwrap()
    }

    fn with_list(self) -> Port {
        self.command("list create bad.numbers --kind number --effect block --commit --as anna")
            .unwrap();
        self
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn command_lines_are_read() {
    for line in [
        "ringfence list ls",
        "ringfence list show a --at 3 --json",
        "ringfence list create a --kind keyword --effect label --label marketing --traffic message",
        "ringfence list create a --kind number --points -50 --valid-until 2027-01-01",
        "ringfence entry add a +8613800138000 +8610* --set category=CN08 --reason r --commit",
        "ringfence entry add a --set id=x --set all=y --change-set 4",
        "ringfence entry add a v --commit --accept-warnings --break-glass fire",
        "ringfence entry remove a v --as anna",
        "ringfence entry ls a --prefix +86 --limit 0",
        "ringfence changeset new title --ticket T-1",
        "ringfence changeset show 3",
        "ringfence changeset ls --state submitted",
        "ringfence changeset edits 3",
        "ringfence changeset unedit 3 0 1 2",
        "ringfence changeset check 3",
        "ringfence changeset preview 3",
        "ringfence changeset submit 3 --accept-warnings",
        "ringfence changeset approve 3 --note fine",
        "ringfence changeset reject 3 --note no",
        "ringfence changeset withdraw 3",
        "ringfence changeset commit 3 --break-glass fire",
        "ringfence changeset review 3 --note ok",
        "ringfence import f.csv --list a --map phone=value,b=reason --region CN --replace",
        "ringfence import - --list a --format ftc-dnc --submit --yes",
        "ringfence export a --format jsonl --at 4 -o f",
        "ringfence why +8613800138000 --at 3",
        "ringfence why --text t",
        "ringfence why --sender s",
        "ringfence why --link l",
        "ringfence why --entry a k",
        "ringfence history a k",
        "ringfence diff 0 5 --limit 0",
        "ringfence rollback 4 --reason r",
        "ringfence audit ls --after 5",
        "ringfence audit erase 4 5 --reason court --yes",
        "ringfence mode observe --reason r",
        "ringfence mode label-only --trunk t1 --reason r --token-file f",
    ] {
        if let Err(e) = parse(line) {
            panic!("{line}: {e}");
        }
    }
    for line in [
        "ringfence list create a",
        "ringfence list create a --kind nope",
        "ringfence list create a --kind number --effect label",
        "ringfence entry add a v --set nothing",
        "ringfence entry add a v --break-glass fire",
        "ringfence entry add a v --change-set 3 --title t",
        "ringfence entry remove a",
        "ringfence changeset reject 3",
        "ringfence changeset unedit 3",
        "ringfence import f",
        "ringfence import f --list a --yes",
        "ringfence why",
        "ringfence why 1 --text t",
        "ringfence why --entry a",
        "ringfence rollback 4",
        "ringfence audit erase 4 --reason r",
        "ringfence mode off --reason r",
        "ringfence mode observe",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn options_land_where_they_belong() {
    let cli = parse("ringfence import f.csv.gz --list a --map phone=value,why=reason --set x=y=z");
    let Command::Control(ControlCommand::Import(args)) = cli.unwrap().command else {
        panic!("an import")
    };
    let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
    assert_eq!(args.map, [pair("phone", "value"), pair("why", "reason")]);
    assert_eq!(args.cells, [pair("x", "y=z")]);
    assert_eq!(args.control.control_server.to_string(), super::client::DEFAULT_CONTROL);
    let cli = parse("ringfence list ls --control-server 10.0.0.1 --as anna").unwrap();
    let Command::List(ListCommand::Ls(args)) = cli.command else { panic!("a list") };
    assert!(format!("{args:?}").contains("50052"), "the control port is the default: {args:?}");
    for (file, format) in [
        ("a.csv", Format::Csv),
        ("a.txt.gz", Format::Plain),
        ("a.jsonl.zst", Format::Jsonl),
        ("a.json", Format::Stix),
        ("-", Format::Csv),
    ] {
        assert_eq!(import::format_of(Path::new(file)), format, "{file}");
    }
}

#[test]
fn metrics_and_grpc_share_the_port() {
    let port = port().with_list();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = port.client(Some("anna"), None).await;
        for _ in 0..3 {
            let request =
                client.ask(pb::GetListRequest { list_id: "bad.numbers".to_owned(), revision: 0 });
            let list = client.lists().get_list(request).await.unwrap().into_inner().list.unwrap();
            assert_eq!(list.spec.unwrap().effect(), pb::Effect::Block);
            for (head, status) in [("GET /metrics", "200"), ("POST /metrics", "405")] {
                let mut stream = tokio::net::TcpStream::connect(port.address).await.unwrap();
                let request = format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut page = String::new();
                stream.read_to_string(&mut page).await.unwrap();
                assert!(page.starts_with(&format!("HTTP/1.1 {status}")), "{page}");
            }
        }
    });
}

#[test]
fn callers_need_a_name_or_a_token() {
    let port = port().with_list();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, token: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, token).unwrap();
        path
    };
    let (right, wrong) = (file("right", "secret\n"), file("wrong", "guess"));
    runtime.block_on(async {
        let ask = async |client: &Client| {
            let draft = Some(pb::Draft { title: "t".to_owned(), ..Default::default() });
            let request = pb::CreateChangeSetRequest { draft, request_id: String::new() };
            client.sets().create_change_set(client.ask(request)).await
        };
        let admin = port.client(None, Some(right.clone())).await;
        let set = ask(&admin).await.unwrap().into_inner().change_set.unwrap();
        assert_eq!(set.author, "admin");
        let named = port.client(Some("eve"), Some(right)).await;
        let set = ask(&named).await.unwrap().into_inner().change_set.unwrap();
        assert_eq!(set.author, "eve");
        let status = ask(&port.client(Some("eve"), Some(wrong)).await).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "BAD_TOKEN"));
        let status = ask(&port.client(Some("ringfence"), None).await).await.unwrap_err();
        assert_eq!(reason(&status), "BAD_ACTOR");
        // Streams, too.
        let nobody = tonic::Request::new(pb::VerifyLogRequest {});
        let status = admin.audit().verify_log(nobody).await.unwrap_err();
        assert_eq!(reason(&status), "ACTOR_NEEDED");
        assert!(status.message().contains("--as"), "{}", status.message());
    });
}

#[test]
fn large_and_unreadable_requests_are_the_callers_fault() {
    let port = port().with_list();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = port.client(Some("anna"), None).await;
        let question = Some(pb::why_request::Question::Text("x".repeat(2 << 20)));
        let request = client.ask(pb::WhyRequest { question, revision: 0 });
        let status = client.lists().why(request).await.unwrap_err();
        let found = (status.code(), reason(&status));
        assert_eq!(found, (Code::InvalidArgument, "MESSAGE_TOO_LARGE".to_owned()));
        port.fake.0.lock().unwrap().refuse = Some(Refusal::Unknown("fsync".to_owned()));
        let request = client.ask(pb::ListListsRequest::default());
        let status = client.lists().list_lists(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown);
    });
}

#[test]
fn what_is_not_served_is_said_so() {
    let port = port();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = port.client(Some("anna"), None).await;
        // The data port's service on the control port: a mistake that is easily made.
        let server = crate::cli::client::ServerAddress::parse(&port.address.to_string()).unwrap();
        let mut screening = crate::cli::client::screening(&server).await.unwrap();
        let status = screening.screen_call(client.ask(Default::default())).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unimplemented, "UNKNOWN_METHOD")
        );
    });
}

#[test]
fn a_server_without_a_write_side_says_so() {
    let error = port_with(false).command("list ls --as anna").unwrap_err();
    assert!(error.starts_with("UNIMPLEMENTED: this server has no control services"), "{error}");
    assert!(error.contains("\nnext: is this the control port?"), "{error}");
}

#[test]
fn a_panic_costs_one_call() {
    let port = port();
    port.fake.0.lock().unwrap().panic = true;
    let error = port.command("list ls --as anna").unwrap_err();
    assert!(error.starts_with("INTERNAL"), "{error}");
    // The fake's lock is poisoned by design; the port itself goes on.
    let error = port.command("list ls --as anna").unwrap_err();
    assert!(error.starts_with("INTERNAL"), "{error}");
}

#[test]
fn the_story_of_a_change() {
    let port = port().with_list();
    port.command("entry add bad.numbers +8613800138000 --commit --as anna").unwrap();
    assert_eq!(port.fake.0.lock().unwrap().revision, 2);
    let add = "entry add bad.numbers +8613800138001 +8613800138002 +8613800138003 --as anna";
    let error = port.command(&format!("{add} --commit")).unwrap_err();
    assert!(error.contains("a second person has to agree"), "{error}");
    let id = port.fake.0.lock().unwrap().sets.last().unwrap().id.0;
    assert!(error.contains(&format!("ringfence changeset approve {id}")), "{error}");
    let error = port.command(&format!("changeset approve {id} --as anna")).unwrap_err();
    assert!(error.contains("another person than the author"), "{error}");
    let error = port.command(&format!("changeset commit {id} --as anna")).unwrap_err();
    assert!(error.contains("--break-glass"), "{error}");
    port.command(&format!("changeset approve {id} --note fine --as eve")).unwrap();
    port.command(&format!("changeset commit {id} --as eve --json")).unwrap();
    assert_eq!(port.fake.0.lock().unwrap().revision, 3);
    for line in [
        "list ls",
        "list ls --json",
        "list show bad.numbers",
        "list show bad.numbers --json",
        "entry ls bad.numbers",
        "entry ls bad.numbers --json --limit 1",
        "changeset ls",
        "changeset ls --state committed --json",
        "why +8613800138000",
        "why +8613800138000 --json",
        "why --entry bad.numbers +8613800138000",
        "why --text nothing",
        "history bad.numbers +8613800138000",
        "diff 1 3",
        "diff 1 3 --json",
        "audit ls",
        "audit ls --json --limit 1",
        "audit verify",
        "audit verify --json",
        "mode observe --reason fire",
        "mode enforce --reason calm",
        "rollback 2 --reason wrong",
        "entry remove bad.numbers +8613800138000 --commit",
        "export bad.numbers",
    ] {
        port.command(&format!("{line} --as anna")).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
    for line in ["show", "edits", "check", "preview"] {
        port.command(&format!("changeset {line} {id} --as anna")).unwrap();
        port.command(&format!("changeset {line} {id} --as anna --json")).unwrap();
    }
    port.command("audit erase 1 --reason court --yes --as anna").unwrap();
    assert!(port.fake.0.lock().unwrap().records[0].content.is_none());
}

#[test]
fn refusals_say_what_to_do_next() {
    let port = port().with_list();
    let refuse = |refusal| port.fake.0.lock().unwrap().refuse = Some(refusal);
    let precondition = |reason| Refusal::Precondition { reason, what: "no".to_owned() };
    for (refusal, words) in [
        (precondition("NOT_DRAFT"), "changeset show 1"),
        (precondition("HAS_ERRORS"), "changeset check 1"),
        (precondition("WARNINGS_NOT_ACCEPTED"), "--accept-warnings"),
        (precondition("NEEDS_APPROVAL"), "changeset approve 1"),
        (precondition("SAME_PERSON"), "another person"),
        (precondition("TOO_LARGE"), "split"),
        (precondition("GUARD"), "changeset preview 1"),
        (precondition("STOPS_ORDINARY_TRAFFIC"), "changeset preview 1"),
        (Refusal::Stale { etag: 4 }, "changeset show 1"),
        (Refusal::Unavailable("disk full".to_owned()), "nothing was changed"),
        (Refusal::Unknown("fsync".to_owned()), "changeset ls"),
    ] {
        refuse(refusal);
        let error = port.command("changeset commit 1 --as anna").unwrap_err();
        assert!(error.contains("\nnext: ") && error.contains(words), "{words}: {error}");
    }
    for (line, words) in [
        ("changeset show 999", "changeset ls"),
        ("list show nope", "list create"),
        ("entry add nope +8613800138000", "list ls"),
        ("entry add bad.numbers --set nope=1", "edits[0].put_entry.row.cells"),
        ("entry add bad.numbers +8610* --commit", "--accept-warnings"),
        ("import /no/such/file --list bad.numbers", "cannot read /no/such/file"),
        ("audit ls --token-file /no/such/file", "cannot read a token"),
    ] {
        let error = port.command(&format!("{line} --as anna")).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
    // A draft that nothing went into does not stay.
    let last = port.fake.0.lock().unwrap().sets.last().unwrap().clone();
    assert!(!last.edits.is_empty(), "the broad prefix is the last draft");
    let damage = LogError::Corrupt { cursor: Cursor(5), what: "hash".to_owned() };
    port.fake.0.lock().unwrap().damage = Some(damage);
    let error = port.command("audit verify --as anna").unwrap_err();
    assert!(error.starts_with("DATA_LOSS") && error.contains("restore a backup"), "{error}");
}

#[test]
fn files_come_in_and_go_out() {
    let port = port().with_list();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("numbers.txt");
    // More than one chunk, so that borders are crossed.
    let numbers: Vec<String> = (0..40_000).map(|n| format!("+861380{n:07}")).collect();
    std::fs::write(&file, format!("{}\nbad line\n", numbers.join("\n"))).unwrap();
    let import = format!("import {} --list bad.numbers --as anna", file.display());
    port.command(&import).unwrap();
    let set = port.fake.0.lock().unwrap().sets.last().unwrap().clone();
    assert_eq!(set.edit_count, 40_000);
    assert!(set.draft.title.contains("numbers.txt"), "{}", set.draft.title);
    let error = port.command(&format!("{import} --submit")).unwrap_err();
    assert!(error.contains("1 lines were left out"), "{error}");
    port.command(&format!("{import} --submit --yes --set category=CN08 --json")).unwrap();
    let id = port.fake.0.lock().unwrap().sets.last().unwrap().id.0;
    port.command(&format!("changeset approve {id} --as eve")).unwrap();
    port.command(&format!("changeset commit {id} --as eve")).unwrap();

    let out = folder.path().join("out.csv");
    std::fs::write(&out, "before").unwrap();
    port.command(&format!("export bad.numbers -o {} --as anna", out.display())).unwrap();
    let written = std::fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().collect::<Vec<_>>(), numbers);
    let error = port.command(&format!("export nope -o {} --as anna", out.display())).unwrap_err();
    assert!(error.contains("NOT_FOUND"), "{error}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), written, "what is there is kept");
    assert!(!folder.path().join("out.csv.part").exists());
}

#[test]
fn an_import_that_is_not_whole_leaves_nothing() {
    use pb::import_entries_request::Part;
    let port = port().with_list();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let spec = || {
        let draft = Some(pb::Draft { title: "t".to_owned(), ..Default::default() });
        let list_id = "bad.numbers".to_owned();
        Part::Spec(pb::ImportSpec { list_id, draft, ..Default::default() })
    };
    let chunk = || Part::Chunk("+8613800138000\n".into());
    let end = |byte_count| Part::End(pb::ImportEnd { byte_count });
    runtime.block_on(async {
        let client = port.client(Some("anna"), None).await;
        let send = async |parts: Vec<Part>| {
            let message = |part| pb::ImportEntriesRequest { part: Some(part) };
            let stream = tokio_stream::iter(parts.into_iter().map(message).collect::<Vec<_>>());
            client.sets().import_entries(client.long(stream)).await
        };
        for (parts, field) in [
            (vec![], "spec"),
            (vec![chunk()], "spec"),
            (vec![spec(), chunk()], "end"),
            (vec![spec(), chunk(), end(14)], "end.byte_count"),
            (vec![spec(), chunk(), spec()], "chunk"),
            (vec![Part::Spec(pb::ImportSpec::default())], "spec.list_id"),
        ] {
            let status = send(parts).await.unwrap_err();
            let fields = status.get_details_bad_request().expect(field).field_violations;
            assert_eq!(fields[0].field, field);
        }
        let edits = |port: &Port| {
            let sets = &port.fake.0.lock().unwrap().sets;
            sets.iter().map(|set| (set.id, set.edits.len())).collect::<HashMap<_, _>>()
        };
        assert!(edits(&port).values().all(|count| *count == 0));
        let report = send(vec![spec(), chunk(), end(15)]).await.unwrap().into_inner();
        assert_eq!((report.line_count, report.taken_count), (1, 1));
    });
}

#[test]
fn names_and_times_print_plainly() {
    assert_eq!(show::kind(8), "number-plan");
    assert_eq!(show::state(0), "");
    assert_eq!(show::event(99), "99");
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    assert_eq!(show::time(at(1_800_000_000).as_ref()), "2027-01-15T08:00:00Z");
    assert_eq!(show::time(at(i64::MAX).as_ref()), "?");
    assert_eq!(show::time(None), "");
}
