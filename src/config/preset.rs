//! Presets as the lowest layer of a configuration, and as the whole of it where there is no file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::layers::{self, get, keys};
use super::problems::{Problems, suggest};
use super::yaml::{self, Node, Origin, Value};
use super::{Request, SourceRequest};
use crate::model::blame;
use crate::model::signal::Signal;
use crate::presets::{PRESETS, PROBE, Preset};

/// The key of a file that names the preset below it.
pub(super) const KEY: &str = "preset";
/// So many bytes of a recording say of what it is.
const BEGINNING: u64 = 4096;

/// How what stands for the file of a preset begins.
const BUILT_IN: &str = "built-in preset";

/// Whether what stands for a file is a preset.
pub(crate) fn is_built_in(file: &str) -> bool {
    file.starts_with(BUILT_IN)
}

/// What stands for the file of a preset, where a configuration is named.
pub(super) fn path(preset: &Preset) -> PathBuf {
    PathBuf::from(format!("{BUILT_IN} {}", preset.name))
}

/// The preset that holds where there is no file.
pub(super) fn without_file(request: &Request) -> Option<&'static Preset> {
    match &request.preset {
        Some(name) => Preset::named(name),
        None if is_probed(request) => Preset::named(PROBE),
        None => None,
    }
}

/// `root` with the preset below it that the command line or the file names, and the name of that.
pub(super) fn below(
    root: Node,
    request: &Request,
    problems: &mut Problems,
) -> (Node, Option<&'static Preset>) {
    let Some(preset) = chosen(&root, request, problems) else {
        return (with_loop_of_probe(root, request), None);
    };
    let root = match layer(preset) {
        Some(layer) => layers::merge(layer, root),
        None => root,
    };
    (root, Some(preset))
}

fn chosen(root: &Node, request: &Request, problems: &mut Problems) -> Option<&'static Preset> {
    let node = get(root, KEY);
    let name = match (&request.preset, node.map(|node| &node.value)) {
        (Some(name), _) => name,
        (None, Some(Value::Text(name))) => name,
        (None, Some(other)) => {
            let message = format!("`{KEY}` must be the name of a preset, found {}", other.kind());
            problems.at(node?, message);
            return None;
        }
        // A file that asks for nothing of its own is about what the probe sees.
        (None, None) if get(root, "queries").is_none() && is_probed(request) => PROBE,
        (None, None) => return None,
    };
    let preset = Preset::named(name);
    if preset.is_none() {
        let message = no_such_preset(name);
        match node.filter(|_| request.preset.is_none()) {
            Some(node) => problems.at(node, message),
            None => problems.outside(format!("--preset: {message}")),
        }
    }
    preset
}

/// That there is no preset of that name, and which one may be meant.
pub fn no_such_preset(name: &str) -> String {
    let hint = suggest(name, PRESETS.iter().map(|preset| preset.name));
    format!("there is no preset `{name}`; {hint}")
}

fn layer(preset: &Preset) -> Option<Node> {
    // Proof: a test reads every preset.
    yaml::parse(&path(preset), preset.text).ok()
}

/// `root`; where no query of its own sees the loop and there may be a probe, with the queries of what
/// the probe sees of it.
fn with_loop_of_probe(root: Node, request: &Request) -> Node {
    let is_recording = matches!(request.source, SourceRequest::Recording(_));
    let queries = get(&root, "queries").map(|queries| keys(queries).collect::<Vec<_>>());
    let sees_loop =
        queries.is_none_or(|keys| Signal::OF_THE_LOOP.iter().any(|it| keys.contains(&it.key())));
    if sees_loop || !(is_recording || has_probe(request)) {
        return root;
    }
    let Some(preset) = Preset::named(PROBE).and_then(layer) else { return root };
    let of_the_loop = Signal::OF_THE_LOOP.into_iter().chain([Signal::BLOCKING_EVENTS_TOTAL]);
    let entries = of_the_loop.filter_map(|signal| {
        let query = get(get(&preset, "queries")?, signal.key())?;
        Some((text(signal.key(), &query.origin), query.clone()))
    });
    let origin = preset.origin.clone();
    let queries = Node { origin: origin.clone(), value: Value::Map(entries.collect()) };
    let section = (text("queries", &origin), queries);
    let vars = get(&preset, "vars").map(|vars| (text("vars", &origin), vars.clone()));
    let sections = std::iter::once(section).chain(vars).collect();
    layers::merge(Node { origin, value: Value::Map(sections) }, root)
}

fn text(text: &str, origin: &Origin) -> Node {
    Node { origin: origin.clone(), value: Value::Text(text.to_owned()) }
}

fn has_probe(request: &Request) -> bool {
    request.outside.iter().any(|outside| !outside.probes.is_empty())
}

/// Whether there is a probe, or there was one when the recording was made.
fn is_probed(request: &Request) -> bool {
    has_probe(request)
        || matches!(&request.source, SourceRequest::Recording(path) if is_of_probe(path))
}

/// Whether a recording is of a service that was looked at from outside alone, as far as its first
/// series tells. They are in the order of their names, and a probe's come before those of most pages.
fn is_of_probe(recording: &Path) -> bool {
    // What comes through a pipe cannot be looked at twice, and may never come.
    if !recording.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut beginning = Vec::new();
    let read = File::open(recording).and_then(|it| it.take(BEGINNING).read_to_end(&mut beginning));
    if read.is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&beginning);
    let first = text.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
    let job = format!("job=\"{}\"", blame::JOB);
    first.is_some_and(|line| line.starts_with("auditor_") && line.contains(&job))
}
