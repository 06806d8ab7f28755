//! The real program in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A start that takes longer has hung.
pub const READY_MAX: Duration = Duration::from_secs(30);

/// What an empty store begins with: enough to act, small enough to start at once.
const PACK: &str = "%pack kill\n\
    %list kill.policy kind=policy\n%columns key value\nmode\tenforce\n\
    %list kill.rows kind=number effect=block category=CN08\n%columns value\n+8613099999998\n\
    %list kill.bulk kind=number effect=block category=CN08\n%columns value\n+8613099999999\n";
/// The entries of the pack.
pub const PACK_ENTRIES: [(&str, &str); 2] =
    [("kill.rows", "+8613099999998"), ("kill.bulk", "+8613099999999")];

/// What the ready line says.
#[derive(Clone, Debug)]
pub struct Ready {
    pub data: String,
    pub control: String,
    pub revision: u64,
    pub digest: String,
    pub took: Duration,
}

/// A started program; killed when it goes out of scope.
pub struct Server {
    child: Child,
    started: Instant,
    lines: Receiver<String>,
    output: Arc<Mutex<String>>,
}

/// The program under test: `RINGFENCE_BIN`, else the one that was built with the tests.
pub fn program() -> PathBuf {
    let named = std::env::var_os("RINGFENCE_BIN").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_ringfence")))
}

/// A command of the program that no setting of the caller's reaches.
pub fn command() -> Command {
    let mut command = Command::new(program());
    for name in ["RINGFENCE_CONTROL", "RINGFENCE_SERVER", "RINGFENCE_DATA_DIR", "RINGFENCE_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Writes the pack beside a data directory; gives its path.
pub fn pack(beside: &Path) -> PathBuf {
    let path = beside.join("kill.pack");
    std::fs::write(&path, PACK).expect("the pack can be written");
    path
}

impl Server {
    /// Starts it on free ports.
    pub fn spawn(data_dir: &Path, pack: &Path) -> Server {
        let mut command = command();
        command.args(["serve", "--no-starter", "--cores", "1", "--log", "warn"]);
        command.args(["--listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data_dir).arg("--packs").arg(pack);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let output = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut senders = [Some(sender), None].into_iter();
        let pipes: [Box<dyn std::io::BufRead + Send>; 2] = [Box::new(stdout), Box::new(stderr)];
        for pipe in pipes {
            let (sender, output) = (senders.next().flatten(), Arc::clone(&output));
            std::thread::spawn(move || {
                for line in pipe.lines().map_while(Result::ok) {
                    let mut all = output.lock().unwrap();
                    all.push_str(&line);
                    all.push('\n');
                    drop(all);
                    if let Some(sender) = &sender {
                        drop(sender.send(line));
                    }
                }
            });
        }
        Server { child, started, lines, output }
    }

    /// Waits for the ready line.
    ///
    /// Errors: it ended before, with what it printed.
    pub fn ready(&mut self) -> Result<Ready, String> {
        loop {
            let left = READY_MAX.saturating_sub(self.started.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with("ready ") => {
                    let took = self.started.elapsed();
                    let field = |name: &str| {
                        let mut fields = line.split(' ').filter_map(|word| word.split_once('='));
                        let found = fields.find(|(key, _)| *key == name);
                        found.expect("the ready line has it").1.to_owned()
                    };
                    return Ok(Ready {
                        data: field("data"),
                        control: field("control"),
                        revision: field("revision").parse().expect("a number"),
                        digest: field("digest"),
                        took,
                    });
                }
                Ok(_) => {}
                Err(_) => {
                    assert!(self.started.elapsed() < READY_MAX, "not ready: {}", self.output());
                    let status = self.child.wait().expect("it has ended");
                    // The readers may be behind the end of the process.
                    std::thread::sleep(Duration::from_millis(20));
                    let output = self.output();
                    assert_eq!(status.code(), Some(1), "it ended with {status}: {output}");
                    return Err(output);
                }
            }
        }
    }

    /// Waits for the ready line of a start that has to succeed.
    pub fn must_be_ready(&mut self) -> Ready {
        self.ready().unwrap_or_else(|output| panic!("it did not start:\n{output}"))
    }

    /// Everything it printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        let kill = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(kill.expect("kill runs").success());
        assert!(self.child.wait().expect("it has ended").success(), "{}", self.output());
    }

    /// Ends it by SIGKILL, now.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
