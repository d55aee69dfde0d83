//! Answers made to exhaust the memory: refused below 100 MiB.

use std::fs::{self, File};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::matrix::healthy;
use crate::support::beside;
use crate::support::fake::{Fake, Request, Response};
use crate::support::{command, directory_with};

/// Every query that there is, so that as much as possible is under way at once.
const CONFIG: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_events_total: c, blocking_duration_avg: d, peak_active_requests: e, threadpool_queue_wait: f, threadpool_tasks_started: g, threadpool_tasks_completed: h, threadpool_backlog: i, process_cpu_cores: j}";

/// A gzip of 1 GiB of `byte`: the same MiB over and over.
fn bomb(byte: u8) -> Vec<u8> {
    let mut packer = flate2::Compress::new(flate2::Compression::best(), false);
    let mut megabyte = Vec::with_capacity(1 << 20);
    packer.compress_vec(&[byte; 1 << 20], &mut megabyte, flate2::FlushCompress::Full).unwrap();
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for _ in 0..1024 {
        gzip.extend(&megabyte);
    }
    gzip
}

/// Exit code, peak memory in MiB and standard error of an audit of that backend.
fn audit(query: impl Fn(&Request) -> Response + Send + Sync + 'static) -> (i32, u64, String) {
    let fake = Fake::start(move |request| {
        let is_question = request.path == "/api/v1/query" && !beside::is_asked_by(request);
        if is_question { query(request) } else { healthy(request, true) }
    });
    let directory = directory_with(CONFIG);
    let errors = directory.path().join("errors");
    let url = fake.url();
    let at = "1970-01-01T00:00:01Z";
    let args = ["--fail-on-critical", "--timeout", "60s", "--target", &url, "--at", at];
    let mut command = command(directory.path(), &args);
    let output = File::create(&errors).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    // The figure of wait4 counts the memory of this process too, from before the exec.
    let status = loop {
        peak = peak.max(high_water(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(1));
    };
    (status.code().unwrap(), peak, fs::read_to_string(errors).unwrap())
}

/// The most memory that a process has had, in MiB.
pub(crate) fn high_water(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes >> 10)
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let zeros = Arc::new(bomb(0));
    let blanks = Arc::new(bomb(b' '));
    let packed = |bomb: Arc<Vec<u8>>| {
        move |_: &Request| {
            let bomb = bomb.clone();
            Response::writes(move |out| {
                out.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")?;
                out.write_all(&bomb)
            })
        }
    };
    let endless = |_: &Request| {
        Response::writes(|out| {
            out.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                out.write_all(&[b' '; 1 << 16])?;
            }
        })
    };
    for (name, (code, mebibytes, stderr)) in [
        ("a gzip bomb", audit(packed(zeros))),
        ("a gzip bomb of blanks", audit(packed(blanks))),
        ("endless bodies", audit(endless)),
    ] {
        assert_eq!(code, 3, "{name}: {stderr}");
        assert!(stderr.contains("larger than 4 MiB"), "{name}: {stderr}");
        assert!(mebibytes < 100, "{name}: {mebibytes} MiB");
    }
}

/// As many series as fit below the limit, for every query: the most that is kept.
#[test]
fn answers_just_below_the_limit_fit() {
    let series = r#"{"metric":{"a":"b"},"value":[1,"0"]}"#;
    let body = vec![series; (4 << 20) / (series.len() + 1) - 4].join(",");
    let body =
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{body}]}}}}"#);
    let (code, mebibytes, stderr) = audit(move |_| Response::new(200, &body));
    assert_eq!(code, 0, "{stderr}");
    assert!(mebibytes < 1000, "{mebibytes} MiB");
}
