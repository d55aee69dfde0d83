//! From the stacks of one stall to the place that held the loop.

use super::kind::{self, Kind};
use super::source::{Sources, plain};
use super::{Call, Place, Roots, calls};
use crate::outside::stacks::{Frame, Stack, inside_the_loop, is_idle, loop_thread};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The fewest stacks that say anything: one alone may be where the loop just came by.
const FEWEST: usize = 2;

/// How Python calls the thread that a process begins with.
const MAIN: &str = "MainThread";

/// A function: its file and its name.
type Function = (String, String);

/// Finds the places that hold a loop, and keeps the sources that it reads for that.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    roots: Roots,
    sources: Sources,
}

impl Judge {
    pub(crate) fn new(roots: Roots) -> Self {
        Self { roots, sources: Sources::default() }
    }

    /// The stack of the thread that has an event loop: as [`loop_thread`] finds it, else that of the
    /// main thread where the application itself runs a loop that is written in C.
    pub(crate) fn loop_thread<'a>(&mut self, stacks: &'a [Stack]) -> Option<&'a Stack> {
        let mut main = stacks.iter().filter(|stack| stack.thread_name == MAIN);
        let mut runs_it = |stack: &&Stack| stack.frames.iter().any(|frame| self.runs_a_loop(frame));
        loop_thread(stacks).or_else(|| main.find(&mut runs_it))
    }

    /// The stack that says what holds the loop: that of the loop's thread; but where that waits for
    /// the lock of the interpreter and another thread has it, that other one, whatever line the
    /// loop's thread is at. `waits_for_lock` says whether it does. Where that is not known, it does
    /// if its loop waits for events: one that has got events goes on only when it has the lock.
    /// `None` where no thread has a loop.
    pub(crate) fn holder<'a>(
        &mut self,
        stacks: &'a [Stack],
        waits_for_lock: Option<bool>,
    ) -> Option<&'a Stack> {
        let of_loop = self.loop_thread(stacks)?;
        let other = || stacks.iter().find(|stack| stack.has_lock && *stack != of_loop);
        let waits = waits_for_lock.unwrap_or_else(|| self.is_idle(of_loop));
        let is_kept_out = waits && !of_loop.has_lock;
        if is_kept_out { other().or(Some(of_loop)) } else { Some(of_loop) }
    }

    /// Whether the loop of a stack waits for events, so that nothing holds it; by the source too
    /// where the application itself runs a loop that is written in C.
    pub(crate) fn is_idle(&mut self, stack: &Stack) -> bool {
        is_idle(stack) || stack.frames.first().is_some_and(|frame| self.runs_a_loop(frame))
    }

    /// Where the application is in a stack; `None` where its loop waits, or where only the loop,
    /// frameworks and the standard library are on it.
    #[cfg(test)]
    pub(crate) fn place(&mut self, stack: &Stack) -> Option<Place> {
        let call = self.calls(stack).into_iter().next()?;
        Some(self.shown(call))
    }

    /// The place that held the loop during a stall: the function that is the innermost of the
    /// application on more than half of the stacks; else the innermost one that has called the
    /// application's functions on more than half of them. Its line is the one where it was most
    /// often. `None` where there is no such function, and of fewer than two stacks.
    pub(crate) fn culprit(&mut self, stacks: &[Stack]) -> Option<Place> {
        let seen: Vec<Vec<Call>> = stacks.iter().map(|stack| self.calls(stack)).collect();
        if seen.len() < FEWEST {
            return None;
        }
        let innermost = seen.iter().map(|calls| calls.get(..1).unwrap_or_default());
        let call = majority(innermost).or_else(|| majority(seen.iter().map(Vec::as_slice)))?;
        Some(self.shown(call))
    }

    /// The calls of the application on a stack, the innermost first; none where the loop waits.
    fn calls(&mut self, stack: &Stack) -> Vec<Call> {
        if self.is_idle(stack) {
            return Vec::new();
        }
        let mut frames = inside_the_loop(&stack.frames);
        if frames.len() == stack.frames.len() {
            let end = frames.iter().position(|frame| self.runs_a_loop(frame));
            frames = end.and_then(|end| frames.get(..end)).unwrap_or(frames);
        }
        calls(frames, &self.roots)
    }

    /// Whether the application itself runs a loop here: one that is written in C is not on the
    /// stack, and only the source says so.
    fn runs_a_loop(&mut self, frame: &Frame) -> bool {
        const RUNS: &[&str] =
            &[".run_forever(", ".run_until_complete(", "asyncio.run(", "uvloop.run(", "anyio.run("];
        let file = self.roots.absolute(&frame.file);
        if kind::of(&file) != Kind::Application {
            return false;
        }
        let line = self.sources.raw_line(&self.path(&file), frame.line);
        line.is_some_and(|line| RUNS.iter().any(|run| line.contains(run)))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.roots.readable(file)
    }

    fn shown(&mut self, call: Call) -> Place {
        let path = self.path(&call.file);
        Place {
            file: plain(&self.roots.shown(&call.file)),
            line: call.line,
            function: plain(&call.function),
            source: self.sources.line(&path, call.line),
        }
    }
}

/// The function that is on more than half of the stacks; of several, the innermost. Its line is the
/// one that it is most often at, and of several, the first in the file.
fn majority<'a>(stacks: impl ExactSizeIterator<Item = &'a [Call]>) -> Option<Call> {
    let half = stacks.len() / 2;
    // Of each function the lines, one for each stack that it is on, and how deep it is in all.
    let mut functions: BTreeMap<Function, (Vec<u32>, usize)> = BTreeMap::new();
    for calls in stacks {
        let mut on_this: Vec<(&str, &str)> = Vec::new();
        for (depth, call) in calls.iter().enumerate() {
            let function = (call.file.as_str(), call.function.as_str());
            // A function that calls itself is on the stack once.
            if on_this.contains(&function) {
                continue;
            }
            on_this.push(function);
            let (lines, depths) =
                functions.entry((call.file.clone(), call.function.clone())).or_default();
            lines.push(call.line);
            *depths += depth;
        }
    }
    let most = functions.into_iter().filter(|(_, (lines, _))| lines.len() > half);
    // As means, without dividing: a / b < c / d.
    let ((file, function), (lines, _)) = most.min_by(|(_, (a, depth_a)), (_, (b, depth_b))| {
        (depth_a * b.len()).cmp(&(depth_b * a.len()))
    })?;
    let line = most_frequent(&lines)?;
    Some(Call { file, function, line })
}

/// The line that is most frequent; 0, which stands for one that is unknown, only if there is no
/// other.
fn most_frequent(lines: &[u32]) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(*line).or_default() += 1;
    }
    let key = |(line, count): &(u32, usize)| (*line != 0, *count, std::cmp::Reverse(*line));
    counts.into_iter().max_by_key(key).map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::stacks::tests::stack;

    const RUN_ONCE: &str =
        "/usr/lib/python3.11/asyncio/base_events.py:1922:BaseEventLoop._run_once";
    const FASTAPI: &str =
        "/v/lib/python3.11/site-packages/fastapi/routing.py:300:run_endpoint_function";
    const STARLETTE: &str =
        "/v/lib/python3.11/site-packages/starlette/routing.py:70:Router.__call__";

    fn judge() -> Judge {
        Judge::new(Roots::new(Some("/repo".into()), None, None))
    }

    fn place(calls: &[&str]) -> Option<String> {
        judge()
            .place(&stack(calls))
            .map(|place| format!("{}:{}:{}", place.file, place.line, place.function))
    }

    fn culprit(stacks: &[Stack]) -> Option<String> {
        judge()
            .culprit(stacks)
            .map(|place| format!("{}:{}:{}", place.file, place.line, place.function))
    }

    #[test]
    fn the_innermost_function_of_the_application_is_named() {
        let requests = "/v/lib/python3.11/site-packages/requests/api.py:73:get";
        let socket = "/usr/lib/python3.11/socket.py:706:SocketIO.readinto";
        let main = "/repo/main.py:9:<module>";
        let stack = [
            socket,
            requests,
            "/repo/db.py:42:fetch_user",
            "/repo/api.py:7:user",
            FASTAPI,
            RUN_ONCE,
            main,
        ];
        assert_eq!(place(&stack).as_deref(), Some("db.py:42:fetch_user"));
        // Other files of the application only where the repository has none.
        let stack = ["/opt/shared/db.py:3:load", "/repo/api.py:7:user", FASTAPI, RUN_ONCE];
        assert_eq!(place(&stack).as_deref(), Some("api.py:7:user"));
        let stack = ["/opt/shared/db.py:3:load", FASTAPI, RUN_ONCE, main];
        assert_eq!(place(&stack).as_deref(), Some("/opt/shared/db.py:3:load"));
    }

    #[test]
    fn an_installed_application_is_named_rather_than_what_it_calls() {
        let urllib3 = "/v/lib/python3.11/site-packages/urllib3/connection.py:73:connect";
        let requests = "/v/lib/python3.11/site-packages/requests/api.py:73:get";
        let shop = "/v/lib/python3.11/site-packages/shop/db.py:42:fetch_user";
        let api = "/v/lib/python3.11/site-packages/shop/api.py:7:user";
        let named = place(&[urllib3, requests, shop, api, FASTAPI, RUN_ONCE]);
        assert_eq!(
            named.as_deref(),
            Some("/v/lib/python3.11/site-packages/shop/db.py:42:fetch_user")
        );
    }

    #[test]
    fn what_started_the_loop_and_what_passed_the_request_on_are_not_named() {
        assert_eq!(place(&[RUN_ONCE, "/repo/main.py:9:<module>"]), None);
        assert_eq!(place(&[FASTAPI, RUN_ONCE, "/repo/main.py:9:<module>"]), None);
        let middleware = "/repo/middleware.py:12:Timing.__call__";
        let outer = "/repo/middleware.py:30:Auth.__call__";
        assert_eq!(place(&[FASTAPI, STARLETTE, middleware, outer, RUN_ONCE]), None);
        let metrics = "/v/lib/python3.11/site-packages/prometheus_client/asgi.py:9:app";
        let named = place(&[metrics, FASTAPI, STARLETTE, middleware, RUN_ONCE]);
        assert_eq!(
            named.as_deref(),
            Some("/v/lib/python3.11/site-packages/prometheus_client/asgi.py:9:app")
        );
        // But it is where it is slow itself, or where it calls something slow of a framework.
        assert_eq!(
            place(&[middleware, STARLETTE, RUN_ONCE]).as_deref(),
            Some("middleware.py:12:Timing.__call__")
        );
        let response =
            "/v/lib/python3.11/site-packages/starlette/responses.py:180:JSONResponse.render";
        let named = place(&[response, "/repo/api.py:7:user", FASTAPI, RUN_ONCE]);
        assert_eq!(named.as_deref(), Some("api.py:7:user"));
    }

    #[test]
    fn names_are_those_that_one_would_search_for() {
        let called = "/repo/api.py:7:create_app.<locals>.user";
        assert_eq!(place(&[called, RUN_ONCE]).as_deref(), Some("api.py:7:user"));
        let inner = "/repo/api.py:8:create_app.<locals>.user.<locals>.<genexpr>";
        assert_eq!(place(&[inner, called, RUN_ONCE]).as_deref(), Some("api.py:8:user"));
        assert_eq!(
            place(&["/repo/api.py:8:<listcomp>", "/repo/api.py:7:user", RUN_ONCE]).as_deref(),
            { Some("api.py:8:user") }
        );
        assert_eq!(
            place(&["/repo/api.py:8:Users.load", RUN_ONCE]).as_deref(),
            Some("api.py:8:Users.load")
        );
        assert_eq!(place(&["/repo/a\u{1b}.py:8:f", RUN_ONCE]).as_deref(), Some("a\\u{1b}.py:8:f"));
    }

    #[test]
    fn more_than_half_of_the_stacks_name_a_culprit() {
        let sleep = stack(&["/repo/db.py:42:fetch", RUN_ONCE]);
        let other = stack(&["/repo/cpu.py:3:count", RUN_ONCE]);
        let idle = stack(&["/usr/lib/python3.11/selectors.py:468:EpollSelector.select", RUN_ONCE]);
        let framework = stack(&[FASTAPI, RUN_ONCE]);
        let (s, o, i, f) = (&sleep, &other, &idle, &framework);
        let named =
            |stacks: &[&Stack]| culprit(&stacks.iter().copied().cloned().collect::<Vec<_>>());
        assert_eq!(named(&[s, s]).as_deref(), Some("db.py:42:fetch"));
        assert_eq!(named(&[s, o, s]).as_deref(), Some("db.py:42:fetch"));
        assert_eq!(named(&[s, i, i, s, s]).as_deref(), Some("db.py:42:fetch"));
        for none in [&[s][..], &[s, o], &[s, i], &[s, f], &[i, i, i, s], &[f, f, s], &[]] {
            assert_eq!(named(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_line_is_the_one_that_it_was_most_often_at() {
        let at = |line: &str| stack(&[&format!("/repo/cpu.py:{line}:count"), RUN_ONCE]);
        assert_eq!(
            culprit(&[at("3"), at("4"), at("4"), at("9")]).as_deref(),
            Some("cpu.py:4:count")
        );
        assert_eq!(culprit(&[at("0"), at("0"), at("9")]).as_deref(), Some("cpu.py:9:count"));
    }

    #[test]
    fn a_function_that_works_through_helpers_is_named_for_them() {
        let at = |helper: &str| {
            stack(&[helper, "/repo/cpu.py:9:crunch", "/repo/api.py:2:handler", FASTAPI, RUN_ONCE])
        };
        let stacks = [at("/repo/cpu.py:3:a"), at("/repo/cpu.py:4:b"), at("/repo/cpu.py:5:c")];
        assert_eq!(culprit(&stacks).as_deref(), Some("cpu.py:9:crunch"));
        // What has only called the framework is not the one that works.
        let middleware = "/repo/middleware.py:12:Timing.__call__";
        let at = |call: &str| stack(&[call, FASTAPI, STARLETTE, middleware, RUN_ONCE]);
        assert_eq!(
            culprit(&[at("/repo/a.py:3:a"), at("/repo/b.py:4:b"), at("/repo/c.py:5:c")]),
            None
        );
    }

    #[test]
    fn a_thread_that_keeps_the_lock_from_a_waiting_loop_is_what_holds_it() {
        let select = "/usr/lib/python3.11/selectors.py:468:EpollSelector.select";
        let waiting = stack(&[select, RUN_ONCE]);
        let held = stack(&["/repo/db.py:42:fetch", RUN_ONCE]);
        let worker = "/usr/lib/python3.11/concurrent/futures/thread.py:81:_worker";
        let free = stack(&["/repo/report.py:5:dump", worker]);
        let locking = Stack { has_lock: true, ..free.clone() };
        let mut judge = judge();
        let mut holder = |stacks: &[&Stack], waits| {
            judge.holder(&stacks.iter().copied().cloned().collect::<Vec<_>>(), waits).cloned()
        };
        assert_eq!(holder(&[&waiting, &locking], None), Some(locking.clone()));
        assert_eq!(holder(&[&waiting, &free], None), Some(waiting.clone()));
        assert_eq!(holder(&[&held, &locking], None), Some(held.clone()));
        assert_eq!(holder(&[&locking], None), None);
        // Whether it waits for the lock is known.
        assert_eq!(holder(&[&held, &locking], Some(true)), Some(locking.clone()));
        assert_eq!(holder(&[&held, &free], Some(true)), Some(held.clone()));
        assert_eq!(holder(&[&held, &locking], Some(false)), Some(held.clone()));
        assert_eq!(holder(&[&waiting, &locking], Some(false)), Some(waiting.clone()));
        let has_it = Stack { has_lock: true, ..held };
        assert_eq!(holder(&[&has_it, &free], Some(true)), Some(has_it));
        assert_eq!(
            culprit(&[locking.clone(), locking, waiting]).as_deref(),
            Some("report.py:5:dump")
        );
    }

    #[test]
    fn an_application_that_runs_a_loop_in_c_is_not_its_culprit() {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("main.py");
        std::fs::write(&main, "loop = uvloop.new_event_loop()\nloop.run_forever()\n").unwrap();
        let mut judge = Judge::new(Roots::new(Some(directory.path().to_owned()), None, None));
        let module = format!("{}:2:<module>", main.display());
        let idle = stack(&[&module]);
        assert_eq!((judge.place(&idle), judge.is_idle(&idle)), (None, true));
        let of_main = Stack { thread_name: MAIN.to_owned(), ..idle.clone() };
        let stacks = [idle, of_main.clone()];
        assert_eq!(judge.loop_thread(&stacks), Some(&of_main));
        let called = format!("{}:1:callback", main.display());
        let place = judge.place(&stack(&[&called, &module])).unwrap();
        assert_eq!(
            (place.file.as_str(), place.source.as_str()),
            ("main.py", "loop = uvloop.new_event_loop()")
        );
    }
}
