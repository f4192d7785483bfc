//! A gateway at work: a thread of its own with the sockets, until it is told to stop.

use crate::proxy::settings::Settings;
use crate::proxy::{Certificate, Gateway, Hand, Handed, Journal, Recorder, assist, hand, serve};
use anyhow::{Context, Result};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, oneshot, watch};
use tokio_rustls::TlsAcceptor;

/// How often it is seen whether it has stopped.
const LOOK: Duration = Duration::from_millis(10);

/// How long its end may take once nothing is under way.
const END: Duration = Duration::from_secs(1);

/// After how many looks a person wonders why it has not stopped yet.
const WONDERS: u32 = 30;

/// A gateway at work; stops when it is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    certificate: Option<Certificate>,
    recorder: Arc<Recorder>,
    gateway: Arc<Gateway>,
    stop: Option<oneshot::Sender<()>>,
    hurry: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Opens the journal, listens, and serves from now on.
    ///
    /// # Errors
    /// Where the listener's certificate cannot be read, the journal cannot be written, the address is taken, or the system's
    /// certificates cannot be read.
    pub fn start(settings: Settings) -> Result<Serving> {
        let certificate = certificate(&settings)?;
        let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
        let mut runtimes = runtimes()?;
        let together = Arc::new(Barrier::new(runtimes.len()));
        let runtime = runtimes.remove(0);
        let listen = settings.listen;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen}; choose another address with --listen"))?;
        let address = listener.local_addr()?;
        let journal = Journal::open(&settings.journal, settings.segment).context("the journal cannot be written")?;
        let recorder = Arc::new(Recorder::new(journal, settings.capture, settings.app.clone()));
        let gateway = {
            let _within = runtime.enter();
            Gateway::new(settings, Arc::clone(&recorder)).context("the gateway cannot start")?
        };
        let (stop, stopped) = oneshot::channel();
        let (hurry, hurried) = watch::channel(false);
        let mut ends = Ends { together, hurried, recorder: Arc::clone(&recorder) };
        let helpers = runtimes.into_iter().map(|runtime| helper(runtime, (&gateway, tls.clone()), &ends));
        let (hands, helpers): (Vec<Hand>, Vec<_>) = helpers.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let served = Arc::clone(&gateway);
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            runtime.block_on(ends.of(serve(served, (listener, tls), hands, stopped)));
            // What is still under way ends here, and is recorded as stopped. Nobody waits for a name that is looked up.
            runtime.shutdown_timeout(END);
            helpers.into_iter().for_each(join);
        })?;
        Ok(Serving { address, certificate, recorder, gateway, stop: Some(stop), hurry, thread: Some(thread) })
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

    /// Tells it something else, for the calls from now on; where it listens and writes stays. The files of its certificate
    /// are read again.
    ///
    /// # Errors
    /// Where the certificate cannot be read; all stays as before.
    pub fn tell(&self, settings: Settings) -> Result<()> {
        if let (Some(served), Some(new)) = (&self.certificate, certificate(&settings)?) {
            served.replace(&new);
        }
        self.gateway.tell(settings);
        Ok(())
    }

    /// Whether it has ended, by itself.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops it, once the calls under way are over or their grace has passed, or somebody is in a hurry. Where that takes long
    /// enough to be noticed, `tell` hears once how many calls are under way.
    pub fn stop(mut self, tell: impl FnOnce(i64), mut is_hurried: impl FnMut() -> bool) {
        let (mut looks, mut tell) = (0, Some(tell));
        self.ask();
        while !self.is_over() {
            std::thread::sleep(LOOK);
            looks += 1;
            if let Some(tell) = tell.take_if(|_| looks >= WONDERS) {
                tell(self.recorder.in_flight());
            }
            if is_hurried() {
                self.hurry.send_replace(true);
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
        if let Some(thread) = self.thread.take() {
            join(thread);
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

/// What it shows to clients, where it speaks TLS.
fn certificate(settings: &Settings) -> Result<Option<Certificate>> {
    let read = settings.tls.as_ref().map(|(cert, key)| Certificate::read(cert, key));
    read.transpose().context("the certificate of the listener (proxy.tls_cert, proxy.tls_key) cannot be used")
}

/// How the threads of a gateway end: all together, since a call may wait in a queue whose turns another gives; at once where
/// somebody is in a hurry.
#[derive(Clone)]
struct Ends {
    together: Arc<Barrier>,
    hurried: watch::Receiver<bool>,
    recorder: Arc<Recorder>,
}

impl Ends {
    /// Serves until the end.
    async fn of(&mut self, serving: impl Future<Output = ()>) {
        let hurried = async {
            if self.hurried.wait_for(|hurried| *hurried).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = serving => {}
            () = hurried => self.recorder.stop(),
        }
        self.together.wait().await;
    }
}

/// A thread that serves clients beside the first.
fn helper(
    runtime: Runtime,
    (gateway, tls): (&Gateway, Option<TlsAcceptor>),
    ends: &Ends,
) -> Result<(Hand, JoinHandle<()>)> {
    let gateway = {
        let _within = runtime.enter();
        gateway.beside().context("the gateway cannot start")?
    };
    let (hand, handed): (Hand, Handed) = hand();
    let mut ends = ends.clone();
    let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || {
        runtime.block_on(ends.of(assist((gateway, tls), handed)));
        runtime.shutdown_timeout(END);
    })?;
    Ok((hand, thread))
}

fn join(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
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
