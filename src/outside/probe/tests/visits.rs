//! What the probe asks over new connections, beside those that it keeps.

use super::*;

/// A probe that visits that address every fifth time that it asks.
fn visiting(address: SocketAddr) -> Seen {
    let url = format!("http://{address}/");
    Seen::visiting(&url, HttpConfig::default(), EVERY, LONG, EVERY * 5)
}

#[test]
fn a_new_connection_carries_one_request_and_its_port_is_told_before() {
    let (sender, over) = std::sync::mpsc::channel();
    let service = Service::new(move |_, mut stream| {
        let port = stream.peer_addr().unwrap().port();
        let mut answers = 0;
        while reply(&mut stream, OK) {
            answers += 1;
        }
        let _ = sender.send((port, answers));
    });
    let mut seen = visiting(service.address);
    let mut visitors = HashSet::new();
    seen.until(|seen| {
        visitors.extend(seen.last.visitors.iter().copied());
        visitors.len() >= 5 && seen.done.len() >= 40
    });
    assert_eq!(seen.statuses(), HashSet::from([200]));
    let kept: HashSet<_> = seen.connections().difference(&visitors).copied().collect();
    assert_eq!(kept.len(), 4, "the others are kept");
    let ports = seen.prober.ports();
    for _ in 0..4 {
        let (port, answers) = over.recv_timeout(LONG).unwrap();
        assert!(answers == 1 && ports.contains(&port), "{port} {answers}");
    }
    // It comes when it is told to, also where it is not due.
    let mut seen = Seen::of(service.address);
    seen.ended(8);
    assert!(seen.last.visitors.is_empty());
    seen.prober.visit();
    seen.until(|seen| !seen.last.visitors.is_empty());
}

#[test]
fn a_listener_that_is_gone_is_noticed_though_what_is_open_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok).take(4) {
            thread::spawn(move || while reply(&mut stream, OK) {});
        }
    });
    let mut seen = visiting(address);
    seen.until(|seen| seen.done.iter().filter_map(failure).count() >= 3);
    let failures: HashSet<_> = seen.done.iter().filter_map(failure).collect();
    assert_eq!(failures, HashSet::from([format!("{address} refused the connection").as_str()]));
    assert!(seen.done.iter().any(|done| done.took().is_some()));
}

/// A queue that is full for a moment costs that moment, and not the second after which the kernel
/// tries again.
#[cfg(target_os = "linux")]
#[test]
fn a_queue_that_was_full_for_a_moment_costs_no_second() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        socket.listen(1)?.into_std()
    });
    let listener: TcpListener = listener.unwrap();
    listener.set_nonblocking(false).unwrap();
    let address = listener.local_addr().unwrap();
    let fill = || TcpStream::connect_timeout(&address, Duration::from_millis(100));
    let _filled: Vec<_> = (0..4).map(|_| fill()).collect();
    let mut seen = Seen::of(address);
    seen.until(|seen| !seen.last.waiting.is_empty());
    thread::sleep(Duration::from_millis(150));
    let emptied = Instant::now();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || while reply(&mut stream, OK) {});
        }
    });
    seen.ended(1);
    let (first, late) = (seen.done[0].at, seen.done[0].own_delay);
    assert!(first - emptied < Duration::from_millis(600) + late, "{:?}", seen.done[0]);
}
