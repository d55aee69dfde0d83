//! Event loops on stacks: which thread has one, whether it waits, and what it has called.

use super::{Frame, Stack};

/// The calls that run a loop: where their file ends, and the functions of it.
const LOOPS: &[(&str, &[&str])] = &[
    ("asyncio/base_events.py", &["_run_once", "run_forever", "run_until_complete"]),
    ("asyncio/events.py", &["_run"]),
    ("asyncio/runners.py", &["run"]),
    ("uvloop/__init__.py", &["run"]),
    ("nest_asyncio.py", &["_run_once", "run", "run_forever", "run_until_complete"]),
    ("trio/_core/_run.py", &["guest_tick", "run", "unrolled_run"]),
    ("curio/kernel.py", &["run"]),
    ("tornado/ioloop.py", &["run_sync", "start"]),
    ("tornado/platform/asyncio.py", &["start"]),
    ("anyio/_core/_eventloop.py", &["run"]),
    ("anyio/_backends/_asyncio.py", &["run"]),
    // These run a loop that is written in C, and is not on the stack itself.
    ("aiohttp/web.py", &["run_app"]),
    ("aiohttp/worker.py", &["run"]),
    ("daphne/server.py", &["run"]),
    ("granian/server.py", GRANIAN),
    ("granian/server/mp.py", GRANIAN),
    ("granian/server/mt.py", GRANIAN),
    ("hypercorn/asyncio/run.py", &["_run", "asyncio_worker", "uvloop_worker"]),
    ("robyn/processpool.py", &["spawn_process"]),
    ("sanic/server/runners.py", &["_run_server_forever", "_serve_http_1"]),
    ("uvicorn/_compat.py", &["asyncio_run"]),
    ("uvicorn/server.py", &["run"]),
    ("uvicorn/workers.py", &["run"]),
];

/// Where granian starts a loop.
const GRANIAN: &[&str] =
    &["_spawn_asgi_lifespan_worker", "_spawn_asgi_worker", "_spawn_rsgi_worker"];

/// Calls in which a loop waits for events: the file, the function, and who may have called it. The
/// standard library waits in selectors for other things as well.
const WAITS: &[(&str, &str, &[&str])] = &[
    ("selectors.py", "select", &["_run_once"]),
    ("trio/_core/_io_epoll.py", "get_events", &["run", "unrolled_run"]),
];

/// Files whose innermost call is a turn of the loop itself: it works, and does not wait.
const TURNS: &[&str] =
    &["asyncio/base_events.py", "asyncio/events.py", "nest_asyncio.py", "trio/_core/_run.py"];

/// How the inspector of Node calls a loop that waits.
const NODE_IDLE: &str = "(idle)";

/// The stack of the thread that has an event loop; of several, the one that runs a server, else the
/// main thread's, else the first. `None` where no thread has one.
pub(crate) fn loop_thread(stacks: &[Stack]) -> Option<&Stack> {
    // The method of AnyIO's pool has the name of the function that runs its loop.
    let is_of_pool = |frame: &Frame| frame.function == "WorkerThread.run";
    let has_loop =
        |stack: &&Stack| stack.frames.iter().any(|frame| is_loop(frame) && !is_of_pool(frame));
    let serves = |stack: &&Stack| {
        let around = stack.frames.iter().skip_while(|frame| !is_loop(frame));
        around.into_iter().any(|frame| is_server(&frame.file))
    };
    let with_loop: Vec<&Stack> = stacks.iter().filter(has_loop).collect();
    let serving = with_loop.iter().copied().find(serves);
    let main = || with_loop.iter().copied().find(|stack| stack.thread_name == "MainThread");
    serving.or_else(main).or_else(|| with_loop.first().copied())
}

/// Whether the loop of this thread waits for events, so that nothing holds it. Where the loop is
/// written in C, callbacks that are written in C look the same.
pub(crate) fn is_idle(stack: &Stack) -> bool {
    let Some(innermost) = stack.frames.first() else { return false };
    if innermost.function == NODE_IDLE {
        return true;
    }
    let caller = stack.frames.get(1).map_or("", |frame| last_name(&frame.function));
    let waits = |(file, function, by): &(&str, &str, &[&str])| {
        is_file(&innermost.file, file)
            && last_name(&innermost.function) == *function
            && by.contains(&caller)
    };
    let turns = || TURNS.iter().any(|file| is_file(&innermost.file, file));
    WAITS.iter().any(waits) || (is_loop(innermost) && !turns())
}

/// What the loop has called, the innermost call first: without the loop and what has started it.
/// All of the frames where there is no loop.
pub(crate) fn inside_the_loop(frames: &[Frame]) -> &[Frame] {
    let end = frames.iter().position(is_loop).unwrap_or(frames.len());
    frames.get(..end).unwrap_or(frames)
}

/// Whether a call runs a loop.
fn is_loop(frame: &Frame) -> bool {
    let function = last_name(&frame.function);
    LOOPS
        .iter()
        .any(|(file, functions)| functions.contains(&function) && is_file(&frame.file, file))
}

/// Whether a file belongs to a server of HTTP.
fn is_server(file: &str) -> bool {
    const SERVERS: &[&str] =
        &["uvicorn", "hypercorn", "gunicorn", "granian", "daphne", "aiohttp", "sanic", "tornado"];
    file.split('/').any(|part| SERVERS.contains(&part))
}

/// Whether a path ends with those parts.
fn is_file(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The last part of a qualified name: `run` of `Runner.run`.
pub(crate) fn last_name(function: &str) -> &str {
    function.rsplit('.').next().unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::stacks::tests::stack;

    const ASYNCIO: &str = "/usr/lib/python3.11/asyncio/";

    #[test]
    fn a_loop_that_waits_for_events_is_idle_and_one_that_is_held_in_a_select_is_not() {
        let events = format!("{ASYNCIO}base_events.py:1:BaseEventLoop._run_once");
        let select = "/usr/lib/python3.11/selectors.py:468:EpollSelector.select";
        assert!(is_idle(&stack(&[select, &events])));
        let communicate = "/usr/lib/python3.11/subprocess.py:2108:Popen._communicate";
        assert!(!is_idle(&stack(&[select, communicate, "/app/a.py:3:handler", &events])));
        assert!(!is_idle(&stack(&[&events])));
        let epoll = "/v/site-packages/trio/_core/_io_epoll.py:245:EpollIOManager.get_events";
        for run in ["run", "unrolled_run"] {
            assert!(is_idle(&stack(&[
                epoll,
                &format!("/v/site-packages/trio/_core/_run.py:2399:{run}")
            ])));
        }
        assert!(!is_idle(&stack(&[])));
    }

    #[test]
    fn a_loop_in_c_is_idle_where_the_call_that_runs_it_is_the_innermost() {
        let run = format!("{ASYNCIO}runners.py:118:Runner.run");
        assert!(is_idle(&stack(&[&run, "/v/site-packages/uvicorn/server.py:67:Server.run"])));
        assert!(!is_idle(&stack(&["/app/a.py:3:handler", &run])));
        assert!(is_idle(&stack(&[
            "/v/site-packages/aiohttp/web.py:500:run_app",
            "/app/a.py:9:<module>"
        ])));
    }

    #[test]
    fn what_has_started_the_loop_is_not_inside_of_it() {
        let run = format!("{ASYNCIO}runners.py:118:run");
        let stack =
            stack(&["/app/db.py:3:fetch", "/app/a.py:3:handler", &run, "/app/a.py:9:<module>"]);
        assert_eq!(inside_the_loop(&stack.frames), &stack.frames[..2]);
    }

    #[test]
    fn of_several_loops_the_server_is_taken() {
        let run = format!("{ASYNCIO}runners.py:118:run");
        let background = stack(&[&run, "/app/a.py:9:background"]);
        let server = stack(&[&run, "/v/site-packages/uvicorn/server.py:67:Server.run"]);
        let pool = stack(&["/usr/lib/python3.11/concurrent/futures/thread.py:81:_worker"]);
        let stacks = [pool.clone(), background.clone(), server.clone()];
        assert_eq!(loop_thread(&stacks), Some(&server));
        let main = Stack { thread_name: "MainThread".to_owned(), ..background.clone() };
        let stacks = [background, main.clone(), pool.clone()];
        assert_eq!(loop_thread(&stacks), Some(&main));
        assert_eq!(loop_thread(&[pool]), None);
        let anyio = "/v/site-packages/anyio/_backends/_asyncio.py:967:WorkerThread.run";
        assert_eq!(loop_thread(&[stack(&["/app/a.py:3:work", anyio])]), None);
        // What a loop calls of a server's package does not make it the server.
        let client = "/v/site-packages/aiohttp/client.py:600:ClientSession._request";
        let asking = stack(&[client, &run, "/app/a.py:9:background"]);
        assert_eq!(loop_thread(&[asking, main.clone()]), Some(&main));
    }
}
