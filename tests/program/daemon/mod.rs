//! The daemon against an emulator of AWS over the wire: as it is deployed, in bad weather, killed, frozen, told to
//! stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::run::Desk;

mod deployed;
mod examples;
mod hand;
mod killed;
mod notify;
mod replicas;
mod signals;
mod silent;
mod storm;

/// The organization's trail in the configuration of a [`Desk`].
const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/acme-org-trail";

/// A daemon that runs, and where it is seen.
struct Daemon {
    child: Child,
    address: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    fn start(desk: &Desk, more: &str) -> Self {
        let mut command = desk.command(&format!("reconcile --listen 127.0.0.1:0 {more}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut heard = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = heard.by_ref().find_map(|line| {
            line.unwrap().strip_prefix("status at http://").map(|rest| rest.trim_end_matches('/').to_owned())
        });
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&said);
        // The log goes on, and the pipe must not fill up.
        std::thread::spawn(move || heard.for_each(|line| log.lock().unwrap().extend(line)));
        Self { child, address: address.expect("the daemon says where it is seen"), said }
    }

    /// Asks for a page; returns the code and what came.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn is_ready(&self) -> bool {
        self.get("/readyz").0 == 200
    }

    /// Returns whether the metrics have this line.
    fn shows(&self, line: &str) -> bool {
        self.get("/metrics").1.lines().any(|shown| shown == line)
    }

    /// Tells whether a line of the log has this text.
    fn has_said(&self, text: &str) -> bool {
        self.said.lock().unwrap().iter().any(|line| line.contains(text))
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end, and returns its exit code.
    fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Tells it to stop, and returns its exit code.
    fn stop(self) -> Option<i32> {
        self.signal("TERM");
        self.ended()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so. What never is makes the test hang, and the runner says which.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    while !so().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
