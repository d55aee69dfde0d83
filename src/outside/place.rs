//! Which line of the application holds the loop.

mod kind;
#[cfg(all(test, target_os = "linux"))]
mod reality;
mod roots;
mod source;
mod tally;

pub(crate) use roots::Roots;
#[cfg(target_os = "linux")]
pub(super) use source::Sources;
pub(crate) use tally::Judge;

use super::stacks::Frame;
use kind::Kind;

/// A place in the application.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The path; relative to the repository where it is in it.
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) function: String,
    /// The line itself, without its indentation, where it can be read; else empty.
    pub(crate) source: String,
}

/// A call of the application: a [`Place`] before it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    /// The whole path.
    file: String,
    function: String,
    line: u32,
}

/// The calls by which the application came to where the thread is, of what the loop has called, the
/// innermost first; empty where only frameworks and the standard library are on the stack.
///
/// The innermost function of the repository comes first, else that of other files of the
/// application, else that of the installed package which the framework has called. Then come those
/// that have called it, as long as no framework is between them: a function that has called a
/// framework does not say what the framework does in its turn.
fn calls(frames: &[Frame], roots: &Roots) -> Vec<Call> {
    let files: Vec<String> = frames.iter().map(|frame| roots.absolute(&frame.file)).collect();
    let kinds: Vec<Kind> = files.iter().map(|file| kind::of(file)).collect();
    let own = own_calls(frames, &kinds);
    let is_in_repository =
        |index: &usize| files.get(*index).is_some_and(|file| roots.is_in_repository(file));
    let first = own.iter().copied().find(is_in_repository).or_else(|| own.first().copied());
    let first = first.map(|first| (first, Kind::Application)).or_else(|| package_call(&kinds));
    let Some((first, wanted)) = first else { return Vec::new() };
    let chain = kinds.iter().enumerate().skip(first);
    let chain = chain.take_while(|(_, kind)| **kind != Kind::Framework);
    let chain = chain.filter(|(_, kind)| **kind == wanted);
    chain.filter_map(|(index, _)| call(frames, index, roots)).collect()
}

/// Which frames are calls of the application that say where it is. A middleware which has passed
/// the request on to the framework is none: whatever it waits for is elsewhere.
fn own_calls(frames: &[Frame], kinds: &[Kind]) -> Vec<usize> {
    let mut own = Vec::new();
    let mut has_passed_on = false;
    for (index, (frame, kind)) in frames.iter().zip(kinds).enumerate() {
        match kind {
            Kind::Application if !has_passed_on => own.push(index),
            Kind::Application | Kind::Runtime => {}
            Kind::Framework => has_passed_on = takes_requests(&frame.function),
            Kind::Package(_) => has_passed_on = false,
        }
    }
    own
}

/// Whether a function of a framework is what a middleware calls to pass a request on.
fn takes_requests(function: &str) -> bool {
    let name = function.rsplit('.').next().unwrap_or(function);
    matches!(name, "__call__" | "call_next" | "dispatch" | "handle" | "inner" | "next")
}

/// The innermost call of the installed package that the framework, or the loop, has called first,
/// and which package that is.
fn package_call<'a>(kinds: &[Kind<'a>]) -> Option<(usize, Kind<'a>)> {
    let is_package = |kind: &Kind| matches!(kind, Kind::Package(_));
    let innermost = kinds.iter().position(is_package)?;
    let called = kinds.iter().skip(innermost).take_while(|kind| **kind != Kind::Framework);
    let package = called.copied().filter(is_package).last()?;
    let first = kinds.iter().position(|kind| *kind == package)?;
    Some((first, package))
}

/// A frame as a call. What is generated inside of a function counts as the function.
fn call(frames: &[Frame], index: usize, roots: &Roots) -> Option<Call> {
    let frame = frames.get(index)?;
    let outer = frames.get(index + 1).filter(|outer| outer.file == frame.file);
    let function = match comprehension(&frame.function) {
        None => frame.function.as_str(),
        Some("") => outer.map_or(frame.function.as_str(), |outer| outer.function.as_str()),
        Some(function) => function,
    };
    let function = function.rsplit("<locals>.").next().unwrap_or(function).to_owned();
    Some(Call { file: roots.absolute(&frame.file), function, line: frame.line })
}

/// The function around a comprehension; `Some("")` where its name does not tell, as before Python
/// 3.11, and `None` if it is none.
fn comprehension(function: &str) -> Option<&str> {
    let ends = ["<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"];
    let before = ends.iter().find_map(|end| function.strip_suffix(end))?;
    // One may be inside of another.
    let before = before.strip_suffix(".<locals>.").unwrap_or(before);
    Some(comprehension(before).unwrap_or(before))
}
