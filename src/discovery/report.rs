//! What was found, in words, and the one next step.

use std::fmt::Write as _;

use super::edit::Written;
use super::fit::Fit;
use super::text::shell_word;
use crate::config;
use crate::one_line::one_line;

/// Where the metrics are.
#[derive(Debug)]
pub(super) enum Where {
    /// On a page.
    Page(String),
    /// With a server, of a job if one fits.
    Server { url: String, job: Option<String> },
    /// Nowhere: there is only what a probe sees.
    Nowhere,
}

impl Where {
    /// What stands in the file for it.
    pub(super) const fn in_file(&self) -> &'static str {
        match self {
            Self::Page(_) => "on this page",
            Self::Server { .. } => "on this server",
            Self::Nowhere => "there",
        }
    }
}

/// All that is to be said.
pub(super) struct Findings<'a> {
    pub(super) place: Where,
    pub(super) size: (usize, usize),
    pub(super) tried: Vec<String>,
    pub(super) chosen: &'a Fit,
    /// Whether the chosen preset fits; else it is that of the probe, for want of another.
    pub(super) is_fit: bool,
    pub(super) is_forced: bool,
    /// Other libraries that were recognised.
    pub(super) libraries: &'a [Fit],
    pub(super) nearest: Option<&'a Fit>,
    /// How many lines of candidates stand in the file.
    pub(super) candidates: usize,
    pub(super) written: &'a Written,
    pub(super) probe: Option<String>,
    pub(super) job: Option<String>,
    pub(super) options: &'a [String],
    pub(super) given: String,
}

impl Findings<'_> {
    pub(super) fn words(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (metrics, series) = self.size;
        match &self.place {
            Where::Page(url) => writeln!(
                out,
                "Page of metrics: {} ({metrics} metrics, {series} series)",
                one_line(url)
            )?,
            Where::Server { url, job: Some(job) } => {
                writeln!(out, "Server: {}, job {}", one_line(url), shown_word(job))?
            }
            Where::Server { url, job: None } => {
                writeln!(out, "Server: {}; no job there fits a preset", one_line(url))?
            }
            Where::Nowhere => writeln!(out, "Page of metrics: none found")?,
        }
        if let Where::Page(url) = &self.place
            && self.is_elsewhere(url)
        {
            writeln!(
                out,
                "  another address than {}: is it the same service?",
                one_line(&self.given)
            )?;
        }
        if !self.tried.is_empty() {
            write!(out, "Looked at:\n{}", tried(&self.tried))?;
        }
        self.write_libraries(out)?;
        writeln!(out, "Preset: {}, {}", self.chosen.preset.name, self.chosen.preset.about())?;
        writeln!(out, "Signals:")?;
        let widest = self.written.rows.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
        for (key, words) in &self.written.rows {
            writeln!(out, "  {key:<widest$}  {}", one_line(words))?;
        }
        let is_left_out = |key: &str| {
            let mut rows = self.written.rows.iter();
            rows.any(|(name, words)| name == key && words.starts_with("left out: not "))
        };
        if ["p99_latency", "requests_total", "error_ratio"].into_iter().any(is_left_out) {
            writeln!(
                out,
                "Many libraries show metrics of requests only after the first one: if none was \
                 sent yet,\nsend some, remove {} and run this again",
                config::FILE_NAME
            )?;
        }
        if self.candidates > 0 {
            writeln!(
                out,
                "Candidates by their names stand in the file, as comments: none of them is read."
            )?;
        }
        writeln!(out, "wrote {}", config::FILE_NAME)?;
        self.write_next(out)
    }

    fn write_libraries(&self, out: &mut String) -> std::fmt::Result {
        let own = self.is_fit.then_some(self.chosen).filter(|fit| fit.is_recognised());
        let all: Vec<String> = own.into_iter().chain(self.libraries).map(in_short).collect();
        if all.is_empty() {
            writeln!(out, "Libraries: none of those that a preset knows")?;
        } else {
            writeln!(out, "Libraries: {}", all.join("; "))?;
        }
        if self.is_forced
            && !self.chosen.missing_marks.is_empty()
            && !matches!(self.place, Where::Nowhere)
        {
            writeln!(
                out,
                "  --preset {} was asked for, and its marks are not there: {}",
                self.chosen.preset.name,
                self.chosen.missing_marks.join(", ")
            )?;
        }
        if let Some(fit) = self.nearest {
            writeln!(
                out,
                "Nearest preset: {} (signals of it that are there: {}), not taken: {} not there; \
                 to take it all the same, add --preset {}",
                fit.preset.name,
                fit.own_signals(),
                fit.missing_marks.join(", "),
                fit.preset.name
            )?;
        }
        Ok(())
    }

    /// The one next step.
    fn write_next(&self, out: &mut String) -> std::fmt::Result {
        let is_without_metrics = self.is_fit
            && self.chosen.own_signals() == 0
            && self.chosen.preset.name != crate::presets::PROBE
            && self.probe.is_none();
        if is_without_metrics {
            let lines = self.chosen.preset.in_the_service().join("\n    ");
            return writeln!(
                out,
                "Next: none of the metrics of this preset is there. In the service:\n    {lines}\n  \
                 then remove {} and run this again",
                config::FILE_NAME
            );
        }
        let mut command = vec!["auditor".to_owned(), "doctor".to_owned()];
        match &self.place {
            Where::Page(url) if self.is_fit => {
                command.extend(["--scrape".to_owned(), shown_word(url)])
            }
            Where::Server { url, .. } if self.is_fit => {
                command.extend(["--target".to_owned(), shown_word(url)])
            }
            _ => {}
        }
        let is_page = matches!(self.place, Where::Page(_)) && self.is_fit;
        if let Some(job) = self.job.as_ref().filter(|_| is_page) {
            command.extend(["--job".to_owned(), shown_word(job)]);
        }
        let needs_probe = self.written.needs_probe;
        if needs_probe {
            command.extend(["--probe".to_owned(), self.probe_url()]);
        }
        command.extend(self.options.iter().map(|option| one_line(option)));
        writeln!(
            out,
            "Next, with your load in place of COMMAND:\n  {} -- COMMAND",
            command.join(" ")
        )?;
        if self.written.sees_loop_by_probe_only {
            writeln!(out, "  --probe URL, for no metric that is there shows the loop")?;
        }
        if needs_probe && self.probe.is_none() {
            writeln!(out, "  let --probe ask for a route of the service that is answered at once")?;
        }
        if !needs_probe && self.probe.is_some() {
            writeln!(out, "  without --probe: the service's own metrics show the loop")?;
        }
        if command.iter().any(|word| word.contains("***")) {
            writeln!(out, "  with your secret in the place of ***")?;
        }
        Ok(())
    }

    /// Whether the page is at another host or port than was given.
    fn is_elsewhere(&self, url: &str) -> bool {
        let place = |url: &str| {
            let url = reqwest::Url::parse(url).ok()?;
            Some((url.host_str()?.to_owned(), url.port_or_known_default()))
        };
        place(url) != place(&self.given)
    }

    /// What is to be probed: the URL that was given for it, else the root of the service.
    fn probe_url(&self) -> String {
        if let Some(probe) = &self.probe {
            return shown_word(probe);
        }
        let page = match &self.place {
            Where::Server { .. } => None,
            _ => reqwest::Url::parse(&self.given).ok(),
        };
        let root = page.and_then(|page| page.join("/").ok());
        root.map_or_else(|| "http://SERVICE:PORT/".to_owned(), |root| shown_word(root.as_str()))
    }
}

/// A library in a few words.
pub(super) fn in_short(fit: &Fit) -> String {
    let signals = fit.own_signals();
    let loop_by = match (fit.sees_loop(), fit.has_loop()) {
        (true, _) => ", the loop among them",
        (false, true) => ", the loop by --probe",
        (false, false) => "",
    };
    let plural = if signals == 1 { "" } else { "s" };
    format!("{} by {} ({signals} signal{plural}{loop_by})", fit.preset.name, fit.marks.join(", "))
}

/// A foreign word as a shell takes it, on one line.
pub(super) fn shown_word(word: &str) -> String {
    shell_word(&one_line(word))
}

/// Where it was looked, a line each.
pub(super) fn tried(tried: &[String]) -> String {
    tried.iter().map(|it| format!("  {}\n", one_line(it))).collect()
}
