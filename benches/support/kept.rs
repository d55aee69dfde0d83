//! A server that keeps its connections, as a Prometheus does, and takes little time itself.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use reqwest::Url;

use crate::beside;
use crate::fake::{Request, Response};

/// Serves until the process ends, each answer so late; where.
pub(crate) fn start(delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that leaves is not the server's problem.
            thread::spawn(move || serve(&stream?, delay));
        }
    });
    address
}

fn serve(mut stream: &TcpStream, delay: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let body = body(&request(&head));
        thread::sleep(delay);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes())?;
    }
}

fn request(head: &str) -> Request {
    let path = head.split(' ').nth(1).unwrap();
    let url = Url::parse("http://localhost").and_then(|base| base.join(path)).unwrap();
    let parameters = url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
    Request { path: url.path().to_owned(), parameters, headers: BTreeMap::new() }
}

/// Every query is 0.1; what an audit asks beside its queries is answered as a Prometheus does.
fn body(request: &Request) -> String {
    if !request.path.starts_with("/api/v1/query") {
        return "Prometheus Server is Healthy.\n".to_owned();
    }
    let series = if beside::is_asked_by(request) {
        match beside::answer(request, |_| None) {
            Response::Plain(series) => series,
            _ => panic!("only instants are asked for"),
        }
    } else {
        vec![(BTreeMap::new(), "0.1".to_owned())]
    };
    let time: serde_json::Number = serde_json::from_str(&request.parameters["time"]).unwrap();
    let result = series.iter().map(|it| serde_json::json!({"metric": it.0, "value": [time, it.1]}));
    let result: Vec<_> = result.collect();
    let data = serde_json::json!({"resultType": "vector", "result": result});
    serde_json::json!({"status": "success", "data": data}).to_string()
}
