//! Opens a connection: finds the address, connects, and agrees on TLS and HTTP/1.1.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::error::Unanswered;
use super::plan::{Host, Plan};
use super::shared::Shared;
use super::watched::{Stream, Traffic, Watched};
use super::{Connection, ConnectionId};
use crate::one_line::one_line;
use crate::prometheus::http::tls_words;

/// An address that does not answer in that time is passed over, where there is another.
const WORTH: Duration = Duration::from_secs(1);

/// A connection to this machine is there at once, or its listener has no room for it: the kernel
/// tries that again after 1 s only, which would be the probe's time and not the service's.
const AT_ONCE: Duration = Duration::from_millis(100);

/// The number of the next connection, of whichever probe.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A connection that is open. Dropping it closes it, whatever is under way.
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) sender: SendRequest<Empty<Bytes>>,
    pub(super) traffic: Rc<Traffic>,
    /// How long it took to open.
    pub(super) took: Duration,
    /// The task that moves its bytes.
    task: AbortHandle,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens the connections of a probe, all of them to one address.
#[derive(Debug)]
pub(super) struct Connector {
    /// The address that worked.
    address: Cell<Option<SocketAddr>>,
    shared: Arc<Shared>,
}

impl Connector {
    /// Tells `shared` of the ports that it connects from.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { address: Cell::new(None), shared }
    }

    /// Opens a connection, whichever address of the host lets it.
    ///
    /// # Errors
    /// Why that is not possible now.
    pub(super) async fn open(&self, plan: &Plan) -> Result<Live, Unanswered> {
        let began = Instant::now();
        let stream = self.connect(plan).await?;
        let broken = |error: io::Error| Unanswered::Broken(one_line(&error.to_string()));
        let connection = Connection {
            id: next_id(),
            local: stream.local_addr().map_err(broken)?,
            peer: stream.peer_addr().map_err(broken)?,
        };
        stream.set_nodelay(true).map_err(broken)?;
        let stream = match &plan.tls {
            None => Stream::Plain(stream),
            Some((config, name)) => {
                let secure = TlsConnector::from(config.clone()).connect(name.clone(), stream).await;
                Stream::Secure(Box::new(secure.map_err(|error| {
                    let words = tls_words(&error);
                    Unanswered::Tls(words.unwrap_or_else(|| one_line(&error.to_string())))
                })?))
            }
        };
        let (watched, traffic) = Watched::new(stream);
        let (sender, moved) = http1::handshake(TokioIo::new(watched))
            .await
            .map_err(|error| Unanswered::of(&error, false))?;
        // What it ends with is told to the request that waits for it, if one does.
        let task = spawn_local(async move { drop(moved.await) }).abort_handle();
        Ok(Live { connection, sender, traffic, took: began.elapsed(), task })
    }

    /// The next connection may go elsewhere: nothing listens any longer where the last one went.
    pub(super) fn forget(&self) {
        self.address.set(None);
    }

    async fn connect(&self, plan: &Plan) -> Result<TcpStream, Unanswered> {
        if let Some(address) = self.address.get() {
            return self.connect_to(address).await;
        }
        let addresses = addresses(plan).await?;
        let mut why = None;
        for (number, address) in addresses.iter().enumerate() {
            let result = if number + 1 == addresses.len() {
                self.connect_to(*address).await
            } else {
                let late = || Unanswered::ConnectLate(address.to_string(), WORTH);
                timeout(WORTH, self.connect_to(*address)).await.unwrap_or_else(|_| Err(late()))
            };
            match result {
                Ok(stream) => {
                    self.address.set(Some(*address));
                    return Ok(stream);
                }
                // One where something may listen tells more than one where nothing does.
                Err(error) => match why {
                    None | Some(Unanswered::Refused(_)) => why = Some(error),
                    Some(_) => {}
                },
            }
        }
        Err(why.unwrap_or_else(|| Unanswered::Resolve("the host".to_owned(), "it has none".into())))
    }

    /// Connects, again and again where the listener of this machine has no room.
    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, Unanswered> {
        if !address.ip().to_canonical().is_loopback() {
            return self.try_to_connect_to(address).await;
        }
        loop {
            if let Ok(result) = timeout(AT_ONCE, self.try_to_connect_to(address)).await {
                return result;
            }
        }
    }

    /// Connects from a port that is told before: whoever looks at the service's side may see the
    /// connection earlier than this.
    async fn try_to_connect_to(&self, address: SocketAddr) -> Result<TcpStream, Unanswered> {
        let from = |ip: IpAddr| SocketAddr::new(ip, 0);
        let bound = if address.is_ipv4() {
            TcpSocket::new_v4()
                .and_then(|it| it.bind(from(Ipv4Addr::UNSPECIFIED.into())).map(|()| it))
        } else {
            TcpSocket::new_v6()
                .and_then(|it| it.bind(from(Ipv6Addr::UNSPECIFIED.into())).map(|()| it))
        };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Unanswered::Refused(address.to_string()),
            _ => Unanswered::Connect(address.to_string(), one_line(&error.to_string())),
        };
        let socket = bound.map_err(failed)?;
        self.shared.connects_from(socket.local_addr().map_err(failed)?.port());
        socket.connect(address).await.map_err(failed)
    }
}

fn next_id() -> ConnectionId {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn addresses(plan: &Plan) -> Result<Vec<SocketAddr>, Unanswered> {
    match &plan.host {
        Host::Known(known) => Ok(known.iter().map(|ip| SocketAddr::new(*ip, plan.port)).collect()),
        Host::Named(name) => match lookup_host((name.as_str(), plan.port)).await {
            Ok(found) => Ok(found.collect()),
            Err(error) => Err(Unanswered::Resolve(name.clone(), one_line(&error.to_string()))),
        },
    }
}
