//! The routes of `asgi.py` in axum: `axum-service HOST PORT`.
//!
//! One thread runs it all, as one core would, unless `WORKERS` says how many there are to be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde_json::{Value, json};

/// How often the ticker wants to run, and from which lag on it keeps one as a stall.
const TICK: Duration = Duration::from_millis(5);
const STALL: f64 = 0.1;
/// Threads for what blocks.
const THREADS: usize = 4;

type Parameters = Query<HashMap<String, String>>;

#[derive(Default)]
struct Truth {
    max_lag: f64,
    stalls: Vec<Value>,
    active: usize,
    active_peak: usize,
    tasks: usize,
    waiting_peak: usize,
}

#[derive(Clone, Default)]
struct Service(Arc<Mutex<Truth>>);

impl Service {
    fn with<T>(&self, change: impl FnOnce(&mut Truth) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn tick(self) {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(TICK).await;
            let lag = last.elapsed().saturating_sub(TICK).as_secs_f64();
            last = Instant::now();
            let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.with(|truth| {
                truth.max_lag = truth.max_lag.max(lag);
                truth.waiting_peak = truth.waiting_peak.max(truth.tasks.saturating_sub(THREADS));
                if lag >= STALL {
                    truth.stalls.push(json!({"ended": ended.as_secs_f64(), "seconds": lag}));
                }
            });
        }
    }

    fn told(&self, reset: bool) -> String {
        self.with(|truth| {
            let waiting = truth.tasks.saturating_sub(THREADS);
            let told = json!({
                "pid": std::process::id(),
                "max_lag": truth.max_lag,
                "stalls": truth.stalls,
                "active": truth.active,
                "active_peak": truth.active_peak,
                "pool_threads": THREADS,
                "pool_waiting": waiting,
                "pool_waiting_peak": truth.waiting_peak,
            });
            if reset {
                truth.max_lag = 0.0;
                truth.stalls.clear();
                truth.active_peak = truth.active;
                truth.waiting_peak = 0;
            }
            told.to_string()
        })
    }
}

/// Counts a request as long as it lives.
struct Active(Service);

impl Active {
    fn begin(service: &Service) -> Self {
        service.with(|truth| {
            truth.active += 1;
            truth.active_peak = truth.active_peak.max(truth.active);
        });
        Self(service.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.with(|truth| truth.active -= 1);
    }
}

fn so_long(parameters: &Parameters) -> Duration {
    let ms = parameters.get("ms").and_then(|ms| ms.parse().ok()).unwrap_or(0.0);
    Duration::from_secs_f64(ms / 1000.0)
}

fn block(time: Duration) {
    thread::sleep(time); // blocks the loop
}

fn compute(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {} // computes on the loop
}

async fn pool(service: Service, time: Duration) {
    service.with(|truth| truth.tasks += 1);
    let _ = tokio::task::spawn_blocking(move || thread::sleep(time)).await;
    service.with(|truth| truth.tasks -= 1);
}

fn routes(service: Service) -> Router {
    Router::new()
        .route(
            "/",
            get(async |State(it): State<Service>| {
                let _active = Active::begin(&it);
                "done\n"
            }),
        )
        .route(
            "/block",
            get(async |State(it): State<Service>, query: Parameters| {
                let _active = Active::begin(&it);
                block(so_long(&query));
                "done\n"
            }),
        )
        .route(
            "/cpu",
            get(async |State(it): State<Service>, query: Parameters| {
                let _active = Active::begin(&it);
                compute(so_long(&query));
                "done\n"
            }),
        )
        .route(
            "/await",
            get(async |State(it): State<Service>, query: Parameters| {
                let _active = Active::begin(&it);
                tokio::time::sleep(so_long(&query)).await;
                "done\n"
            }),
        )
        .route(
            "/pool",
            get(async |State(it): State<Service>, query: Parameters| {
                let _active = Active::begin(&it);
                pool(it.clone(), so_long(&query)).await;
                "done\n"
            }),
        )
        .route(
            "/truth",
            get(async |State(it): State<Service>, query: Parameters| {
                it.told(query.contains_key("reset"))
            }),
        )
        .with_state(service)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (host, port) = (args.next().expect("HOST"), args.next().expect("PORT"));
    let workers = std::env::var("WORKERS").ok().and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut builder = if workers == 0 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    if workers > 0 {
        builder.worker_threads(workers);
    }
    let runtime = builder.enable_all().max_blocking_threads(THREADS).build().expect("a runtime");
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind(format!("{host}:{port}")).await.expect("a port");
        let service = Service::default();
        tokio::spawn(service.clone().tick());
        axum::serve(listener, routes(service)).await.expect("it serves");
    });
}
