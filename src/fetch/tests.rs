use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A server on loopback with a certificate of its own.
struct Server {
    port: u16,
    roots_pem: Vec<u8>,
}

impl Server {
    /// Answers every request by its path and its `If-None-Match`, until the test ends.
    fn start(
        answer: impl Fn(&str, Option<&str>, u16, &mut Stream) + Send + Sync + 'static,
    ) -> Server {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, answer) = (config.clone(), answer.clone());
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
                    let (mut path, mut etag, mut line) = (String::new(), None, String::new());
                    while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                        if let Some(rest) = line.strip_prefix("GET ") {
                            path = rest.split(' ').next().unwrap().to_owned();
                        }
                        if let Some(rest) = line.to_lowercase().strip_prefix("if-none-match:") {
                            etag = Some(rest.trim().to_owned());
                        }
                        line.clear();
                    }
                    let stream = stream.get_mut();
                    answer(&path, etag.as_deref(), port, stream);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        Server { port, roots_pem: own.cert.pem().into_bytes() }
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    fn fetcher(&self, limits: Limits) -> Fetcher {
        let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let trust = Trust { addresses, roots_pem: self.roots_pem.clone() };
        Fetcher::new(limits, trust).unwrap()
    }
}

fn get(fetcher: &Fetcher, url: &str, etag: Option<&str>) -> (Result<Fetched, FetchError>, Vec<u8>) {
    let mut out = Vec::new();
    let mut last = 0;
    let found = fetcher.fetch(url, etag, &mut out, &mut |octets, _| {
        assert!(octets > last);
        last = octets;
    });
    (found, out)
}

fn send(stream: &mut Stream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// What the server of the tests answers.
fn answer(path: &str, etag: Option<&str>, port: u16, stream: &mut Stream) {
    match (path, etag) {
        ("/list", Some("\"one\"")) => send(stream, "304 Not Modified", b""),
        ("/list", _) => {
            send(stream, "200 OK\r\ncontent-length: 6\r\netag: \"one\"", b"+8613\n");
        }
        ("/hop/3", _) => send(stream, "302 Found\r\nlocation: ../list", b""),
        ("/hop/2", _) => send(stream, "301 Moved\r\nlocation: /hop/3", b""),
        ("/hop/1", _) => {
            let to = format!("307 Moved\r\nlocation: https://127.0.0.1:{port}/hop/2");
            send(stream, &to, b"");
        }
        ("/hop/0", _) => send(stream, "308 Moved\r\nlocation: 1", b""),
        ("/inside", _) => send(stream, "302 Found\r\nlocation: https://127.0.0.2/list", b""),
        ("/metadata", _) => {
            send(stream, "302 Found\r\nlocation: https://169.254.169.254/latest", b"");
        }
        ("/plain", _) => send(stream, "302 Found\r\nlocation: http://127.0.0.1/list", b""),
        ("/file", _) => send(stream, "302 Found\r\nlocation: file:///etc/passwd", b""),
        ("/nowhere", _) => send(stream, "302 Found", b""),
        ("/short", _) => send(stream, "200 OK\r\ncontent-length: 100", b"+8613\n"),
        ("/endless", _) => {
            send(stream, "200 OK", b"");
            while stream.write_all(&[b'7'; 16 * 1024]).is_ok() {}
        }
        ("/said", _) => send(stream, "200 OK\r\ncontent-length: 10000000", b"+8613\n"),
        ("/slow", _) => {
            send(stream, "200 OK\r\ncontent-length: 1000", b"");
            while stream.write_all(b"7").and_then(|()| stream.flush()).is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        ("/silent", _) => std::thread::sleep(Duration::from_secs(5)),
        ("/headers", _) => {
            let many: String = (0..5000).map(|n| format!("x-{n}: {n}\r\n")).collect();
            send(stream, &format!("200 OK\r\n{many}x: y"), b"");
        }
        ("/junk", _) => {
            let _ = stream.write_all(b"SSH-2.0-server\r\n\r\n");
        }
        _ => send(stream, "404 Not Found", b"no"),
    }
}

#[test]
fn a_list_comes_once() {
    let server = Server::start(answer);
    let fetcher = server.fetcher(Limits::default());
    let (found, octets) = get(&fetcher, &server.url("/list"), None);
    let sha256 = BlobId(Sha256::digest(b"+8613\n").into());
    let new = Fetched::New { etag: Some("\"one\"".into()), sha256, octets: 6 };
    assert_eq!((found, &octets[..]), (Ok(new.clone()), &b"+8613\n"[..]));
    let (found, octets) = get(&fetcher, &server.url("/list"), Some("\"one\""));
    assert_eq!((found, &octets[..]), (Ok(Fetched::NotModified), &b""[..]));
    let (found, _) = get(&fetcher, &server.url("/list"), Some("\"other\""));
    assert_eq!(found, Ok(new.clone()));
    // Three redirects are followed, the fourth is not.
    assert_eq!(get(&fetcher, &server.url("/hop/1"), None).0, Ok(new));
    assert_eq!(get(&fetcher, &server.url("/hop/0"), None).0, Err(FetchError::Redirects));
}

#[test]
fn every_hop_is_checked() {
    let server = Server::start(answer);
    let fetcher = server.fetcher(Limits::default());
    for (path, said) in [
        ("/inside", "127.0.0.2 is at an address that is not public (loopback)"),
        ("/metadata", "169.254.169.254 is at an address that is not public (link-local"),
        ("/plain", "only https URLs are fetched"),
        ("/file", "only https URLs are fetched"),
        ("/nowhere", "status 302"),
        ("/none", "status 404"),
    ] {
        let (found, octets) = get(&fetcher, &server.url(path), None);
        let refusal = found.unwrap_err().to_string();
        assert!(refusal.contains(said), "{path}: {refusal}");
        assert!(octets.is_empty());
    }
    // Without the operator's word loopback is refused, whatever it is called.
    let strict = Fetcher::new(Limits::default(), Trust::default()).unwrap();
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:{}/list", server.port);
        let error = get(&strict, &url, None).0.unwrap_err();
        let address = matches!(&error, FetchError::Address { what: "loopback", .. });
        assert!(address, "{host}: {error}");
    }
    // Another certificate than the one that is trusted.
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let trust = Trust { addresses, roots_pem: Vec::new() };
    let builtin = Fetcher::new(Limits::default(), trust).unwrap();
    let error = get(&builtin, &server.url("/list"), None).0.unwrap_err();
    assert!(matches!(&error, FetchError::Connection(_)), "{error}");
}

#[test]
fn limits_hold() {
    let server = Server::start(answer);
    let limits = Limits { octets: 1 << 20, time: Duration::from_millis(800) };
    let fetcher = server.fetcher(limits);
    let fails = |path: &str| get(&fetcher, &server.url(path), None);
    let (found, octets) = fails("/said");
    assert_eq!((found, octets.len()), (Err(FetchError::Size(1 << 20)), 0));
    let slow = |path: &str| {
        let start = Instant::now();
        assert_eq!(fails(path).0, Err(FetchError::Time(limits.time)), "{path}");
        assert!(start.elapsed() < Duration::from_secs(4));
    };
    slow("/slow");
    slow("/silent");
    for path in ["/short", "/headers", "/junk"] {
        let error = fails(path).0.unwrap_err();
        assert!(matches!(error, FetchError::Connection(_)), "{path}: {error}");
    }
    let patient = server.fetcher(Limits { octets: 1 << 20, ..Limits::default() });
    let (found, octets) = get(&patient, &server.url("/endless"), None);
    assert_eq!(found, Err(FetchError::Size(1 << 20)));
    assert!(octets.len() <= 1 << 20);
}

#[test]
fn urls() {
    let long = format!("https://example.com/{}", "x".repeat(3000));
    for (text, fits) in [
        ("https://example.com/list.csv?x=y#z", true),
        ("https://example.com", true),
        ("http://example.com/", false),
        ("ftp://example.com/", false),
        ("file:///etc/passwd", false),
        ("https:///list", false),
        ("https://user:pw@example.com/", false),
        ("example.com/list", false),
        ("", false),
        ("https://exa mple.com/", false),
        (&long, false),
    ] {
        assert_eq!(url::parse(text).is_ok(), fits, "{text}");
    }
    let base = url::parse("https://a.example:8443/x/y?q").unwrap();
    for (location, to) in [
        ("https://b.example/z", Some("https://b.example/z")),
        ("//b.example/z", Some("https://b.example/z")),
        ("/z", Some("https://a.example:8443/z")),
        ("z", Some("https://a.example:8443/x/z")),
        ("../../../z?a/../b", Some("https://a.example:8443/z?a/../b")),
        ("./w/..", Some("https://a.example:8443/x/")),
        ("?p", Some("https://a.example:8443/x/y?p")),
        ("http://b.example/", None),
        ("javascript:x", None),
    ] {
        let found = url::join(&base, location).ok().map(|uri| uri.to_string());
        assert_eq!(found.as_deref(), to, "{location}");
    }
}

#[test]
fn certificates_of_the_operator() {
    for pem in [&b"nothing"[..], b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let trust = Trust { addresses: Vec::new(), roots_pem: pem.to_vec() };
        assert!(matches!(Fetcher::new(Limits::default(), trust), Err(FetchError::Roots(_))));
    }
}
