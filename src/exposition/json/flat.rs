//! The numbers of a document, each with the path that leads to it.

use std::collections::HashMap;

use super::labels::{Called, Names, label, valid};
use super::tree::Tree;
use super::{Error, INFO, LABELS, LENGTH};
use crate::exposition::quoted;

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    /// Where it stands, as people write it: `agents[0].cpu_ticks`.
    pub(super) path: String,
}

impl Sample {
    /// The series as it is written on a page.
    pub(super) fn series(&self) -> String {
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let braces =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        format!("{}{braces}", self.name)
    }
}

/// A place in a document.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The names of the members that lead there, joined by `_`.
    name: String,
    /// As people write it.
    path: String,
    /// What tells the elements apart that it is within.
    labels: Vec<(String, String)>,
    /// What leads there from the outermost of them; `None` outside of any.
    within: Option<String>,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        let joined = |before: &str, by: &str| match before {
            "" => name.to_owned(),
            before => format!("{before}{by}{name}"),
        };
        Self {
            name: joined(&self.name, "_"),
            path: joined(&self.path, "."),
            labels: self.labels.clone(),
            within: self.within.as_ref().map(|it| joined(it, "_")),
        }
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Flat {
    samples: Vec<Sample>,
}

impl Flat {
    /// The numbers of an object, those of a name together.
    pub(super) fn of(members: &[(String, Tree)]) -> Result<Vec<Sample>, Error> {
        let mut flat = Self::default();
        flat.object(members, &Place::default(), false)?;
        let Self { mut samples } = flat;
        let mut paths: HashMap<String, &str> = HashMap::new();
        for sample in &samples {
            let series = sample.series();
            if let Some(first) = paths.get(&series) {
                let (first, second) = ((*first).to_owned(), sample.path.clone());
                return Err(Error::Ambiguous { series, first, second });
            }
            paths.insert(series, &sample.path);
        }
        samples.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(samples)
    }

    fn object(
        &mut self,
        members: &[(String, Tree)],
        at: &Place,
        is_element: bool,
    ) -> Result<(), Error> {
        let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Twice(at.member(twice[0]).path));
        }
        for (name, value) in members {
            // What names an element is no number of it.
            if !is_element || label(name, value).is_none() {
                self.value(value, &at.member(name))?;
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &Tree, at: &Place) -> Result<(), Error> {
        match value {
            Tree::Object(members) => self.object(members, at, false),
            Tree::Array(elements) => self.array(elements, at),
            value => {
                if let Some(number) = value.number() {
                    self.push("", number, at);
                }
                Ok(())
            }
        }
    }

    fn array(&mut self, elements: &[Tree], at: &Place) -> Result<(), Error> {
        self.push(LENGTH, elements.len() as f64, at);
        let within = at.within.as_deref().unwrap_or_default();
        let names = Names::of(elements);
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{}[{index}]", at.path);
            let called = names.call(element, index, within, &at.labels).map_err(|pair| {
                let [first, second] = [pair.0, pair.1].map(|it| format!("{path}.{it}"));
                Error::Ambiguous { series: format!("{}{{…}}", valid(&at.name)), first, second }
            })?;
            let Called { labels, words } = called;
            let within = Some(at.within.clone().unwrap_or_default());
            let place = Place { name: at.name.clone(), path, labels, within };
            self.push(INFO, 1.0, &place);
            if !words.is_empty() {
                let labels = [&place.labels[..], &words].concat();
                self.push(LABELS, 1.0, &Place { labels, ..place.clone() });
            }
            match element {
                Tree::Object(members) => self.object(members, &place, true)?,
                element => self.value(element, &place)?,
            }
        }
        Ok(())
    }

    fn push(&mut self, suffix: &str, value: f64, at: &Place) {
        let name = valid(&format!("{}{suffix}", at.name));
        let (labels, path) = (at.labels.clone(), at.path.clone());
        self.samples.push(Sample { name, labels, value, path });
    }
}
