//! The manifest of a fault suite that was run by others: a row of tab-separated values for each
//! scenario, with how its processes exited and where their logs are.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};

use super::{MAX_BYTES, PATIENCE};
use crate::config::file::{self, FileError};
use crate::log::integer;

/// The columns that a row is nothing without.
const REQUIRED: [&str; 2] = ["order", "scenario_id"];
/// Columns that are read beside those of processes.
const KNOWN: [&str; 5] = ["order", "scenario_id", "name", "duration_ms", "sdp_path"];
/// The processes whose exit and log every manifest has; where a column is missing, the process did
/// not exit with a number.
const PROCESSES: [&str; 3] = ["sim", "streamer", "tester"];
/// What a column of an exit code ends in, and one of a log.
const EXIT: &str = "_rc";
const LOG: &str = "_log";

/// What is put behind the text, as a row of its own: if it does not come out as one, a quote is open.
const LAST: &str = "\u{1}end of the manifest\u{1}";
const END: &[u8] = b"\n\x01end of the manifest\x01\n";

/// A manifest, its rows by their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The rows; of the same order in that of the file.
    pub rows: Vec<ManifestRow>,
}

/// How one scenario went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// By which the rows are sorted.
    pub order: i64,
    /// Which scenario it was.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// How long it took, milliseconds; 0 where that is no number.
    pub duration_ms: i64,
    /// The exit code of each process; -1 where that is no number.
    pub exits: Vec<(String, i64)>,
    /// The log of each process, as it is written.
    pub logs: Vec<(String, String)>,
    /// A description of its stream, as it is written.
    pub sdp: String,
}

/// Why a manifest is not read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("cannot read the manifest {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: FileError,
    },
    /// It is broken.
    #[error("{}:{line}: {message}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong, and the way out.
        message: String,
    },
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// A file that cannot be read, or the first line that is broken.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let read = file::read(path, MAX_BYTES, PATIENCE);
        let unreadable = |cause| ManifestError::Unreadable { path: path.to_owned(), cause };
        Self::parse(path, &read.map_err(unreadable)?)
    }

    /// Reads what `path` holds.
    ///
    /// # Errors
    /// The first line that is broken.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ManifestError> {
        let broken = |line: u64, message: String| ManifestError::Broken {
            path: path.to_owned(),
            line,
            message,
        };
        let text = &[text, END].concat();
        let mut reader = ReaderBuilder::new()
            .delimiter(b'\t')
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_slice());
        let mut is_whole = false;
        let mut header: Option<Vec<String>> = None;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(1, csv::Position::line);
                match error.into_kind() {
                    csv::ErrorKind::Utf8 { .. } => broken(line, "this is not UTF-8".to_owned()),
                    csv::ErrorKind::Io(cause) => {
                        ManifestError::Unreadable { path: path.to_owned(), cause: cause.into() }
                    }
                    other => broken(line, format!("this is no row of a manifest: {other:?}")),
                }
            })?;
            let line = record.position().map_or(1, |begin| line_of(text, begin));
            match &header {
                _ if record.len() == 1 && record.get(0) == Some(LAST) => is_whole = true,
                None => header = Some(columns(&record).map_err(|it| broken(line, it))?),
                Some(header) => {
                    rows.push(row(line, header, &record).map_err(|it| broken(line, it))?);
                }
            }
        }
        if header.is_none() {
            let names = REQUIRED.join(", ");
            return Err(broken(
                1,
                format!("the file is empty; its first row names the columns: {names}, …"),
            ));
        }
        if !is_whole {
            let line = rows.last().map_or(1, |row| row.line);
            let message = "a quote in this row is never closed, and swallows what follows";
            return Err(broken(line, message.to_owned()));
        }
        rows.sort_by_key(|row: &ManifestRow| row.order);
        Ok(Self { rows })
    }
}

/// The line of a row. The reader's own is that of the empty lines before it.
fn line_of(text: &[u8], begin: &csv::Position) -> u64 {
    let from = usize::try_from(begin.byte()).unwrap_or(usize::MAX);
    let before = text.get(from..).unwrap_or_default().iter();
    let before = before.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    begin.line() + before.filter(|byte| **byte == b'\n').count() as u64
}

/// The names of the columns.
///
/// # Errors
/// What is missing, or stands twice.
fn columns(record: &StringRecord) -> Result<Vec<String>, String> {
    let names: Vec<String> =
        record.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    if let Some(missing) = REQUIRED.iter().find(|name| !names.iter().any(|it| it == *name)) {
        let found = if names.len() == 1 { "; are the columns separated by tabs?" } else { "" };
        return Err(format!("there is no column `{missing}`{found}"));
    }
    for name in &names {
        let meant = name.trim().to_lowercase();
        let is_ours =
            KNOWN.contains(&meant.as_str()) || [EXIT, LOG].iter().any(|end| meant.ends_with(end));
        if is_ours && *name != meant {
            return Err(format!("the column {name:?} is not read; is it `{meant}`?"));
        }
    }
    for (index, name) in names.iter().enumerate() {
        if !name.is_empty() && names[..index].contains(name) {
            return Err(format!("the column `{name}` stands there twice"));
        }
    }
    Ok(names)
}

/// # Errors
/// What is wrong with it.
fn row(line: u64, header: &[String], record: &StringRecord) -> Result<ManifestRow, String> {
    if record.len() > header.len() {
        let (found, columns) = (record.len(), header.len());
        return Err(format!("there are {found} values for {columns} columns; is a tab in one?"));
    }
    let value = |name: &str| {
        let index = header.iter().position(|column| column == name);
        index.and_then(|index| record.get(index)).unwrap_or_default()
    };
    let order = value("order");
    let order =
        integer(order).ok_or_else(|| format!("`order` must be an integer, found {order:?}"))?;
    let others = |end: &str| {
        let names = header.iter().filter_map(|name| name.strip_suffix(end));
        let names = names.filter(|name| !name.is_empty() && !PROCESSES.contains(name));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let processes = |end: &str| {
        let usual = PROCESSES.into_iter().map(str::to_owned);
        usual
            .chain(others(end))
            .map(|name| (value(&format!("{name}{end}")), name))
            .collect::<Vec<_>>()
    };
    let exits = processes(EXIT).into_iter();
    let logs = processes(LOG).into_iter();
    Ok(ManifestRow {
        line,
        order,
        id: value("scenario_id").to_owned(),
        name: value("name").to_owned(),
        duration_ms: integer(value("duration_ms")).unwrap_or(0),
        exits: exits.map(|(code, name)| (name, integer(code).unwrap_or(-1))).collect(),
        logs: logs.map(|(path, name)| (format!("{name}{LOG}"), path.to_owned())).collect(),
        sdp: value("sdp_path").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "order\tscenario_id\tname\tstatus\treason\tduration_ms\tsim_rc\t\
                          streamer_rc\ttester_rc\tsim_log\tstreamer_log\ttester_log\tsdp_path\n";

    fn parsed(text: &str) -> Result<Manifest, String> {
        let parsed = Manifest::parse(Path::new("m.tsv"), text.as_bytes());
        parsed.map_err(|error| error.to_string())
    }

    fn exits(row: &ManifestRow) -> Vec<(&str, i64)> {
        row.exits.iter().map(|(name, code)| (name.as_str(), *code)).collect()
    }

    #[test]
    fn rows_are_in_their_order_and_what_is_missing_is_no_success() {
        let text = format!(
            "{HEADER}2\tb\tB\t\t\t12.5\t0\t0\t0\n\n1\ta\tA\tPASS\t\t 7 \t0\tx\t1_0\ts.log\t\"st r\"\"eam\"\tt\td\n"
        );
        let rows = parsed(&text).unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(exits(&rows[0]), [("sim", 0), ("streamer", -1), ("tester", 10)]);
        assert_eq!(rows[0].logs[1], ("streamer_log".to_owned(), "st r\"eam".to_owned()));
        assert_eq!((rows[0].duration_ms, rows[0].line, rows[0].sdp.as_str()), (7, 4, "d"));
        assert_eq!((rows[1].duration_ms, rows[1].logs[1].1.as_str()), (0, ""));
        let short = parsed("order\tscenario_id\n1\ta\n").unwrap().rows;
        assert_eq!(exits(&short[0]), [("sim", -1), ("streamer", -1), ("tester", -1)]);
    }

    #[test]
    fn a_further_process_counts_too() {
        let text = "order\tscenario_id\tsim_rc\tstreamer_rc\ttester_rc\tdecoder_rc\tdecoder_log\n\
                    1\ta\t0\t0\t0\t4\td.log\n";
        let rows = parsed(text).unwrap().rows;
        assert_eq!(exits(&rows[0])[3], ("decoder", 4));
        assert_eq!(rows[0].logs[3], ("decoder_log".to_owned(), "d.log".to_owned()));
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        for (text, expected) in [
            ("", "m.tsv:1: the file is empty"),
            ("order,scenario_id\n", "m.tsv:1: there is no column `order`; are the columns"),
            ("order\tname\n", "m.tsv:1: there is no column `scenario_id`"),
            (
                "order\tscenario_id\tdecoder_rc \n",
                "m.tsv:1: the column \"decoder_rc \" is not read",
            ),
            (
                "order\tscenario_id\tX_RC\n",
                "m.tsv:1: the column \"X_RC\" is not read; is it `x_rc`?",
            ),
            ("order\tscenario_id\torder\n", "m.tsv:1: the column `order` stands there twice"),
            ("order\tscenario_id\n1\ta\n\tb\n", "m.tsv:3: `order` must be an integer, found \"\""),
            ("order\tscenario_id\n1.5\ta\n", "m.tsv:2: `order` must be an integer, found \"1.5\""),
            ("order\tscenario_id\n1\t\"a\n2\tb\n", "m.tsv:2: a quote in this row is never closed"),
            ("order\tscenario_id\n1\ta\tb\n", "m.tsv:2: there are 3 values for 2 columns"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let error = Manifest::parse(Path::new("m.tsv"), b"order\tscenario_id\n1\t\xff\n");
        assert_eq!(error.unwrap_err().to_string(), "m.tsv:2: this is not UTF-8");
    }
}
