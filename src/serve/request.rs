//! A request, as far as it is looked at.

use hyper::Uri;
use percent_encoding::percent_decode_str;

/// A request, as far as it is looked at: its body is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path, as it was sent, without the query: `/api/alerts`.
    pub path: String,
    /// The query, decoded, in its order; a name may be there twice.
    pub query: Vec<(String, String)>,
}

impl Request {
    /// `None` where the target of the request is no path.
    pub(super) fn of(target: &Uri) -> Option<Self> {
        let path = target.path().to_owned();
        let query = form_urlencoded::parse(target.query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        path.starts_with('/').then_some(Self { path, query })
    }

    /// The parts of the path, decoded: none of `/`, and an empty one after a slash at the end; `None`
    /// where they are no text.
    pub fn segments(&self) -> Option<Vec<String>> {
        let path = self.path.strip_prefix('/')?;
        if path.is_empty() {
            return Some(Vec::new());
        }
        let decoded = |part| percent_decode_str(part).decode_utf8().ok().map(Into::into);
        path.split('/').map(decoded).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: &str) -> Option<Request> {
        Request::of(&target.parse().unwrap())
    }

    fn query(target: &str) -> Vec<(String, String)> {
        of(target).unwrap().query
    }

    fn segments(path: &str) -> Option<Vec<String>> {
        Request { path: path.into(), query: Vec::new() }.segments()
    }

    #[test]
    fn a_query_is_decoded_and_keeps_its_order_and_what_is_there_twice() {
        let expected = [("b", "1 2"), ("a", "é&"), ("b", ""), ("c", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query("/x?b=1+2&a=%C3%A9%26&b=&c"), expected);
    }

    #[test]
    fn a_query_that_is_no_text_is_no_panic() {
        assert_eq!(query("/x?a=%zz%ff"), [("a".to_owned(), "%zz\u{fffd}".to_owned())]);
        assert_eq!(query("/x?"), []);
        assert_eq!(query("/x"), []);
    }

    #[test]
    fn the_path_is_left_as_it_was_sent() {
        assert_eq!(of("/a%20b/c?x").unwrap().path, "/a%20b/c");
        assert_eq!(of("http://host:1/a?x").unwrap().path, "/a");
        assert_eq!(of("http://host:1").unwrap().path, "/");
    }

    #[test]
    fn what_is_no_path_is_no_request() {
        assert_eq!(of("*"), None);
        assert_eq!(of("host:80"), None);
    }

    #[test]
    fn the_parts_of_a_path_are_decoded_one_by_one() {
        assert_eq!(segments("/").unwrap(), Vec::<String>::new());
        assert_eq!(segments("/check").unwrap(), ["check"]);
        assert_eq!(segments("/check/").unwrap(), ["check", ""]);
        assert_eq!(segments("/a%2Fb/%C3%A9+%zz").unwrap(), ["a/b", "é+%zz"]);
    }

    #[test]
    fn a_path_that_is_no_text_has_no_parts() {
        assert_eq!(segments("/a/%ff"), None);
        assert_eq!(segments("*"), None);
    }
}
