//! Links of a page for people, or of an index, that may lead to metrics.

use reqwest::Url;

/// So much of a page is looked through.
const MOST: usize = 256 * 1024;
/// So many links are followed.
const MOST_LINKS: usize = 8;
/// What the address of a page of metrics has in it.
const WORDS: [&str; 2] = ["metrics", "prometheus"];

/// Links to where metrics may be, on the same host: other hosts are no part of the service.
pub(super) fn links(body: &[u8], base: &Url) -> Vec<Url> {
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]);
    let ends = |c: char| c.is_whitespace() || "\"'<>(),{}".contains(c);
    let mut found: Vec<Url> = Vec::new();
    let mut before = "";
    for word in text.split(ends).filter(|word| !word.is_empty()) {
        let is_link = word.starts_with('/')
            || word.starts_with("./")
            || word.starts_with("http://")
            || word.starts_with("https://")
            || before.to_lowercase().ends_with("href=");
        // Without quotes: <a href=/metrics>.
        let word_after_equals = word.strip_prefix("href=").filter(|it| !it.is_empty());
        before = word;
        let Some(link) = word_after_equals.or(is_link.then_some(word)) else { continue };
        let Ok(url) = base.join(link.trim_end_matches(['.', ';'])) else { continue };
        if may_be_metrics(&url, base) && !found.contains(&url) && found.len() < MOST_LINKS {
            found.push(url);
        }
    }
    found
}

fn may_be_metrics(url: &Url, base: &Url) -> bool {
    let path = url.path().to_lowercase();
    let is_asset =
        [".js", ".css", ".png", ".svg", ".ico", ".html"].iter().any(|it| path.ends_with(it));
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    matches!(url.scheme(), "http" | "https")
        && url.host_str() == base.host_str()
        && is_plain
        && !is_asset
        && WORDS.iter().any(|word| path.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_same_host_are_found() {
        let base = Url::parse("http://h:1/x/").unwrap();
        for (body, expected) in [
            ("<a href=\"/metrics\">Metrics</a>", &["http://h:1/metrics"][..]),
            ("<A HREF='metrics'>", &["http://h:1/x/metrics"]),
            ("<a href=/q/metrics>here</a>", &["http://h:1/q/metrics"]),
            ("not found; see http://h:9100/metrics.", &["http://h:9100/metrics"]),
            (
                r#"{"_links":{"prometheus":{"href":"http://h:1/actuator/prometheus"}}}"#,
                &["http://h:1/actuator/prometheus"],
            ),
            ("<a href=\"https://prometheus.io/metrics\">", &[]),
            ("<script src=\"/metrics.js\"></script> our metrics", &[]),
            ("<a href=\"javascript:metrics\">", &[]),
            ("<a href=\"http://u:p@h:1/metrics\">", &[]),
        ] {
            let found = links(body.as_bytes(), &base);
            assert_eq!(found.iter().map(Url::as_str).collect::<Vec<_>>(), expected, "{body}");
        }
    }
}
