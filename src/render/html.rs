//! The report as one HTML file that needs nothing else: no script, no network, no other file; and what
//! all such pages share.
//!
//! Templates escape what is put into them. What changes a line or its direction goes from the whole
//! page at its end, so that no part has to think of it.

mod blame;
mod chart;
mod charts;
mod checks;
mod evidence;
mod failures;
mod made;
mod samples;
mod scale;
mod score;
mod stalls;
mod summary;
mod words;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) use chart::{THIN, axis};
pub(super) use scale::{HEIGHT, Height, Time};
pub(super) use words::{Kind, address, badge, nothing, short, shown, time_of, value};

use super::text::common_failure;
use crate::one_line::is_plain;
use crate::report::Report;

const STYLE: &str = include_str!("html/style.css");
/// What the page may load: the style that is in it, and the icon, which is empty.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'none'";
/// By this a page is recognised.
const GENERATOR: &str = "<meta name=\"generator\" content=\"auditor ";

/// The whole report as a page.
///
/// # Errors
/// If it cannot be written.
pub(super) fn html(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let parts = Parts {
        title: &summary::title(report),
        reload_s: None,
        header: &summary::header(report),
        main: &sections(report),
        footer: &made::section(report),
    };
    page_of(&parts, out)
}

/// What a page is made of.
pub(super) struct Parts<'a> {
    pub(super) title: &'a str,
    /// After so many seconds a browser loads it anew; a file is what it is.
    pub(super) reload_s: Option<u32>,
    pub(super) header: &'a Markup,
    pub(super) main: &'a Markup,
    pub(super) footer: &'a Markup,
}

/// Writes a page of these parts.
///
/// # Errors
/// If it cannot be written.
pub(super) fn page_of(parts: &Parts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let page = page(parts).into_string();
    let plain = page.chars().map(|c| if c == '\n' || is_plain(c) { c } else { ' ' });
    out.write_all(plain.collect::<String>().as_bytes())
}

/// Whether a text is such a page.
pub(super) fn is_ours(text: &str) -> bool {
    text.starts_with("<!DOCTYPE html>") && text.contains(GENERATOR)
}

fn page(parts: &Parts<'_>) -> Markup {
    let Parts { title, reload_s, header, main, footer } = *parts;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                (PreEscaped(GENERATOR)) (env!("AUDITOR_VERSION")) (PreEscaped("\">"))
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                @if let Some(seconds) = reload_s { meta http-equiv="refresh" content=(seconds); }
                title { (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header)
                main { (main) }
                footer { (footer) }
            }
        }
        (PreEscaped("\n"))
    }
}

fn sections(report: &Report) -> Markup {
    if let Some(reason) = common_failure(report) {
        return html! {
            @if !report.verdict_reason.contains(reason) {
                section { h2 { "Nothing could be read" } p { (reason) } }
            }
            (blame::section(report))
            (samples::section(report))
        };
    }
    html! {
        (failures::section(report))
        (blame::section(report))
        @if !report.is_of_checks_alone() {
            (score::section(report))
            (charts::section(report))
        }
        (checks::section(report))
        (failures::findings(report))
        (evidence::not_seen(report))
        (evidence::not_read(report))
        (evidence::seen(report))
        (samples::section(report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The luminance of a colour as WCAG defines it: `#rgb` or `#rrggbb`.
    fn luminance(colour: &str) -> f64 {
        let digits: Vec<_> = colour.trim_start_matches('#').chars().collect();
        let each = digits.len() / 3;
        let channel = |digits: &[char]| {
            let text: String = digits.iter().chain(digits).take(2).collect();
            let value = f64::from(u8::from_str_radix(&text, 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let channels: Vec<_> = digits.chunks(each).map(channel).collect();
        0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let [one, other] = [one, other].map(|it| luminance(it) + 0.05);
        one.max(other) / one.min(other)
    }

    /// Level AA of WCAG 2.2: 4.5 for text, 3 for lines that mean something.
    #[test]
    fn text_and_lines_stand_out_in_each_scheme() {
        let schemes: Vec<_> = STYLE.split(":root{").skip(1).collect();
        assert_eq!(schemes.len(), 3, "light, dark and print");
        for scheme in schemes {
            let scheme = scheme.split('}').next().unwrap();
            let colour = |name: &str| {
                let start = scheme.split_once(&format!("--{name}:")).unwrap().1;
                start.split(';').next().unwrap()
            };
            for (name, least) in [
                ("fg", 4.5),
                ("quiet", 4.5),
                ("bad", 4.5),
                ("warn", 4.5),
                ("good", 4.5),
                ("line", 3.0),
            ] {
                for ground in ["bg", "soft"] {
                    let found = contrast(colour(name), colour(ground));
                    assert!(found >= least, "{name} on {ground}: {found:.2} in {scheme}");
                }
            }
        }
    }

    #[test]
    fn a_page_is_recognised() {
        assert!(is_ours(&format!("<!DOCTYPE html><html>{GENERATOR}0.1\">")));
        assert!(!is_ours("<!DOCTYPE html><html><meta name=\"generator\" content=\"other\">"));
    }
}
