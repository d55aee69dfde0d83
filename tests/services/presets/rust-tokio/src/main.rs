//! A service that exports itself by axum-prometheus and tokio-metrics: `rust-tokio PORT [INTERVAL_MS]`.
//!
//! Its reporters report when the page is asked for, or every so many milliseconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use tokio_metrics::{RuntimeMetricsReporterBuilder, TaskMetricsReporterBuilder, TaskMonitor};

fn seconds(parameters: &HashMap<String, String>) -> Duration {
    Duration::from_secs_f64(parameters.get("s").and_then(|it| it.parse().ok()).unwrap_or(0.3))
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let port = args.next().expect("PORT");
    let interval = args.next().and_then(|it| it.parse().ok()).map(Duration::from_millis);

    let (layer, handle) = PrometheusMetricLayer::pair();
    // A poll that holds its thread for longer is a stall.
    let monitor = TaskMonitor::with_slow_poll_threshold(Duration::from_millis(100));
    let tasks =
        TaskMetricsReporterBuilder::new(|name| name.replacen("tokio_", "tokio_task_", 1).into());
    let runtime = RuntimeMetricsReporterBuilder::default();
    let mut reporters = None;
    if let Some(interval) = interval {
        tokio::spawn(tasks.with_interval(interval).describe_and_run(monitor.clone()));
        tokio::spawn(runtime.with_interval(interval).describe_and_run());
    } else {
        let tasks = tasks.describe().build_with_monitor(monitor.clone());
        reporters = Some((tasks, runtime.describe().build()));
    }
    let reporters = Arc::new(Mutex::new(reporters));
    let process = metrics_process::Collector::default();
    process.describe();

    let app = Router::new()
        .route("/", get(async || tokio::task::yield_now().await))
        .route("/fail", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route(
            "/stall",
            get(async |Query(it): Query<HashMap<String, String>>| thread::sleep(seconds(&it))),
        )
        .route(
            "/pool",
            get(async |Query(it): Query<HashMap<String, String>>| {
                let _ = tokio::task::spawn_blocking(move || thread::sleep(seconds(&it))).await;
            }),
        )
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            monitor.instrument(next.run(request))
        }))
        .layer(layer)
        .route(
            "/metrics",
            get(async move || {
                process.collect();
                let mut reporters = reporters.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((tasks, runtime)) = reporters.as_mut() {
                    tasks.run_once();
                    runtime.run_once();
                }
                handle.render()
            }),
        );
    let listener = tokio::net::TcpListener::bind(format!("0.0.0.0:{port}")).await.expect("a port");
    axum::serve(listener, app).await.expect("it serves");
}
