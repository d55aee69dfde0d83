//! `tls_config`: certificates from PEM files, checked before anything is sent.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;

use super::values::{Entry, Section, boolean, content, fields, find, text};
use crate::config::http::Tls;
use crate::config::problems::Problems;
use crate::config::yaml::Node;

const KEYS: [&str; 5] = ["ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"];

pub(super) fn read_tls(node: &Node, section: &Section<'_>, problems: &mut Problems) -> Tls {
    let fields = fields(node, "`tls_config`", &KEYS, problems);
    let authorities = find(&fields, "ca_file").and_then(|(_, value)| {
        let certificates = certificates("ca_file", value, section, problems)?;
        // A bundle may hold some that are not for us.
        if !certificates.iter().any(|der| webpki::anchor_from_trusted_cert(der).is_ok()) {
            problems.at(value, "`ca_file` holds no certificate that can be used");
        }
        Some(certificates)
    });
    let server_name =
        find(&fields, "server_name").and_then(|(_, value)| server_name(value, problems));
    let insecure_skip_verify = find(&fields, "insecure_skip_verify")
        .and_then(|((name, _), value)| boolean(name, value, problems))
        .unwrap_or_default();
    let identity = identity(node, &fields, section, problems);
    Tls { authorities, identity, server_name, insecure_skip_verify }
}

fn server_name(node: &Node, problems: &mut Problems) -> Option<String> {
    let name = text("server_name", node, problems)?;
    if !matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_))) {
        problems.at(node, format!("`server_name` must be a host name, found {name:?}"));
        return None;
    }
    Some(name.to_owned())
}

/// Our certificate and its key, which are of use only together.
fn identity(
    node: &Node,
    fields: &[Entry<'_>],
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<Arc<CertifiedKey>> {
    let (cert, key) = match (find(fields, "cert_file"), find(fields, "key_file")) {
        (Some((_, cert)), Some((_, key))) => (cert, key),
        (None, None) => return None,
        _ => {
            problems.at(node, "`cert_file` and `key_file` need each other");
            return None;
        }
    };
    let chain = certificates("cert_file", cert, section, problems);
    let pem = content("key_file", key, section, problems)?;
    let parsed = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        problems.at(key, "`key_file` holds no private key in PEM form, or an encrypted one");
    });
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain?, parsed.ok()?, &provider)
        .map_err(|error| {
            problems.at(key, format!("`key_file` does not belong to `cert_file`: {error}"));
        })
        .ok()
        .map(Arc::new)
}

fn certificates(
    name: &str,
    node: &Node,
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<Vec<CertificateDer<'static>>> {
    let pem = content(name, node, section, problems)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Some(certificates),
        _ => {
            problems.at(node, format!("`{name}` holds no certificate in PEM form"));
            None
        }
    }
}
