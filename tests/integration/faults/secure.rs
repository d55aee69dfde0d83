//! TLS: certificates that are not what they should be, and the ways to trust one.

use std::fs;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::matrix::{SECRET, healthy};
use crate::support::certificates::{Authority, Identity, authority};
use crate::support::fake::Fake;
use crate::support::{Run, command, empty_directory};

const QUERIES: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}\n";

/// A calm backend that shows `identity`, and lets in whom `clients` has signed.
fn backend(identity: &Identity, clients: Option<&Authority>) -> Fake {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let chain: Vec<CertificateDer<'static>> = vec![identity.cert.der().clone()];
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let config = builder.with_single_cert(chain, key).unwrap();
    Fake::start_tls(Arc::new(config), |request| healthy(request, true))
}

/// Audits with `tls_config` as given, the files in place.
fn audit(fake: &Fake, tls: &str, authority: &Authority, us: Option<&Identity>) -> Run {
    let directory = empty_directory();
    let write = |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
    write("metrics.yaml", format!("http: {{tls_config: {tls}}}\n{QUERIES}"));
    write("ca.pem", authority.pem());
    if let Some(us) = us {
        write("cert.pem", us.cert.pem());
        write("key.pem", us.key.serialize_pem());
    }
    let url = fake.url();
    let args = ["--fail-on-critical", "--timeout", "10s", "--target", &url];
    let mut command = command(directory.path(), &args);
    command.env("AUDITOR_BEARER_TOKEN", SECRET).output().unwrap().into()
}

const CA: &str = "{ca_file: ca.pem}";
const US: &str = "{ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}";

/// An https server is only as good as its certificate.
#[test]
fn certificates() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let good = Identity::new(&ours, "127.0.0.1", 2090);
    let named = Identity::new(&ours, "prometheus.test", 2090);
    let old = Identity::new(&ours, "127.0.0.1", 2020);
    let strange = Identity::new(&theirs, "127.0.0.1", 2090);
    let by_name = "{ca_file: ca.pem, server_name: prometheus.test}";
    let wrong_name = "{ca_file: ca.pem, server_name: other.test}";
    let anyone = "{insecure_skip_verify: true}";
    for (what, identity, tls, code, words) in [
        ("a private authority", &good, CA, 0, ""),
        ("not the system's", &good, "{}", 3, "UnknownIssuer; name the authority"),
        ("another authority", &strange, CA, 3, "UnknownIssuer; name the authority"),
        ("expired", &old, CA, 3, "has to be renewed"),
        ("a wrong name", &named, CA, 3, "use a name that the certificate bears"),
        ("the name it bears", &named, by_name, 0, ""),
        ("a name it does not bear", &named, wrong_name, 3, "tls_config.server_name"),
        ("a name instead of the address", &good, wrong_name, 3, "tls_config.server_name"),
        ("anyone, of another authority", &strange, anyone, 0, ""),
        ("anyone, expired", &old, anyone, 0, ""),
        ("anyone, by another name", &named, anyone, 0, ""),
    ] {
        let fake = backend(identity, None);
        let run = audit(&fake, tls, &ours, None);
        assert_eq!(run.code, code, "{what}: {}", run.stderr);
        assert!(run.says(words), "{what}: {}", run.stderr);
        // Nothing is said to a server that is not trusted.
        assert_eq!(fake.requests().is_empty(), code != 0, "{what}");
    }
}

/// A certificate that is its own authority is trusted where it is named, and only there.
#[test]
fn self_signed_certificates() {
    let ours = authority("ours");
    let good = Identity::self_signed("127.0.0.1", 2090);
    let named = Identity::self_signed("prometheus.test", 2090);
    let old = Identity::self_signed("127.0.0.1", 2020);
    let itself = "{ca_file: cert.pem}";
    for (what, identity, tls, code, words) in [
        ("named", &good, itself, 0, ""),
        ("not named", &good, CA, 3, "name the certificate itself as tls_config.ca_file"),
        ("not named, beside the system's", &good, "{}", 3, "it is self-signed"),
        ("expired", &old, itself, 3, "has to be renewed"),
        ("a wrong name", &named, itself, 3, "use a name that the certificate bears"),
    ] {
        let fake = backend(identity, None);
        let run = audit(&fake, tls, &ours, Some(identity));
        assert_eq!(run.code, code, "{what}: {}", run.stderr);
        assert!(run.says(words), "{what}: {}", run.stderr);
        assert_eq!(fake.requests().is_empty(), code != 0, "{what}");
    }
}

#[test]
fn the_server_may_ask_who_we_are() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let good = Identity::new(&ours, "127.0.0.1", 2090);
    let us = Identity::new(&ours, "auditor", 2090);
    let (strange, old) = (Identity::new(&theirs, "x", 2090), Identity::new(&ours, "x", 2020));
    for (what, tls, who, code, words) in [
        ("we show it", US, Some(&us), 0, ""),
        ("we show none", CA, None, 3, "cert_file and key_file"),
        ("we show one of another authority", US, Some(&strange), 3, "client certificate"),
        ("we show an old one", US, Some(&old), 3, "client certificate"),
    ] {
        let run = audit(&backend(&good, Some(&ours)), tls, &ours, who);
        assert_eq!(run.code, code, "{what}: {}", run.stderr);
        assert!(run.says(words), "{what}: {}", run.stderr);
    }
}

/// The name asked for is also the one that the server reads, as SNI; the host stays.
#[test]
fn server_name_changes_the_certificate_asked_for_and_not_the_host() {
    let ours = authority("ours");
    let fake = backend(&Identity::new(&ours, "prometheus.test", 2090), None);
    audit(&fake, "{ca_file: ca.pem, server_name: prometheus.test}", &ours, None);
    assert!(!fake.requests().is_empty());
    assert!(fake.requests().iter().all(|request| request.headers["host"] == fake.address()));
}

/// Plain HTTP asked of a TLS server is no answer.
#[test]
fn http_asked_of_a_tls_server() {
    let ours = authority("ours");
    let fake = backend(&Identity::new(&ours, "127.0.0.1", 2090), None);
    let directory = crate::support::directory_with(QUERIES);
    let url = format!("http://{}", fake.address());
    let run = crate::support::auditor(directory.path(), &["--fail-on-critical", "--target", &url]);
    assert_eq!(run.code, 3, "{}", run.stderr);
}

/// A redirect from http to https is checked against the same authorities.
#[test]
fn a_redirect_to_https() {
    use crate::support::fake::Response;
    let ours = authority("ours");
    let secure = backend(&Identity::new(&ours, "127.0.0.1", 2090), None);
    let url = secure.url();
    let plain = Fake::start(move |request| {
        let pairs = request.parameters.iter();
        let place = reqwest::Url::parse_with_params(&format!("{url}{}", request.path), pairs);
        Response::with_headers(308, &[("Location", &place.unwrap())], "")
    });
    assert_eq!(audit(&plain, CA, &ours, None).code, 0);
    let run = audit(&plain, "{}", &ours, None);
    assert_eq!(run.code, 3);
    assert!(run.says("UnknownIssuer"), "{}", run.stderr);
    assert!(secure.requests().iter().all(|request| !request.headers.contains_key("authorization")));
}
