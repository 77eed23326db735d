//! `stockade up`: gateway, console and ledger over one data directory.

mod built;
mod environment;
mod harden;
mod installation;
mod listen;
mod metrics;
mod reload;
mod screen;
mod tls;
mod upstream;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use stockade_gateway::{Gateway, Phase};
use stockade_platform::{KeyState, PLAYGROUND, Platform};
use tokio::sync::watch;

pub(crate) use built::{Built, policy_files, secret};
pub(crate) use environment::EnvUpstreams;
pub(crate) use tls::tls;

use crate::config;
use crate::home::{Home, HomeArgs, Lock, RootKeyFile};
use crate::output;
use crate::system::{env_vars, environment};

/// Runs gateway, console and monitor. Needs no file and no flag.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Configuration file [default: stockade.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where programs connect [default: 127.0.0.1:8470]
    #[arg(long, value_name = "ADDR:PORT")]
    gateway: Option<SocketAddr>,
    /// Where console and API listen [default: 127.0.0.1:8471]
    #[arg(long, value_name = "ADDR:PORT")]
    console: Option<SocketAddr>,
    /// Where metrics listen [default: 127.0.0.1:8472]
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Do not use the upstreams that OPENAI_API_KEY and OLLAMA_HOST name
    #[arg(long)]
    no_env_upstreams: bool,
}

/// A first key lives so long.
const FIRST_KEY: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Housekeeping: uses of keys, counted rejections.
const TICK: Duration = Duration::from_secs(1);

/// Retention is looked after so often, in ticks.
const RETENTION_TICKS: u64 = 300;

/// Runs the server until it is told to stop.
pub(crate) fn run(home: &HomeArgs, args: &UpArgs) -> Result<ExitCode> {
    let begun = Instant::now();
    harden::process()?;
    let home = home.resolve()?;
    let root_key = RootKeyFile::locate()?;
    root_key.must_be_outside(&home)?;
    home.prepare()?;
    let _lock = Lock::take(&home)?;
    let loaded = config::load(args.config.as_deref(), &env_vars()).map_err(crate::report)?;
    let mut config = loaded.config.clone();
    args.override_listeners(&mut config)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(serve(args, begun, &home, &root_key, loaded, config))
}

async fn serve(
    args: &UpArgs,
    begun: Instant,
    home: &Home,
    root_key: &RootKeyFile,
    loaded: config::Loaded,
    config: config::Config,
) -> Result<ExitCode> {
    let listeners = listen::bind(&config.server).await?;
    let refused = |error: &config::Senseless| crate::report(loaded.refuse(error));
    let tls = tls(&config).map_err(|error| refused(&error))?.map(tls::InForce::new).map(Arc::new);
    let env_upstreams = if args.no_env_upstreams {
        EnvUpstreams::default()
    } else {
        EnvUpstreams::read(listeners.ports(), &config.label_order())
    };
    let env = environment(root_key.open(home)?);
    let built = Built::new(&config, &env_upstreams, home).map_err(|error| refused(&error))?;
    let (platform, recovery) = Platform::open(home.layout(), &env).context("opening the data directory")?;
    let platform = Arc::new(platform);
    let (phase, running) = watch::channel(Phase::Running);

    let wiring = wire::Wiring::new(&config, built, &platform, &env)?;
    let gateway = Gateway::new(wiring.parts, wire::options(&config), running.clone());

    let first = first_key(&platform)?;
    let link = platform.sessions.new_link("system")?;
    let screen = screen::Screen {
        took: begun.elapsed(),
        gateway: listeners.gateway_address,
        console: listeners.console_address,
        secure: tls.is_some(),
        models: wiring.models,
        announced: env_upstreams.announcements(),
        interrupted: recovery.open_intents.len(),
        known_key: known_key(&platform)?,
        first_key: first,
        link,
    };
    let serving = crate::control::Serving {
        console: screen.console_url(),
        gateway: screen.gateway_url(),
        catalog: Arc::clone(&wiring.catalog),
        limits: Arc::clone(&wiring.limits),
        labels: Arc::clone(&wiring.labels),
    };
    let control = crate::control::serve(home, Arc::clone(&platform), serving, running.clone())?;
    let here = installation::Here {
        platform: Arc::clone(&platform),
        pdp: Arc::clone(&wiring.pdp),
        catalog: Arc::clone(&wiring.catalog),
        labels: Arc::clone(&wiring.labels),
    };
    let console = listen::console(&config, &listeners, tls.is_some(), &platform, here, wiring.login.clone());
    let mut servers = tokio::task::JoinSet::new();
    servers.spawn(listen::serve_router(
        listeners.console,
        console,
        tls.as_ref().map(|tls| Arc::clone(&tls.console)),
        running.clone(),
    ));
    let metrics =
        listen::metrics(Arc::clone(&gateway), Arc::clone(&platform), Arc::clone(&wiring.identities));
    servers.spawn(listen::serve_router(listeners.metrics, metrics, None, running.clone()));
    servers.spawn(Arc::clone(&gateway).serve(
        listeners.gateway,
        tls.as_ref().map(|tls| Arc::clone(&tls.gateway)),
        running.clone(),
    ));
    servers.spawn(control);
    servers.spawn(save_usage(Arc::clone(&platform), running.clone()));
    servers.spawn(housekeeping(Arc::clone(&platform), config.recording.retention.0, running.clone()));
    if let Some((exporter, client)) = wiring.exporter {
        servers.spawn(exporter.run(client, running.clone()));
    }
    let reloader = reload::Reloader {
        file: loaded.file,
        config: loaded.config,
        server: config.server.clone(),
        tls,
        env_upstreams,
        catalog: wiring.catalog,
        engine: wiring.engine,
        link_hosts: wiring.link_hosts,
        limits: Arc::clone(&wiring.limits),
        labels: Arc::clone(&wiring.labels),
        identities: Arc::clone(&wiring.identities),
        pdp: wiring.pdp,
        platform: Arc::clone(&platform),
        home: home.clone(),
    };
    servers.spawn(reloader.watch(running.clone()));
    let identities = Arc::clone(&wiring.identities);
    servers.spawn(async move { identities.warm().await });

    // The file of addresses says that everything is there, the first key too: it comes last.
    screen.print(home)?;
    screen.write_addresses(home, listeners.metrics_address)?;
    stop_signal().await?;
    let drain = config.server.drain;
    output::say(format_args!("stopping: running answers have {drain} to end (again: now)"));
    let _ = phase.send(Phase::Draining);
    tokio::select! {
        () = drained(&gateway) => {}
        () = tokio::time::sleep(config.server.drain.0) => {}
        _ = stop_signal() => {}
    }
    let _ = phase.send(Phase::Stopping);
    let _ =
        tokio::time::timeout(Duration::from_secs(5), async { while servers.join_next().await.is_some() {} })
            .await;
    let _ = std::fs::remove_file(home.addresses());
    let closed = tokio::task::spawn_blocking(move || platform.close()).await.context("closing")?;
    closed.context("closing the ledger")?;
    Ok(ExitCode::SUCCESS)
}

/// On the first run there is a workload to play with, and a key for it that runs out.
fn first_key(platform: &Platform) -> Result<Option<stockade_platform::NewKey>> {
    let Some(workload) = platform.roster.first_workload()? else { return Ok(None) };
    let key =
        platform.roster.create_key(&workload.name, Some(FIRST_KEY), "made on the first run", "system")?;
    Ok(Some(key))
}

/// A gateway with the default configuration and no upstream but the sandbox.
pub(crate) fn alone(
    home: &Home,
    platform: &Arc<Platform>,
    env: &stockade_platform::Environment,
    running: watch::Receiver<Phase>,
) -> Result<Arc<Gateway>> {
    let config = config::Config::default();
    let built = Built::new(&config, &EnvUpstreams::default(), home);
    let built = built.map_err(|error| anyhow::anyhow!("{}: {}", error.at, error.message))?;
    let wiring = wire::Wiring::new(&config, built, platform, env)?;
    Ok(Gateway::new(wiring.parts, wire::options(&config), running))
}

/// The youngest key of the first workload that can still be used. Only its id is shown, never its text.
fn known_key(platform: &Platform) -> Result<Option<stockade_platform::KeyInfo>> {
    let keys = platform.roster.list_keys()?.into_iter().rev();
    Ok(keys.into_iter().find(|key| key.workload == PLAYGROUND && key.state == KeyState::Good))
}

async fn drained(gateway: &Gateway) {
    while gateway.metrics().open_connections() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Use under limits is saved so often: what a crash forgets is no more.
const SAVE_USAGE: Duration = Duration::from_millis(100);

async fn save_usage(platform: Arc<Platform>, phase: watch::Receiver<Phase>) {
    let mut tick = tokio::time::interval(SAVE_USAGE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while *phase.borrow() != Phase::Stopping {
        tick.tick().await;
        let (usage, labels) = (Arc::clone(&platform.usage), Arc::clone(&platform.labels));
        let saved = tokio::task::spawn_blocking(move || [usage.save(), labels.save()]).await;
        for error in saved.into_iter().flatten().filter_map(Result::err) {
            tracing::error!(%error, "use under limits, or labels of conversations, could not be saved");
        }
    }
}

async fn housekeeping(platform: Arc<Platform>, retention: Duration, phase: watch::Receiver<Phase>) {
    let mut tick = tokio::time::interval(TICK);
    let mut ticks = 0_u64;
    while *phase.borrow() != Phase::Stopping {
        tick.tick().await;
        ticks = ticks.saturating_add(1);
        let platform = Arc::clone(&platform);
        let retain = ticks.is_multiple_of(RETENTION_TICKS);
        let done = tokio::task::spawn_blocking(move || {
            platform.roster.note_uses()?;
            platform.journal.write_rejections()?;
            if retain {
                platform.usage.meters().forget_past();
                platform.labels.marks().forget_past();
                platform.enforce_retention(retention)?;
            }
            Ok::<_, stockade_platform::PlatformError>(())
        });
        if let Ok(Err(error)) = done.await {
            tracing::error!(%error, "housekeeping failed");
        }
    }
}

impl UpArgs {
    /// Flags win over everything, and are checked like everything.
    fn override_listeners(&self, config: &mut config::Config) -> Result<()> {
        let server = &mut config.server;
        for (flag, setting) in [
            (self.gateway, &mut server.gateway),
            (self.console, &mut server.console),
            (self.metrics, &mut server.metrics),
        ] {
            if let Some(address) = flag {
                *setting = address;
            }
        }
        config.check().map_err(|e| {
            let help = if e.help.is_empty() { String::new() } else { format!(" ({})", e.help) };
            anyhow::anyhow!("{}: {}{help}", e.at, e.message)
        })
    }
}
