//! The end of the process: Ctrl-C, and SIGTERM on Unix.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal;
use tokio::sync::oneshot;

/// The time that running requests have to finish.
const GRACE: Duration = Duration::from_secs(5);

/// A future that resolves on a signal, which no longer ends the process. The process ends at most 5 s later, whatever is
/// still being executed; writes that were finished by then are complete.
///
/// A thread of its own waits for both, because requests may keep all threads of the server's runtime busy.
///
/// # Errors
/// If there is no thread, or signals cannot be handled.
pub fn on_signal() -> io::Result<impl Future<Output = ()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signal = {
        let _inside = runtime.enter();
        stop_signal()?
    };
    let (tell, told) = oneshot::channel();
    thread::Builder::new().name("stop".to_owned()).spawn(move || {
        runtime.block_on(async {
            signal.await;
            let _ = tell.send(());
            tokio::time::sleep(GRACE).await;
            process::exit(0);
        });
    })?;
    Ok(async {
        let _ = told.await;
    })
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
