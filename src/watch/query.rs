//! What a request asks for: parameters that are known, with values that are possible, each once.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Alert, Category};
use crate::model::check::Severity;

/// For how many hours a failure report looks back, unless it is said, and at most: a year.
const HOURS: u32 = 24;
const MOST_HOURS: u32 = 365 * 24;

/// A query that cannot be answered, and what it may have instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct BadQuery {
    /// What is wrong, in words.
    #[serde(rename = "error")]
    pub message: String,
    /// What is valid in its place.
    pub valid: Vec<String>,
}

impl BadQuery {
    /// What is wrong, and what is valid in its place.
    pub fn new<'a>(message: String, valid: impl IntoIterator<Item = &'a str>) -> Self {
        Self { message, valid: valid.into_iter().map(str::to_owned).collect() }
    }

    /// A value that there is not.
    pub fn unknown<'a>(name: &str, value: &str, valid: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(format!("there is no {name} `{value}`"), valid)
    }
}

/// Which alerts are asked for; `None` for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Those of this severity.
    pub severity: Option<Severity>,
    /// Those of this category.
    pub category: Option<Category>,
    /// Those of this service.
    pub service: Option<String>,
    /// Those of this domain.
    pub domain: Option<String>,
}

impl Filter {
    /// The parameters; `agent` is what the original calls a service.
    const PARAMETERS: [&'static str; 5] = ["severity", "category", "service", "agent", "domain"];

    /// Reads the parameters of a request. An empty value asks for nothing, as in the original.
    ///
    /// # Errors
    /// If a parameter or a value is unknown, or a parameter is there twice.
    pub fn parse(
        query: &[(String, String)],
        services: &[&str],
        domains: &BTreeSet<String>,
    ) -> Result<Self, BadQuery> {
        let [severity, category, service, agent, domain] = values(query, Self::PARAMETERS)?;
        if let (Some(service), Some(agent)) = (service, agent)
            && service != agent
        {
            let message = format!(
                "`agent` is another word for `service`, and they differ: `{agent}` and `{service}`"
            );
            return Err(BadQuery::new(message, services.iter().copied()));
        }
        let service = service.or(agent);
        if let Some(unknown) = service.filter(|it| !services.contains(it)) {
            return Err(BadQuery::unknown("service", unknown, services.iter().copied()));
        }
        if let Some(unknown) = domain.filter(|it| !domains.contains(*it)) {
            return Err(BadQuery::unknown("domain", unknown, domains.iter().map(String::as_str)));
        }
        Ok(Self {
            severity: severity.map(|it| named("severity", it, &Severity::ALL)).transpose()?,
            category: category.map(|it| named("category", it, &Category::ALL)).transpose()?,
            service: service.map(str::to_owned),
            domain: domain.map(str::to_owned),
        })
    }

    /// Whether an alert is one of those that are asked for.
    pub fn matches(&self, alert: &Alert) -> bool {
        self.severity.is_none_or(|it| it == alert.severity)
            && self.category.is_none_or(|it| it == alert.category)
            && self.service.as_ref().is_none_or(|it| *it == alert.service)
            && self.domain.as_ref().is_none_or(|it| *it == alert.domain)
    }
}

/// For how many hours a failure report is asked for.
///
/// # Errors
/// If there is another parameter, or it is no number of hours that a history may have.
pub fn hours(query: &[(String, String)]) -> Result<u32, BadQuery> {
    let [hours] = values(query, ["hours"])?;
    let Some(hours) = hours else { return Ok(HOURS) };
    let number = hours.parse().ok().filter(|it| (1..=MOST_HOURS).contains(it));
    number.ok_or_else(|| {
        let message = format!("hours is `{hours}`; it takes a whole number from 1 to {MOST_HOURS}");
        BadQuery { message, valid: vec![format!("1..={MOST_HOURS}")] }
    })
}

/// That a request has no parameters, where there are none.
///
/// # Errors
/// If it has one.
pub fn none(query: &[(String, String)]) -> Result<(), BadQuery> {
    values(query, []).map(|[]| ())
}

/// The value of each parameter; `None` where it is empty or not there.
///
/// # Errors
/// If there is another parameter, or one twice.
pub fn values<'a, const N: usize>(
    query: &'a [(String, String)],
    names: [&str; N],
) -> Result<[Option<&'a str>; N], BadQuery> {
    let mut found = [None; N];
    for (name, value) in query {
        let place = names.iter().zip(&mut found).find(|(it, _)| *it == name);
        let Some((_, place)) = place else {
            return Err(BadQuery::unknown("parameter", name, names));
        };
        if place.replace(value.as_str()).is_some() {
            return Err(BadQuery::new(format!("the parameter `{name}` is there twice"), names));
        }
    }
    Ok(found.map(|value| value.filter(|it| !it.is_empty())))
}

fn named<T: Copy>(name: &str, value: &str, all: &[(&'static str, T)]) -> Result<T, BadQuery> {
    let found = all.iter().find(|(it, _)| *it == value).map(|(_, it)| *it);
    found.ok_or_else(|| BadQuery::unknown(name, value, all.iter().map(|(it, _)| *it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        query.split('&').filter(|it| !it.is_empty()).map(pair).collect()
    }

    fn parsed(query: &str) -> Result<Filter, BadQuery> {
        let domains = ["event_loop", "load"].map(str::to_owned).into();
        Filter::parse(&pairs(query), &["api", "worker"], &domains)
    }

    #[test]
    fn a_filter_asks_for_what_its_parameters_say() {
        let all = "severity=critical&category=failure_pattern&service=api&domain=load";
        let filter = Filter {
            severity: Some(Severity::Critical),
            category: Some(Category::FailurePattern),
            service: Some("api".to_owned()),
            domain: Some("load".to_owned()),
        };
        assert_eq!(parsed(all), Ok(filter));
        for nothing in ["", "severity=&category=&service=&agent=&domain="] {
            assert_eq!(parsed(nothing), Ok(Filter::default()), "{nothing}");
        }
        for service in ["agent=api", "service=api&agent=api", "service=&agent=api"] {
            assert_eq!(parsed(service).unwrap().service.as_deref(), Some("api"), "{service}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_is_valid() {
        for (query, words, valid) in [
            ("sevrity=info", "no parameter `sevrity`", "severity category service agent domain"),
            ("severity=fatal", "no severity `fatal`", "critical warning info"),
            ("severity=INFO", "no severity `INFO`", "critical warning info"),
            ("category=x", "no category `x`", "health quality throughput failure_pattern"),
            ("service=x", "no service `x`", "api worker"),
            ("agent=x", "no service `x`", "api worker"),
            ("domain=x", "no domain `x`", "event_loop load"),
            ("service=api&agent=worker", "they differ: `worker` and `api`", "api worker"),
            (
                "severity=info&severity=info",
                "`severity` is there twice",
                "severity category service agent domain",
            ),
            (
                "domain=&domain=load",
                "`domain` is there twice",
                "severity category service agent domain",
            ),
        ] {
            let error = parsed(query).unwrap_err();
            assert!(error.message.contains(words), "{query}: {error}");
            assert_eq!(error.valid.join(" "), valid, "{query}");
        }
        let json = serde_json::to_string(&parsed("service=x").unwrap_err()).unwrap();
        assert_eq!(json, r#"{"error":"there is no service `x`","valid":["api","worker"]}"#);
    }

    #[test]
    fn hours_are_a_number_of_some_size() {
        for (query, expected) in
            [("", 24), ("hours=", 24), ("hours=1", 1), ("hours=48", 48), ("hours=8760", 8760)]
        {
            assert_eq!(hours(&pairs(query)), Ok(expected), "{query}");
        }
        for query in
            ["hours=0", "hours=8761", "hours=-1", "hours=1.5", "hours=99999999999", "hours=x"]
        {
            let error = hours(&pairs(query)).unwrap_err();
            assert!(error.message.ends_with("from 1 to 8760"), "{query}: {error}");
            assert_eq!(error.valid, ["1..=8760"]);
        }
        assert_eq!(hours(&pairs("day=1")).unwrap_err().valid, ["hours"]);
        assert!(hours(&pairs("hours=1&hours=2")).is_err());
        assert_eq!((none(&[]), none(&pairs("a=b")).unwrap_err().valid), (Ok(()), vec![]));
    }
}
