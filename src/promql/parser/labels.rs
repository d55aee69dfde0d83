//! Lists of labels: behind `by` and `without`, `on` and `ignoring`, `group_left` and
//! `group_right`.

use super::Parser;
use crate::promql::Error;
use crate::promql::grouping::Grouping;
use crate::promql::lexer::TokenKind;
use crate::promql::plan::Cardinality;

impl Parser<'_> {
    /// What an aggregation groups by, if it is here.
    pub(super) fn grouping(&mut self) -> Result<Option<Grouping>, Error> {
        self.keeping_or_leaving("by", "without")
    }

    /// The labels by which series match, if they are here.
    pub(super) fn matching(&mut self) -> Result<Option<Grouping>, Error> {
        self.keeping_or_leaving("on", "ignoring")
    }

    fn keeping_or_leaving(&mut self, keep: &str, leave: &str) -> Result<Option<Grouping>, Error> {
        Ok(if self.accept_word(keep)? {
            Some(Grouping::By(self.labels()?))
        } else if self.accept_word(leave)? {
            Some(Grouping::Without(self.labels()?))
        } else {
            None
        })
    }

    /// On which side many series may match the same one.
    pub(super) fn cardinality(&mut self) -> Result<Cardinality, Error> {
        let make = if self.accept_word("group_left")? {
            Cardinality::ManyToOne
        } else if self.accept_word("group_right")? {
            Cardinality::OneToMany
        } else {
            return Ok(Cardinality::OneToOne);
        };
        // A parenthesis here always belongs to the labels, never to the right operand.
        Ok(make(if self.is_at("(") { self.labels()? } else { Vec::new() }))
    }

    fn labels(&mut self) -> Result<Vec<String>, Error> {
        self.expect("(", "\"(\" and labels")?;
        let mut labels = Vec::new();
        while !self.accept(")")? {
            labels.push(self.label()?);
            if !self.accept(",")? {
                self.expect(")", "\",\" or \")\" behind a label")?;
                break;
            }
        }
        Ok(labels)
    }

    fn label(&mut self) -> Result<String, Error> {
        let label = match &self.token.kind {
            TokenKind::Word(word) if !word.contains(':') && !super::operand::is_number(word) => {
                (*word).to_owned()
            }
            TokenKind::Text(text) if !text.is_empty() => text.clone(),
            _ => return self.unexpected("a label or \")\""),
        };
        self.advance()?;
        Ok(label)
    }
}
