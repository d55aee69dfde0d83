//! What an audit asks a server beside its questions, as a fake answers it.
//!
//! Several such expressions are in one request: `label_replace(EXPR, "auditor_evidence", "0", "",
//! "") or label_replace(…)`.

use std::collections::BTreeMap;

use super::fake::{Request, Response};

const MARK: &str = ", \"auditor_evidence\", \"";
const END: &str = "\", \"\", \"\"";
const CALL: &str = "label_replace(";

type Series = Vec<(BTreeMap<String, String>, String)>;

/// Whether the request is about the evidence.
pub(crate) fn is_asked_by(request: &Request) -> bool {
    query(request).contains(MARK)
}

/// The answer: to each expression what `known` says; else what a Prometheus says whose samples
/// are all of the instant that is asked for, and about which there is nothing else to say.
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
        _ if expr.starts_with("max(timestamp(") || expr.starts_with("min(max by") => {
            request.parameters.get("time").map_or("0", String::as_str)
        }
        _ => return Series::new(),
    };
    vec![(BTreeMap::new(), value.to_owned())]
}

fn query(request: &Request) -> &str {
    request.parameters.get("query").map_or("", String::as_str)
}

/// The expressions of a request, each with its number. There may be such calls within them, too.
pub(crate) fn expressions(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = query;
    std::iter::from_fn(move || {
        let call = rest.strip_prefix(CALL)?;
        let end = end_of_call(call)?;
        let (expr, number) = call[..end].rsplit_once(MARK)?;
        rest = call[end + 1..].trim_start_matches(" or ");
        Some((expr, number.strip_suffix(END)?))
    })
}

/// Where the parenthesis closes that is open at the start.
fn end_of_call(text: &str) -> Option<usize> {
    let (mut depth, mut is_quoted) = (1, false);
    text.char_indices().find_map(|(at, c)| {
        match c {
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}
