//! A gateway at work: a thread of its own with the sockets, until it is told to stop.

use crate::proxy::settings::Settings;
use crate::proxy::{Gateway, Journal, Recorder, acceptor, serve};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How often it is seen whether it has stopped.
const LOOK: Duration = Duration::from_millis(10);

/// How long its end may take once nothing is under way.
const END: Duration = Duration::from_secs(1);

/// A gateway at work; stops when it is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    recorder: Arc<Recorder>,
    gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    hurry: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Opens the journal, listens, and serves from now on.
    ///
    /// # Errors
    /// Where the listener's certificate cannot be read, the journal cannot be written, the address is taken, or the system's
    /// certificates cannot be read.
    pub fn start(settings: Settings) -> Result<Serving> {
        let tls = settings.tls.as_ref().map(|(cert, key)| acceptor(cert, key));
        let tls = tls
            .transpose()
            .context("the certificate of the listener (proxy.tls_cert, proxy.tls_key) cannot be used")?;
        let journal = Journal::open(&settings.journal, settings.segment).context("the journal cannot be written")?;
        let recorder = Arc::new(Recorder::new(journal, settings.capture, settings.app.clone()));
        let runtime = runtime()?;
        let listen = settings.listen;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
        let address = listener.local_addr()?;
        let gateway = {
            let _within = runtime.enter();
            Gateway::new(settings, Arc::clone(&recorder)).context("the gateway cannot start")?
        };
        let (served, writer) = (Arc::clone(&gateway), Arc::clone(&recorder));
        let (stop, stopped) = oneshot::channel();
        let (hurry, hurried) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            let hurried = async {
                if hurried.await.is_err() {
                    std::future::pending().await
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    () = serve(served, (listener, tls), stopped) => {}
                    () = hurried => writer.stop(),
                }
            });
            // What is still under way ends here, and is recorded as stopped. Nobody waits for a name that is looked up.
            runtime.shutdown_timeout(END);
        })?;
        Ok(Serving { address, recorder, gateway, stop: Some(stop), hurry: Some(hurry), thread: Some(thread) })
    }

    /// Its address, as clients are told it.
    pub fn url(&self) -> String {
        let scheme = if self.settings().tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What it records with.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// What it is told at present.
    pub fn settings(&self) -> Arc<Settings> {
        self.gateway.settings()
    }

    /// Tells it something else, for the calls from now on; where it listens and writes stays.
    pub fn tell(&self, settings: Settings) {
        self.gateway.tell(settings);
    }

    /// Whether it has ended, by itself.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops it, once the calls under way are over or their grace has passed, or somebody is in a hurry.
    pub fn stop(mut self, mut is_hurried: impl FnMut() -> bool) {
        self.ask();
        while !self.is_over() {
            std::thread::sleep(LOOK);
            if is_hurried()
                && let Some(hurry) = self.hurry.take()
            {
                // Where nobody listens it has just stopped.
                let _ = hurry.send(());
            }
        }
        self.end();
    }

    fn ask(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Where nobody listens it has stopped by itself.
            let _ = stop.send(());
        }
    }

    fn end(&mut self) {
        self.ask();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// One thread does what two do on small machines, with a shorter tail; large ones have cores to spare.
fn runtime() -> Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match cores {
        ..=3 => tokio::runtime::Builder::new_current_thread(),
        _ => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads((cores / 2).min(16));
            builder
        }
    };
    builder.enable_io().enable_time().thread_name("gateway").build().context("the gateway cannot start")
}
