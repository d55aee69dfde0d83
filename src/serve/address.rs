//! Where the server listens, and whether it may do so without a token.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use super::ServeError;

/// Ports below this one are the system's, on most systems.
const FIRST_FREE_PORT: u16 = 1024;

/// Listens on an address of the form `HOST:PORT`; port 0 is whichever is free.
///
/// # Errors
/// If that is no address, or nothing can listen there now.
pub fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), ServeError> {
    let (host, port) = split(listen)?;
    let unknown = |cause| ServeError::UnknownHost { host: host.to_owned(), cause };
    let mut addresses: Vec<_> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    // A name may stand for both: more programs look for it under the older one.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let cannot = |cause| ServeError::CannotListen { listen: listen.to_owned(), cause };
    let listener = TcpListener::bind(addresses.as_slice()).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Whether only programs of this machine reach the address.
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Whether it may be listened there: what others reach asks for a token.
///
/// # Errors
/// If it may not.
pub fn check_open(address: &SocketAddr, has_token: bool) -> Result<(), ServeError> {
    if has_token || is_loopback(address) { Ok(()) } else { Err(ServeError::Open(*address)) }
}

/// The host, without the brackets of IPv6, and the port.
fn split(listen: &str) -> Result<(&str, u16), ServeError> {
    let no_address =
        |why: &str| ServeError::NoAddress { listen: listen.to_owned(), why: why.to_owned() };
    if listen.contains('/') {
        return Err(no_address("it is a host and a port, without http:// and a path"));
    }
    let Some((host, port)) = listen.rsplit_once(':') else {
        let is_port = !listen.is_empty() && listen.bytes().all(|it| it.is_ascii_digit());
        return Err(no_address(if is_port { "it has no host" } else { "it has no port" }));
    };
    if host.is_empty() {
        return Err(no_address("it has no host"));
    }
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if bare.is_none() && host.contains(':') {
        return Err(no_address("a host of IPv6 stands in brackets, such as [::1]:9464"));
    }
    let port = port.parse().map_err(|_| {
        no_address(if port.is_empty() {
            "it has no port"
        } else {
            "its port is not one of 0 to 65535"
        })
    })?;
    Ok((bare.unwrap_or(host), port))
}

/// What can be done about an address that cannot be listened on.
pub(super) fn remedy(listen: &str, error: &io::Error) -> &'static str {
    let port = listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there, maybe another auditor: end it, or give another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: 0.0.0.0 stands for all that it has, 127.0.0.1 for \
             itself alone"
        }
        io::ErrorKind::PermissionDenied if port.is_some_and(|it| it < FIRST_FREE_PORT) => {
            "ports below 1024 are for the system: give a higher one, such as 9464"
        }
        _ => "give another address, such as 127.0.0.1:9464",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(listen: &str) -> String {
        bind(listen).expect_err(listen).to_string()
    }

    #[test]
    fn it_listens_on_each_form_of_the_own_machine() {
        for listen in ["127.0.0.1:0", "localhost:0"] {
            let (listener, address) = bind(listen).expect(listen);
            assert!(is_loopback(&address), "{listen}: {address}");
            assert_ne!(address.port(), 0);
            assert_eq!(listener.local_addr().unwrap(), address);
        }
        // There are machines without IPv6.
        match bind("[::1]:0") {
            Ok((_, address)) => assert_eq!(address.ip().to_string(), "::1"),
            Err(error) => assert!(matches!(error, ServeError::CannotListen { .. }), "{error}"),
        }
    }

    #[test]
    fn a_name_that_stands_for_both_is_found_under_the_older_one() {
        let (_, address) = bind("localhost:0").unwrap();
        assert!(address.is_ipv4(), "{address}");
    }

    #[test]
    fn what_is_no_address_is_told_with_one_that_is() {
        for (listen, why) in [
            ("9464", "it has no host"),
            (":9464", "it has no host"),
            ("", "it has no port"),
            ("localhost", "it has no port"),
            ("localhost:", "it has no port"),
            ("localhost:65536", "0 to 65535"),
            ("localhost:-1", "0 to 65535"),
            ("::1:9464", "brackets"),
            ("http://127.0.0.1:9464", "without http://"),
            ("127.0.0.1:9464/metrics", "without http://"),
        ] {
            let said = fails(listen);
            assert!(said.contains(why) && said.contains("127.0.0.1:9464"), "{listen}: {said}");
        }
    }

    #[test]
    fn a_port_that_is_taken_is_told_with_what_to_do() {
        let (_taken, address) = bind("127.0.0.1:0").unwrap();
        let said = fails(&address.to_string());
        assert!(said.contains(&address.to_string()), "{said}");
        assert!(said.contains("another port"), "{said}");
    }

    #[test]
    fn an_address_of_another_machine_is_told_with_what_to_do() {
        let said = fails("192.0.2.1:0");
        assert!(said.contains("0.0.0.0"), "{said}");
    }

    #[test]
    fn a_host_that_nobody_knows_is_named() {
        let said = fails("nobody.invalid:9464");
        assert!(said.contains("nobody.invalid"), "{said}");
    }

    #[test]
    fn the_right_to_a_port_is_told_by_its_number() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(remedy("127.0.0.1:80", &denied).contains("below 1024"));
        assert!(!remedy("127.0.0.1:8080", &denied).contains("below 1024"));
    }

    #[test]
    fn only_the_own_machine_is_served_without_a_token() {
        for (address, is_own) in [
            ("127.0.0.1:9464", true),
            ("127.8.8.8:9464", true),
            ("[::1]:9464", true),
            ("[::ffff:127.0.0.1]:9464", true),
            ("0.0.0.0:9464", false),
            ("[::]:9464", false),
            ("10.0.0.1:9464", false),
            ("[::ffff:10.0.0.1]:9464", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(check_open(&address, false).is_ok(), is_own, "{address}");
            assert!(check_open(&address, true).is_ok(), "{address}");
        }
        let said = check_open(&"0.0.0.0:9464".parse().unwrap(), false).unwrap_err().to_string();
        assert!(said.contains("0.0.0.0:9464") && said.contains("--token-file"), "{said}");
    }
}
