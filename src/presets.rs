//! Presets: configurations for what known libraries export, built in. A new one is a file in
//! `examples/presets` and a row of [`PRESETS`].
//!
//! What a preset is for stands in the comment that its file begins with, a field each:
//!
//! ```yaml
//! # Preset NAME: what it is for
//! # Needs: the options to call auditor with
//! # In the service: what switches the metrics on
//! # Recognised by: names of metrics, all of which no other library has; one|another may stand for it
//! # Proven on: versions, and what was measured
//! ```

/// A configuration that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What `preset:` and `--preset` name it by.
    pub name: &'static str,
    /// The file, as `--init --preset` writes it.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),+ $(,)?) => {
        /// Every preset, in the order of `--list-presets`.
        pub const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            text: include_str!(concat!("../examples/presets/", $name, ".yaml")),
        }),+];
    };
}

presets![
    "probe",
    "python-signals",
    "fastapi-instrumentator",
    "starlette-exporter",
    "aiohttp",
    "transparent-fastapi",
    "fastapi-runtime-details",
    "loopguard",
    "python-otel",
    "django",
    "celery",
    "node-prom-client",
    "node-otel",
    "rust-tokio",
    "go",
    "dotnet-otel",
    "prometheus-net",
    "jvm-micrometer",
    "vertx",
    "json-workers",
];

/// The preset for a service that is looked at from outside alone.
pub const PROBE: &str = "probe";

impl Preset {
    /// The preset of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// What it is for, in one line.
    pub fn about(&self) -> String {
        self.field(&format!("Preset {}", self.name)).join(" ")
    }

    /// With which options it is used, and why.
    pub fn needs(&self) -> String {
        self.field("Needs").join(" ")
    }

    /// What the service has to do so that its metrics are there, line by line.
    pub fn in_the_service(&self) -> Vec<&'static str> {
        self.field("In the service")
    }

    /// Names of metrics that only this library has all of; where two of them are one and the same under
    /// two names, `|` stands between them.
    pub fn marks(&self) -> Vec<&'static str> {
        let lines = self.field("Recognised by").into_iter();
        let names = lines.flat_map(|line| line.split(&[',', ' '][..]));
        names.map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    /// Whether the library is there, where `has` knows the names of metrics.
    pub fn is_recognised(&self, has: impl Fn(&str) -> bool) -> bool {
        self.marks().iter().all(|mark| mark.split('|').any(&has))
    }

    /// On which versions it was proven, and what was measured there.
    pub fn proven_on(&self) -> String {
        self.field("Proven on").join(" ")
    }

    /// Whether the event loop is seen by the probe alone.
    pub fn is_seen_by_probe(&self) -> bool {
        self.text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
            line.trim_start().starts_with("event_loop_lag:") && line.contains("auditor_probe_lag")
        })
    }

    /// The lines of a field of the comment at the top: what stands behind its name, and the lines
    /// below it that are indented.
    fn field(&self, name: &str) -> Vec<&'static str> {
        let mut lines = self.text.lines().map_while(|line| line.strip_prefix('#'));
        let first = lines.find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'));
        let Some(first) = first else { return Vec::new() };
        let indented = |line: &'static str| {
            line.strip_prefix("    ").or(line.strip_prefix("   ")).map(str::trim_end)
        };
        let more = lines.map_while(indented);
        let lines = std::iter::once(first.trim()).chain(more);
        lines.filter(|line| !line.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_says_what_it_is_for() {
        for preset in PRESETS {
            let name = preset.name;
            assert!(!preset.about().is_empty(), "{name}: no `Preset {name}:`");
            assert!(!preset.needs().is_empty(), "{name}: no `Needs:`");
            assert!(!preset.in_the_service().is_empty(), "{name}: no `In the service:`");
            assert!(!preset.marks().is_empty(), "{name}: no `Recognised by:`");
            assert!(!preset.proven_on().is_empty(), "{name}: no `Proven on:`");
            let is_first = preset.text.starts_with(&format!("# Preset {name}: "));
            assert!(is_first, "{name}: its file begins with something else");
        }
    }

    #[test]
    fn names_are_unique_and_sortable_by_eye() {
        for (index, preset) in PRESETS.iter().enumerate() {
            assert!(PRESETS[..index].iter().all(|other| other.name != preset.name));
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(preset.name.chars().all(is_plain), "{}", preset.name);
        }
    }

    #[test]
    fn a_field_goes_on_while_it_is_indented() {
        const TEXT: &str =
            "# Preset x: one\n# Needs: a\n#    b\n# Proven on: c\nvars:\n# Needs: d\n";
        let preset = Preset { name: "x", text: TEXT };
        assert_eq!(preset.about(), "one");
        assert_eq!(preset.field("Needs"), ["a", "b"]);
        assert_eq!(preset.proven_on(), "c");
        assert_eq!(preset.in_the_service(), Vec::<&str>::new());
    }
}
