//! A gateway at work: a thread of its own with the sockets, until it is told to stop.

use crate::proxy::settings::Settings;
use crate::proxy::{Gateway, Hand, Journal, Recorder, assist, hand, serve};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, oneshot};

/// A gateway at work; stops when it is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    recorder: Arc<Recorder>,
    gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Serving {
    /// Opens the journal, listens, and serves from now on.
    ///
    /// # Errors
    /// Where the journal cannot be written, the address is taken, or the system's certificates cannot be read.
    pub fn start(settings: Settings) -> Result<Serving> {
        let journal = Journal::open(&settings.journal, settings.segment).context("the journal cannot be written")?;
        let recorder = Arc::new(Recorder::new(journal, settings.capture, settings.app.clone()));
        let mut runtimes = runtimes()?;
        let together = Arc::new(Barrier::new(runtimes.len()));
        let runtime = runtimes.remove(0);
        let listen = settings.listen;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
        let address = listener.local_addr()?;
        let gateway = {
            let _within = runtime.enter();
            Gateway::new(settings, Arc::clone(&recorder)).context("the gateway cannot start")?
        };
        recorder.start()?;
        let helpers = runtimes.into_iter().map(|runtime| helper(runtime, &gateway, &together));
        let (hands, helpers): (Vec<Hand>, Vec<_>) = helpers.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let writer = Arc::clone(&recorder);
        let served = Arc::clone(&gateway);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            let served = runtime.block_on(async {
                let served = serve(served, listener, hands, stopped).await;
                together.wait().await;
                served
            });
            // What is still under way ends here, and is recorded as stopped.
            drop(runtime);
            let helped = helpers.into_iter().map(join).collect::<Vec<_>>();
            writer.finish();
            served?;
            helped.into_iter().collect()
        })?;
        Ok(Serving { address, recorder, gateway, stop: Some(stop), thread: Some(thread) })
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

    /// Stops it, once the calls under way are over or their grace has passed.
    ///
    /// # Errors
    /// What broke its listener.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            // Where nobody listens it has stopped by itself.
            let _ = stop.send(());
        }
        self.thread.take().map_or(Ok(()), join)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.end();
        }
    }
}

/// A thread that serves clients beside the first. All end together: a call may wait in a queue whose turns another gives.
fn helper(runtime: Runtime, gateway: &Gateway, together: &Arc<Barrier>) -> Result<(Hand, JoinHandle<Result<()>>)> {
    let gateway = {
        let _within = runtime.enter();
        gateway.beside().context("the gateway cannot start")?
    };
    let (hand, handed) = hand();
    let together = Arc::clone(together);
    let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
        let served = runtime.block_on(async {
            let served = assist(gateway, handed).await;
            together.wait().await;
            served
        });
        drop(runtime);
        Ok(served?)
    })?;
    Ok((hand, thread))
}

fn join(thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// On small machines threads that share nothing but the journal do more than those that take work from each other, with a
/// shorter tail; large ones have cores to spare.
fn runtimes() -> Result<Vec<Runtime>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let one = || tokio::runtime::Builder::new_current_thread();
    let several = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads((cores / 2).min(16));
        builder
    };
    let builders = if cores <= 3 { (0..cores).map(|_| one()).collect() } else { vec![several()] };
    let start = |mut builder: tokio::runtime::Builder| builder.enable_io().enable_time().thread_name("gateway").build();
    builders.into_iter().map(start).collect::<Result<_, _>>().context("the gateway cannot start")
}
