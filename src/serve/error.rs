//! Why nothing can be served, in words that lead to the mend.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::{address, token};

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What was given is no address.
    #[error(
        "cannot listen on {listen:?}: {why}; 127.0.0.1:9464 is for this machine alone, 0.0.0.0:9464 \
         for all that reach it"
    )]
    NoAddress {
        /// What was given.
        listen: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name of the host leads nowhere.
    #[error("cannot listen on {host}: it has no address here ({cause}); is the name right?")]
    UnknownHost {
        /// Which one.
        host: String,
        /// What was said of it.
        cause: io::Error,
    },
    /// The system does not let it.
    #[error("cannot listen on {listen}: {cause}; {}", address::remedy(listen, cause))]
    CannotListen {
        /// Where.
        listen: String,
        /// Why not.
        cause: io::Error,
    },
    /// It would be open to everybody.
    #[error(
        "does not listen on {0} without a token: who reaches it would read every report; give \
         --token-file, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// The file of the token cannot be read.
    #[error("cannot read the token {}: {cause}", path.display())]
    TokenUnreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// There is no token in its file.
    #[error(
        "the token {} {why}; it is one line of {} characters at most, all of them printable ASCII and \
         no spaces, such as `openssl rand -hex 32` writes",
        path.display(),
        token::LARGEST
    )]
    NoToken {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}
