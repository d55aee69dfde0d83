//! TLS: whom to trust, and who we are.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::TransportError;
use crate::config::Tls;

/// The TLS part of a client; one that never needs it trusts nobody.
pub(super) fn client_config(tls: &Tls, needed: bool) -> Result<ClientConfig, TransportError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Setup(error.to_string()))?;
    let builder = if tls.insecure_skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        builder.with_root_certificates(if needed { roots(tls)? } else { RootCertStore::empty() })
    };
    Ok(match &tls.identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())))
        }
        None => builder.with_no_client_auth(),
    })
}

fn roots(tls: &Tls) -> Result<RootCertStore, TransportError> {
    let mut roots = RootCertStore::empty();
    if let Some(authorities) = &tls.authorities {
        if roots.add_parsable_certificates(authorities.iter().cloned()).0 == 0 {
            let message = "tls_config.ca_file holds no certificate that can be used";
            return Err(TransportError::Setup(message.to_owned()));
        }
        return Ok(roots);
    }
    let system = rustls_native_certs::load_native_certs();
    if roots.add_parsable_certificates(system.certs).0 == 0 {
        let reason = system.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(TransportError::Setup(format!(
            "the system has no certificates to check an https server with{reason}; install \
             ca-certificates, or set tls_config.ca_file under `http`"
        )));
    }
    Ok(roots)
}

/// Lets any certificate pass, as `insecure_skip_verify` asks; the handshake is still checked
/// to be made with that certificate's key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
