//! Watches what the tests' own process logs: nothing that a person wrote may be in it.
//!
//! Tests plant [`PLANTED`] in everything personal that they send. Every line that is logged is searched for it,
//! whichever test it comes from, and so are the logs of the processes that tests start.

use std::io;
use std::sync::{Mutex, Once};

use tracing_subscriber::fmt;

/// What is in every message, email address, value and variable that a test plants.
pub const PLANTED: &str = "planted";

static LEAKED: Mutex<Option<String>> = Mutex::new(None);

/// Starts watching; all but the first call do nothing.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = fmt::Subscriber::builder()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(|| Watch)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
    });
}

/// Fails the test if anything planted was logged so far.
pub fn check() {
    let leaked = LEAKED.lock().unwrap().clone();
    assert!(leaked.is_none(), "something personal is in the log: {leaked:?}");
}

/// Searches a line that another process logs.
pub fn search(line: &str) {
    if line.contains(PLANTED) {
        *LEAKED.lock().unwrap() = Some(line.to_owned());
    }
}

/// Fails the test if anything planted is in these lines, which another process logged.
pub fn check_lines(lines: &[String]) {
    let leaked = lines.iter().find(|line| line.contains(PLANTED));
    assert!(leaked.is_none(), "something personal is in the log: {leaked:?}");
}

#[test]
#[should_panic(expected = "something personal is in the log")]
fn a_leak_into_the_log_is_seen() {
    check_lines(&["{}".to_owned(), format!("{{\"message\":\"{PLANTED}\"}}")]);
}

struct Watch;

impl io::Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        search(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
