//! TLS: whom to trust, and who we are.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::TransportError;
use crate::config::Tls;

/// The TLS part of a client; one that never needs it trusts nobody.
pub(super) fn client_config(tls: &Tls, needed: bool) -> Result<ClientConfig, TransportError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Setup(error.to_string()))?;
    let builder = if needed {
        let trust = if tls.insecure_skip_verify { None } else { Some(Trust::new(tls, &provider)?) };
        let verifier = Arc::new(Verifier { trust, provider });
        builder.dangerous().with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    Ok(match &tls.identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())))
        }
        None => builder.with_no_client_auth(),
    })
}

/// Checks the server's certificate and that the handshake is made with its key.
#[derive(Debug)]
struct Verifier {
    /// `None` lets any certificate pass, as `insecure_skip_verify` asks.
    trust: Option<Trust>,
    provider: Arc<CryptoProvider>,
}

/// Whom to trust.
#[derive(Debug)]
struct Trust {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Self, TransportError> {
        let certificates = match &tls.authorities {
            Some(authorities) => authorities.clone(),
            None => system()?,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let chains =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let chains = chains.map_err(|error| {
            let message = format!("no certificate of tls_config.ca_file can be used: {error}");
            TransportError::Setup(message)
        })?;
        Ok(Self { chains, certificates })
    }

    fn verify(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chains.verify_server_cert(server, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(error))
                if is_authority(&error) && self.certificates.contains(server) =>
            {
                // It is trusted by itself; that it is in date has been checked before this.
                verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }
}

/// Whether a certificate is refused for being an authority's own, as self-signed ones are by
/// openssl's default. Other clients let them in where they are trusted.
pub(super) fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(error) = error else { return false };
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn system() -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let system = rustls_native_certs::load_native_certs();
    if system.certs.is_empty() {
        let reason = system.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(TransportError::Setup(format!(
            "the system has no certificates to check an https server with{reason}; install \
             ca-certificates, or set tls_config.ca_file under `http`"
        )));
    }
    Ok(system.certs)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Some(trust) => trust.verify(server, intermediates, name, ocsp_response, now),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
