//! Starts moto, pinned and in its own Python environment, behind a [`Proxy`].

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::proxy::Proxy;

/// A fresh AWS. It ends with the value, and with the test process in any case: see `emulator.py`.
pub struct Emulator {
    server: Child,
    backend: String,
    proxy: Proxy,
}

impl Emulator {
    /// Starts an emulator that answers as newer partitions do: `ListAccounts` fills `Paths`.
    pub fn start() -> Self {
        Self::launch(true)
    }

    /// Starts an emulator whose `ListAccounts` does not fill `Paths`.
    pub fn start_without_paths() -> Self {
        Self::launch(false)
    }

    fn launch(account_paths: bool) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/emulator.py");
        let mut server = Command::new(python())
            .args(["-W", "ignore"])
            .arg(script)
            .env("EMULATOR_ACCOUNT_PATHS", if account_paths { "1" } else { "0" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator cannot be started");
        let mut line = String::new();
        let output = server.stdout.take().expect("the emulator has an output");
        BufReader::new(output).read_line(&mut line).expect("the emulator says its port");
        let port: u16 = line.trim().parse().expect("the emulator did not start; run tests/support/emulator.py by hand");
        let backend = format!("127.0.0.1:{port}");
        let proxy = Proxy::start(&backend);
        Self { server, backend: format!("http://{backend}"), proxy }
    }

    /// Returns the URL that the program under test is given: the proxy's.
    pub fn endpoint(&self) -> &str {
        self.proxy.endpoint()
    }

    /// Returns the URL of the emulator itself, for what a test does that shall not be counted or troubled.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Starts another proxy before the same emulator, for a second program beside the first.
    pub fn another_proxy(&self) -> Proxy {
        Proxy::start(self.backend.trim_start_matches("http://"))
    }

    /// Returns the proxy, to count calls and to make trouble.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Returns the Python of an environment with the pinned packages, which is made once for all test binaries.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = File::create(folder.join("moto.lock")).expect("the lock file can be made");
        lock.lock().expect("the lock can be had");
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requirements.txt");
        let wanted = std::fs::read(&requirements).expect("tests/requirements.txt can be read");
        let environment = folder.join("moto");
        let stamp = environment.join("installed.txt");
        if std::fs::read(&stamp).ok().as_ref() != Some(&wanted) {
            let _ = std::fs::remove_dir_all(&environment);
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3 (3.10 or newer, with venv)");
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(Command::new(environment.join("bin/python")).args(pip).arg(&requirements), "the packages of moto");
            std::fs::write(&stamp, &wanted).expect("the environment can be written to");
        }
        environment.join("bin/python")
    })
}

fn run(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("these tests need {what} to emulate AWS, and it cannot be started: {error}");
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "these tests need {what} to emulate AWS: {command:?} failed: {said}");
}
