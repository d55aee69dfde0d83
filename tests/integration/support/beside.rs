//! What an audit asks a server beside its questions, as a fake answers it.
//!
//! Several such expressions are in one request: `label_replace(EXPR, "auditor_evidence", "0", "",
//! "") or label_replace(…)`.

use std::collections::BTreeMap;

use super::fake::{Request, Response};

const MARK: &str = ", \"auditor_evidence\", \"";
const END: &str = "\", \"\", \"\")";

type Series = Vec<(BTreeMap<String, String>, String)>;

/// Whether the request is about the evidence.
pub(crate) fn is_asked_by(request: &Request) -> bool {
    query(request).contains(MARK)
}

/// The answer: to each expression what `known` says; else what a Prometheus says that knows
/// samples.
pub(crate) fn answer(request: &Request, known: impl Fn(&str) -> Option<Series>) -> Response {
    if request.path.ends_with("query_range") {
        let none = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        return Response::new(200, none);
    }
    let mut all = Series::new();
    for (expr, number) in expressions(query(request)) {
        let series = known(expr).unwrap_or_else(|| without_samples(request, expr));
        for (mut labels, value) in series {
            labels.insert("auditor_evidence".to_owned(), number.to_owned());
            all.push((labels, value));
        }
    }
    Response::Plain(all)
}

fn without_samples(request: &Request, expr: &str) -> Series {
    let value = match expr {
        "vector(0) / 0" => "NaN",
        "vector(time())" => request.parameters.get("time").map_or("0", String::as_str),
        // Whatever a query looks at is as new as can be.
        _ if expr.starts_with("max(timestamp(") => {
            request.parameters.get("time").map_or("0", String::as_str)
        }
        _ => return Series::new(),
    };
    vec![(BTreeMap::new(), value.to_owned())]
}

fn query(request: &Request) -> &str {
    request.parameters.get("query").map_or("", String::as_str)
}

/// The expressions of a request, each with its number.
pub(crate) fn expressions(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split(END).filter_map(|part| {
        let (expr, number) = part.rsplit_once(MARK)?;
        Some((expr.split_once("label_replace(")?.1, number))
    })
}
