//! A real service in Python, and what it counts itself as the truth.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// A busy machine may take long for anything.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::print_stderr, reason = "who runs the tests must see what was not tested")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

struct Service {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Service {
    /// Starts it by these words before `python3`; `None` where that cannot be done here.
    fn start(before: &[&str], arguments: &[&str]) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/outside/host/tests/service.py");
        let words = [before, &["python3", script], arguments].concat();
        let command = Command::new(words[0]).args(&words[1..]).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = command else {
            skip(&format!("{} is not here", words[0]));
            return None;
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(port)) = lines.next() else {
            child.wait().unwrap();
            skip(&format!("{words:?} does not work here"));
            return None;
        };
        let address = ([127, 0, 0, 1], port.parse().unwrap()).into();
        Some(Self { child, lines, address })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    fn ask(&self, path: &str, times: usize) -> Vec<TcpStream> {
        let clients = (0..times).map(|_| self.connect());
        clients.inspect(|client| send(client, path)).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its children end with it by this one.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.child.wait();
    }
}

fn send(mut client: &TcpStream, path: &str) {
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
}

/// The body of an answer, which comes in one piece.
fn body(mut client: &TcpStream) -> String {
    let mut answer = [0; 1000];
    let length = client.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    answer.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Asks until it is so.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn requests_in_flight_are_those_that_the_service_counts() {
    let Some(service) = Service::start(&[], &[]) else { return };
    let probe = service.connect();
    let ours = || HashSet::from([probe.local_addr().unwrap().port()]);
    let truth = || {
        send(&probe, "/truth");
        body(&probe)
    };
    assert_eq!(truth(), "0");
    let found = find(&[(probe.local_addr().unwrap(), service.address)]);
    let [Owner::Process { process, is_proxy: false }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(process.pid, service.pid());
    let mut watch = Watch::new(&[process.pid], service.address);
    let mut seen = watch.sockets(ours).unwrap();
    assert_eq!((seen.requests_active(), seen.requests_seen()), (Some(0), 0));
    let mut requests = 0;
    let clients = service.ask("/slow", 30);
    until("all are under way", || {
        let all_are = truth() == "30";
        seen = watch.sockets(ours).unwrap();
        requests += seen.requests_seen();
        // None is over before all are read, so this is no race.
        (all_are && seen.requests_active() == Some(30)).then_some(())
    });
    assert_eq!((requests, seen.accept_queue), (30, Some(0)));
    assert_eq!(seen.accepted.iter().filter(|connection| connection.is_ours).count(), 1);
    clients.iter().for_each(|client| assert_eq!(body(client), "done"));
    until("all are answered", || {
        (watch.sockets(ours).unwrap().requests_active() == Some(0)).then_some(())
    });
    drop(clients);
    until("all are gone", || (watch.sockets(ours).unwrap().accepted.len() == 1).then_some(()));
    drop(service);
    until("nobody listens", || {
        let error = watch.sockets(ours).err()?.to_string();
        error.contains("nobody listens").then_some(())
    });
}

#[test]
fn connections_that_come_and_go_between_two_looks_count_once() {
    let Some(service) = Service::start(&[], &[]) else { return };
    let probe = service.connect();
    let ours = || HashSet::from([probe.local_addr().unwrap().port()]);
    let mut watch = Watch::new(&[service.pid()], service.address);
    until("the first look", || watch.sockets(ours).ok());
    for client in service.ask("/truth", 5) {
        body(&client);
    }
    let mut seen = 0;
    until("all have been seen", || {
        seen += watch.sockets(ours).unwrap().requests_seen();
        (seen >= 5).then_some(())
    });
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2_500) {
        seen += watch.sockets(ours).unwrap().requests_seen();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(seen, 5);
}

/// The pools of so many intervals of 20 looks, under these requests.
fn pools(service: &Service, path: &str, intervals: usize) -> Vec<pool::Pool> {
    let ours = HashSet::new;
    let mut watch = Watch::new(&[service.pid()], service.address);
    let mut look = |judge: &mut pool::Judge| {
        let sockets = watch.sockets(ours).unwrap();
        let threads = watch.threads(service.pid()).unwrap();
        judge.look(&pool::Look {
            at: Instant::now(),
            threads: &threads,
            loops: &[service.pid()],
            stacks: None,
            queued: None,
            requests_active: sockets.requests_active(),
        });
    };
    let mut judge = pool::Judge::new(Some(8));
    look(&mut judge);
    let _clients = service.ask(path, 60);
    let mut pools = Vec::new();
    for number in 1..=intervals * 20 {
        look(&mut judge);
        std::thread::sleep(Duration::from_millis(50));
        if number % 20 == 0 {
            pools.extend(judge.end_interval(Some(8)));
        }
    }
    pools
}

#[test]
fn a_full_pool_is_seen_and_slow_awaits_are_none() {
    let Some(service) = Service::start(&[], &[]) else { return };
    let slow = pools(&service, "/slow", 2);
    assert!(slow.iter().all(|pool| pool.backlog == Some(0) && pool.busy == 0), "{slow:?}");
    // 60 requests of a second each on eight threads.
    let Some(service) = Service::start(&[], &[]) else { return };
    let full = pools(&service, "/pool", 4);
    let backlogs = full.iter().filter(|pool| pool.busy == 8).filter_map(|pool| pool.backlog);
    let most = backlogs.max().unwrap_or_default();
    assert!((12..=52).contains(&most), "{full:?}");
}

#[test]
fn two_workers_are_found_without_their_supervisor() {
    let Some(mut service) = Service::start(&[], &["fork"]) else { return };
    let children = service.lines.next().unwrap().unwrap();
    let children: Vec<u32> = children.split(' ').map(|pid| pid.parse().unwrap()).collect();
    let mut expected = children.clone();
    expected.sort_unstable();
    for given in [service.pid(), children[0]] {
        // Until their loops run, nothing tells them from the supervisor.
        until("both are found", || {
            let found: Vec<u32> =
                workers(&[given], service.address.port()).iter().map(|of| of.pid).collect();
            (found == expected).then_some(())
        });
    }
}

#[test]
fn a_service_of_another_user_and_in_another_network_is_seen_by_root() {
    if !rustix::process::geteuid().is_root() {
        skip("it takes root");
        return;
    }
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    if let Some(service) = Service::start(&nobody, &[]) {
        let client = service.connect();
        until("it is found", || {
            let found = find(&[(client.local_addr().unwrap(), service.address)]);
            matches!(&found[0], Owner::Process { process, .. } if process.pid == service.pid())
                .then_some(())
        });
    }
    if let Some(service) = Service::start(&["unshare", "-n"], &[]) {
        let mut there = Watch::new(&[service.pid()], service.address);
        let sockets = there.sockets(HashSet::new).unwrap();
        assert_eq!((sockets.accept_queue, sockets.accepted.len()), (Some(0), 0));
        assert_eq!(there.threads(service.pid()).unwrap()[0].tid, service.pid());
        let here = Watch::new(&[], service.address).sockets(HashSet::new);
        assert!(here.is_err(), "nobody listens there: {here:?}");
    }
}
