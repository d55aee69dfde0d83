//! How a service is reached, and how it is not.

use std::net::Ipv6Addr;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

#[test]
fn localhost_is_whichever_loopback_the_service_listens_at() {
    let loopbacks = if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        vec!["127.0.0.1:0", "[::1]:0"]
    } else {
        vec!["127.0.0.1:0"]
    };
    for loopback in loopbacks {
        let service = Service::at(loopback, |_, mut stream| while reply(&mut stream, OK) {});
        let port = service.address.port();
        let mut seen = Seen::patient(&format!("http://localhost:{port}/"), EVERY, LONG);
        seen.ended(8);
        assert_eq!(seen.statuses(), HashSet::from([200]), "{loopback}");
        assert_eq!(seen.last.connections.len(), 4);
        let mut connections = seen.last.connections.iter();
        assert!(connections.all(|it| it.peer == service.address), "{loopback}");
    }
}

#[test]
fn a_service_that_is_not_up_yet_is_refused_until_it_is() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut seen = Seen::patient(&format!("http://localhost:{port}/"), EVERY, LONG);
    seen.ended(5);
    let refused = format!("127.0.0.1:{port} refused the connection");
    let either = format!("[::1]:{port} refused the connection");
    assert!(seen.failures().iter().all(|why| [&refused, &either].contains(&&(*why).to_owned())));
    assert!(seen.done.iter().all(|done| done.sent.connection.is_none()));
    seen.done.clear();
    let address = format!("127.0.0.1:{port}");
    let service = Service::at(&address, |_, mut stream| while reply(&mut stream, OK) {});
    seen.until(|seen| seen.done.iter().any(|done| failure(done).is_none()));
    seen.done.clear();
    seen.ended(5);
    assert_eq!(seen.statuses(), HashSet::from([200]));
    assert!(service.accepted() > 0);
}

#[test]
fn a_host_that_nobody_knows_is_a_failure_and_the_end_comes_at_once() {
    let mut seen = Seen::patient("http://nobody.invalid:1/", EVERY, LONG / 2);
    let began = Instant::now();
    // Where there is no DNS at all, it takes its time to say so; the end does not wait for it.
    seen.until(|seen| !seen.done.is_empty() || began.elapsed() > LONG / 10);
    assert!(seen.failures().iter().all(|why| why.starts_with("no address of nobody.invalid")));
    let ending = Instant::now();
    drop(seen);
    assert!(ending.elapsed() < Duration::from_secs(2), "{:?}", ending.elapsed());
}

#[test]
fn the_thread_ends_with_the_probe_whatever_is_under_way() {
    let service = Service::new(|_, mut stream| {
        request(&mut stream);
        thread::sleep(LONG);
    });
    let mut seen = Seen::of(service.address);
    seen.until(|seen| seen.last.waiting.len() == 4);
    assert!(seen.prober.is_running());
    let began = Instant::now();
    drop(seen);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// The time in the accept queue is a part of the request that opens the connection.
#[cfg(target_os = "linux")]
#[test]
fn a_full_accept_queue_is_time_that_a_request_waits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse().unwrap())?;
        socket.listen(1)?.into_std()
    });
    let listener: TcpListener = listener.unwrap();
    listener.set_nonblocking(false).unwrap();
    let address = listener.local_addr().unwrap();
    // As many as fit in, and one that does not.
    let brief = Duration::from_millis(300);
    let fill = || TcpStream::connect_timeout(&address, brief);
    let filled: Vec<std::io::Result<TcpStream>> = (0..4).map(|_| fill()).collect();
    assert!(filled.iter().any(Result::is_err), "the queue has no end");
    let mut seen = Seen::patient(&format!("http://{address}/"), EVERY, LONG);
    seen.until(|seen| seen.last.waiting.len() == 4);
    thread::sleep(brief);
    seen.look();
    assert_eq!(seen.last.connections, []);
    assert!(seen.last.waiting.iter().all(|sent| sent.connection.is_none()), "{:?}", seen.last);
    assert!(seen.done.is_empty() && seen.left_out > 0, "{:?}", seen.done);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || while reply(&mut stream, OK) {});
        }
    });
    seen.ended(4);
    assert_eq!(seen.statuses(), HashSet::from([200]));
    assert!(seen.done.iter().take(4).any(|done| took(done) >= brief), "{:?}", seen.done);
}

/// An https service that answers so many requests on each connection, and its certificate, which is
/// good for `service.test`.
fn secure(requests: usize) -> (Service, CertificateDer<'static>) {
    let identity = rcgen::generate_simple_self_signed(vec!["service.test".to_owned()]).unwrap();
    let certificate = identity.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let service = Service::new(move |_, stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut buffer = [0; 4096];
        for _ in 0..requests {
            // Each request is small enough to come at once.
            let is_there = stream.read(&mut buffer).is_ok_and(|length| length > 0);
            if !is_there || stream.write_all(OK.as_bytes()).is_err() {
                return;
            }
        }
    });
    (service, certificate)
}

/// How a service of that certificate is reached.
fn trusting(certificate: CertificateDer<'static>) -> HttpConfig {
    let mut http = HttpConfig::default();
    http.tls.authorities = Some(vec![certificate]);
    http.tls.server_name = Some("service.test".to_owned());
    http
}

#[test]
fn an_https_service_is_checked_and_asked() {
    let (service, certificate) = secure(usize::MAX);
    let url = format!("https://{}/", service.address);
    let mut http = trusting(certificate);
    let mut seen = Seen::with(&url, http.clone(), EVERY, LONG);
    seen.ended(12);
    assert_eq!(seen.statuses(), HashSet::from([200]));
    assert_eq!(seen.connections().len(), 4, "they are kept");
    http.tls.server_name = None;
    let mut seen = Seen::with(&url, http, EVERY, LONG);
    seen.ended(2);
    let failures = seen.failures();
    assert!(failures.iter().all(|why| why.contains("tls_config.server_name")), "{failures:?}");
}

/// The connection is closed after each answer, and TLS is not told.
#[test]
fn an_https_service_may_close_without_a_farewell() {
    for requests in [1, 3] {
        let (service, certificate) = secure(requests);
        let url = format!("https://{}/", service.address);
        let mut seen = Seen::with(&url, trusting(certificate), EVERY, LONG);
        seen.ended(40);
        assert_eq!(seen.statuses(), HashSet::from([200]));
        assert!(seen.connections().len() >= 12, "{:?}", seen.connections());
    }
}

#[test]
fn tls_and_plain_http_do_not_understand_each_other() {
    let plain = Service::keeping(OK);
    let mut http = HttpConfig::default();
    http.tls.insecure_skip_verify = true;
    let url = format!("https://{}/", plain.address);
    let mut seen = Seen::with(&url, http, EVERY, Duration::from_millis(500));
    seen.ended(1);
    assert_eq!(seen.failures(), HashSet::from(["no answer within 500ms"]));
    let (service, _) = secure(1);
    let url = format!("http://{}/", service.address);
    let mut seen = Seen::patient(&url, EVERY, LONG);
    seen.ended(1);
    assert_eq!(seen.failures().len(), 1);
}
