//! What the probe says beside what the service itself knows.

use std::process::{Child, Command, Stdio};

use super::*;

/// Stalls its loop for 0.3 s now and then, and answers with the longest lag that its ticker has seen,
/// in milliseconds. Without uvicorn it is served by asyncio's own streams.
const APP: &str = r#"
import asyncio, sys, time
worst = 0.0

async def tick():
    global worst
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.005)
        now = time.monotonic()
        worst, last = max(worst, now - last - 0.005), now

async def stall():
    while True:
        await asyncio.sleep(0.7)
        time.sleep(0.3)

def begin():
    return [asyncio.ensure_future(tick()), asyncio.ensure_future(stall())]

def said():
    return f"{worst * 1000:.3f}".encode()

tasks = []

async def app(scope, receive, send):
    if not tasks:
        tasks.extend(begin())
    headers = [(b"content-length", str(len(said())).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said()})

async def plain(reader, writer):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            body = said()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
    except asyncio.IncompleteReadError:
        writer.close()

async def without_uvicorn(port):
    tasks.extend(begin())
    server = await asyncio.start_server(plain, "127.0.0.1", port)
    await server.serve_forever()

port = int(sys.argv[1])
try:
    import uvicorn
except ImportError:
    asyncio.run(without_uvicorn(port))
else:
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", log_level="critical")
"#;

struct Python(Child);

impl Python {
    fn serve(port: u16) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", APP, &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().expect("python3 starts"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the service says of itself.
fn truth(port: u16) -> Duration {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    request(&mut stream).expect("the head of the answer");
    let mut body = [0; 64];
    let length = stream.read(&mut body).unwrap();
    let ms: f64 = std::str::from_utf8(&body[..length]).unwrap().parse().unwrap();
    Duration::from_secs_f64(ms / 1000.0)
}

/// The longest request falls short of the longest stall by what was left of the interval when the
/// stall began; no more, even where the machine is busy.
#[test]
fn a_stall_is_as_long_as_the_loop_itself_says() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _service = Python::serve(port);
    let url = format!("http://127.0.0.1:{port}/");
    let mut seen = Seen::patient(&url, Duration::from_millis(50), Duration::from_secs(10));
    seen.until(|seen| seen.done.iter().any(|done| failure(done).is_none()));
    seen.done.clear();
    let began = Instant::now();
    seen.until(|_| began.elapsed() > Duration::from_secs(6));
    let truth = truth(port);
    assert!(truth > Duration::from_millis(290), "{truth:?}");
    let longest = seen.done.iter().max_by_key(|done| took(done)).unwrap();
    let stalled = took(longest) - longest.own_delay;
    assert_eq!(failure(longest), None);
    let bound = Duration::from_millis(60);
    // Some of what the probe itself was late for may have been within the stall.
    let seen_as = took(longest);
    assert!(seen_as + bound > truth && stalled < truth + bound, "{longest:?}, truth {truth:?}");
    let stalls = seen.done.iter().filter(|done| took(done) > Duration::from_millis(200)).count();
    assert!(stalls >= 3, "{stalls}");
}
