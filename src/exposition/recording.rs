//! Files of samples, read in blocks.

use std::io::{self, Read, Seek, SeekFrom};

use super::comment::EOF;
use super::{Format, MAX_LINE};

const BLOCK: usize = 1 << 18;

/// Input in blocks of whole lines.
pub(super) struct Blocks<R> {
    input: R,
    buffer: Vec<u8>,
    /// How much of the buffer was given out.
    given: usize,
    /// How much of it is filled.
    filled: usize,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BLOCK], given: 0, filled: 0 }
    }

    /// The next lines, each with its newline. At the end, what is left; and a line that is
    /// longer than lines may be comes as far as it was read.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        while self.given == 0 {
            if self.filled > MAX_LINE {
                self.given = self.filled;
                break;
            }
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let new = self.filled..self.filled + read;
            self.filled = new.end;
            if read == 0 {
                self.given = self.filled;
                break;
            }
            if let Some(newline) = memchr::memrchr(b'\n', &self.buffer[new.clone()]) {
                self.given = new.start + newline + 1;
            }
        }
        Ok((self.given > 0).then(|| &self.buffer[..self.given]))
    }
}

/// The format of a recording: OpenMetrics if its last line that is not empty is `# EOF`, else
/// the Prometheus text format. Leaves the file at its start.
///
/// # Errors
/// The file cannot be read.
pub fn format_of_recording(file: &mut (impl Read + Seek)) -> io::Result<Format> {
    let mut start = file.seek(SeekFrom::End(0))?;
    let mut end = Vec::new();
    // Back to a newline before the last words, or until they are too many.
    while start > 0 && end.len() <= EOF.len() && !end.contains(&b'\n') {
        let length = start.min(4096);
        start -= length;
        file.seek(SeekFrom::Start(start))?;
        let mut before = vec![0; length as usize];
        file.read_exact(&mut before)?;
        before.append(&mut end);
        before.truncate(before.trim_ascii_end().len());
        end = before;
    }
    file.rewind()?;
    let last = end.rsplit(|byte| *byte == b'\n').next();
    Ok(if last == Some(EOF) { Format::OpenMetrics } else { Format::Prometheus })
}
