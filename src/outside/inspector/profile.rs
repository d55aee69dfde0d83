//! A CPU profile of Node, as stacks in time.

use crate::outside::place::{Roots, Sources};
use crate::outside::stacks::{Frame, Stack};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The longest function that is searched for a call, in lines.
const LONGEST: usize = 500;
/// The deepest stack.
const DEEPEST: usize = 1000;

/// How the clock of a profile goes by ours: both count the same seconds from different beginnings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) at: Instant,
    /// What the profile's clock showed then, in microseconds.
    pub(super) us: u64,
}

/// A profile: in which function the process was, every few milliseconds.
#[derive(Debug)]
pub(crate) struct Profile {
    pid: u32,
    clock: Clock,
    nodes: HashMap<u64, Call>,
    /// Microseconds by the profile's clock, and the innermost call then.
    samples: Vec<(u64, u64)>,
}

/// A call, in the tree of all calls.
#[derive(Debug)]
struct Call {
    frame: Frame,
    parent: Option<u64>,
    /// The line of the parent where it calls this one, where that can be told.
    called_at: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    profile: Taken,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    nodes: Vec<Node>,
    start_time: u64,
    #[serde(default)]
    samples: Vec<u64>,
    /// Microseconds since the sample before; negative where clocks of cores differ.
    #[serde(default)]
    time_deltas: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: u64,
    call_frame: CallFrame,
    #[serde(default)]
    children: Vec<u64>,
    #[serde(default)]
    position_ticks: Vec<Ticks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallFrame {
    function_name: String,
    url: String,
    /// Where the function begins, from 0; -1 where it is nowhere.
    line_number: i64,
}

#[derive(Deserialize)]
struct Ticks {
    line: u32,
    ticks: u64,
}

impl Profile {
    /// From the answer of the inspector.
    pub(super) fn new(pid: u32, clock: Clock, answer: Value) -> Result<Self, String> {
        let Answer { profile } = serde_json::from_value(answer)
            .map_err(|error| format!("Node's profile cannot be understood: {error}"))?;
        let mut at = profile.start_time;
        let times = profile.time_deltas.iter().map(|delta| {
            at = at.saturating_add_signed(*delta);
            at
        });
        let mut samples: Vec<(u64, u64)> = times.zip(profile.samples.iter().copied()).collect();
        samples.sort_by_key(|(at, _)| *at);
        Ok(Self { pid, clock, nodes: calls(pid, profile.nodes), samples })
    }

    /// The stacks of the main thread between two instants, as they were every few milliseconds.
    /// Empty where the profile has no samples, which is not the same as a loop that waits: there
    /// the stacks are idle.
    pub(crate) fn stacks(&self, from: Instant, to: Instant) -> Vec<Stack> {
        let (from, to) = (self.microseconds(from), self.microseconds(to));
        let first = self.samples.partition_point(|(at, _)| *at < from);
        let mut before =
            first.checked_sub(1).and_then(|index| self.samples.get(index)).map(|(_, node)| *node);
        let mut stacks = Vec::new();
        for (_, node) in self.samples.iter().skip(first).take_while(|(at, _)| *at <= to) {
            // Garbage is collected for whoever made it.
            let is_collecting = self
                .nodes
                .get(node)
                .is_some_and(|call| call.frame.function == "(garbage collector)");
            let node = if is_collecting { before.unwrap_or(*node) } else { *node };
            before = Some(node);
            stacks.push(self.stack(node));
        }
        stacks
    }

    /// By the profile's clock.
    fn microseconds(&self, instant: Instant) -> u64 {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        match instant.checked_duration_since(self.clock.at) {
            Some(after) => self.clock.us.saturating_add(us(after)),
            None => self.clock.us.saturating_sub(us(self.clock.at - instant)),
        }
    }

    fn stack(&self, innermost: u64) -> Stack {
        let mut frames = Vec::new();
        let mut line = None;
        let mut next = Some(innermost);
        while let Some(call) =
            next.and_then(|node| self.nodes.get(&node)).filter(|_| frames.len() < DEEPEST)
        {
            let mut frame = call.frame.clone();
            frame.line = line.unwrap_or(frame.line);
            frames.push(frame);
            (line, next) = (call.called_at, call.parent);
        }
        Stack { tid: Some(self.pid), thread_name: String::new(), has_lock: false, frames }
    }
}

/// The tree of calls, each with the line that it is at.
fn calls(pid: u32, nodes: Vec<Node>) -> HashMap<u64, Call> {
    let parents: HashMap<u64, u64> =
        nodes.iter().flat_map(|node| node.children.iter().map(|child| (*child, node.id))).collect();
    let begins: HashMap<u64, Frame> =
        nodes.iter().map(|node| (node.id, begin(&node.call_frame))).collect();
    let roots = Roots::of(pid);
    let mut sources = Sources::default();
    let mut calls = HashMap::new();
    for node in nodes {
        let Some(mut frame) = begins.get(&node.id).cloned() else { continue };
        let parent = parents.get(&node.id).copied();
        let called_at = parent.and_then(|parent| begins.get(&parent)).and_then(|caller| {
            let text = sources.lines_from(&roots.readable(&caller.file), caller.line, LONGEST);
            line_of_call(&text, &frame.function).map(|offset| caller.line + offset)
        });
        let most =
            node.position_ticks.iter().max_by_key(|at| (at.ticks, std::cmp::Reverse(at.line)));
        frame.line = most.map_or(frame.line, |at| at.line);
        calls.insert(node.id, Call { frame, parent, called_at });
    }
    calls
}

/// A function, at the line where it begins.
fn begin(call: &CallFrame) -> Frame {
    let file = call
        .url
        .strip_prefix("file://")
        .map(|path| percent_decode_str(path).decode_utf8_lossy().into_owned());
    let is_named = !call.function_name.is_empty();
    Frame {
        function: if is_named { call.function_name.clone() } else { "(anonymous)".to_owned() },
        file: file.unwrap_or_else(|| call.url.clone()),
        line: u32::try_from(call.line_number + 1).unwrap_or(0),
    }
}

/// How many lines below the beginning of a function it calls another one: a profile does not say.
/// `None` where it does so in several lines, or in none that can be told by the name.
fn line_of_call(text: &[String], called: &str) -> Option<u32> {
    let name = called.rsplit(['.', ' ']).next().unwrap_or(called);
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '#';
    if name.is_empty() || !name.chars().all(is_of_name) {
        return None;
    }
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let outer = text.first().map(|line| indentation(line))?;
    let ends = |line: &&String| indentation(line) <= outer && line.trim_start().starts_with('}');
    let body = text.iter().enumerate().take_while(|(index, line)| *index == 0 || !ends(line));
    let calls = |line: &str| {
        line.match_indices(name).any(|(start, _)| {
            let (before, rest) = line.split_at(start);
            let is_declared = before.trim_end().ends_with("function");
            rest.get(name.len()..).is_some_and(|after| after.starts_with('('))
                && !before.ends_with(is_of_name)
                && !is_declared
        })
    };
    let mut lines = body.filter(|(_, line)| calls(line)).map(|(index, _)| index);
    let only = lines.next().filter(|_| lines.next().is_none())?;
    u32::try_from(only).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_call_is_found_by_its_name_in_the_function_that_makes_it() {
        let function = text(&[
            "function run(ms) {",
            "  const a = 1;",
            "  return cp.execSync(a);",
            "}",
            "execSync();",
        ]);
        assert_eq!(line_of_call(&function, "execSync"), Some(2));
        assert_eq!(line_of_call(&function, "Sync"), None);
        assert_eq!(line_of_call(&function, "(anonymous)"), None);
        assert_eq!(line_of_call(&function, "run"), None);
        let twice = text(&["() => {", "  f(1);", "  f(2);", "}"]);
        assert_eq!(line_of_call(&twice, "f"), None);
        assert_eq!(line_of_call(&[], "f"), None);
    }

    #[test]
    fn samples_are_stacks_in_time() {
        let frame = |name: &str, url: &str, line: i64| json!({"functionName": name, "url": url, "lineNumber": line});
        let answer = json!({ "profile": {
            "nodes": [
                { "id": 1, "callFrame": frame("(root)", "", -1), "children": [2, 3, 5] },
                { "id": 2, "callFrame": frame("(idle)", "", -1) },
                { "id": 3, "callFrame": frame("serve", "file:///a%20b/app.js", 3), "children": [4] },
                { "id": 4, "callFrame": frame("", "file:///a%20b/db.js", 7),
                  "positionTicks": [{ "line": 9, "ticks": 1 }, { "line": 10, "ticks": 3 }] },
                { "id": 5, "callFrame": frame("(garbage collector)", "", -1) },
            ],
            "startTime": 5_000_000, "endTime": 9_000_000,
            "samples": [2, 4, 5, 2], "timeDeltas": [1000, 5000, 5000, 5000],
        }});
        let at = Instant::now();
        let profile = Profile::new(1, Clock { at, us: 5_001_000 }, answer).unwrap();
        let ms = Duration::from_millis;
        let stacks = profile.stacks(at + ms(2), at + ms(12));
        let frame = |function: &str, file: &str, line| Frame {
            function: function.to_owned(),
            file: file.to_owned(),
            line,
        };
        let expected = [
            frame("(anonymous)", "/a b/db.js", 10),
            frame("serve", "/a b/app.js", 4),
            frame("(root)", "", 0),
        ];
        assert_eq!(stacks.len(), 2);
        assert!(stacks.iter().all(|stack| stack.frames == expected), "{stacks:?}");
        assert_eq!(profile.stacks(at, at)[0].frames[0].function, "(idle)");
        assert_eq!(profile.stacks(at + ms(100), at + ms(200)), []);
    }
}
