//! What a reader does with the storage, from page to page.

use super::*;

#[test]
fn a_page_that_is_refused_leaves_nothing_and_spoils_nothing() {
    let (target, mut storage, mut reader) = (Labels::default(), Storage::default(), Reader::new());
    let mut read = |at, text: &str| {
        let context = Context { at: Some(at), target: &target };
        reader.read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).is_ok()
    };
    assert!(read(1, "a 1\n"));
    assert!(!read(2, "a 2\nb 2\nbroken\n"));
    assert!(read(3, "b 3\na 3\n"));
    let expected = [("a", vec![(1, 1.0), (3, 3.0)]), ("b", vec![(3, 3.0)])];
    assert_eq!(contents(&storage), expected.map(|(name, points)| (name.to_owned(), points)));
}

#[test]
fn of_samples_that_contradict_a_page_keeps_the_first() {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: Some(7), target: &target };
    let text =
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{y=\"2\",x=\"1\"} 1\nb 1 5\nb 2 4\nb 1 5\n";
    let read = Reader::new().read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage);
    let page = Page { samples: 6, timestamped: 3, duplicates: 1, out_of_order: 1 };
    assert_eq!(read.unwrap(), page);
    let expected = [("a{x=\"1\", y=\"2\"}", vec![(7, 1.0)]), ("b", vec![(5, 1.0)])];
    assert_eq!(contents(&storage), expected.map(|(name, points)| (name.to_owned(), points)));
}

#[test]
fn a_timestamp_of_the_page_before_is_late() {
    let (target, mut storage, mut reader) = (Labels::default(), Storage::default(), Reader::new());
    let mut read = |at, text: &str| {
        let context = Context { at: Some(at), target: &target };
        reader.read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).unwrap()
    };
    read(7, "a 1 5\nb 1 5\n");
    let next = read(8, "a 2 5\nb 1 5\nc 1 5\nc 2 5\n");
    assert_eq!((next.out_of_order, next.duplicates), (1, 1));
    let expected = ["a", "b", "c"].map(|name| (name.to_owned(), vec![(5, 1.0)]));
    assert_eq!(contents(&storage), expected);
}

#[test]
fn a_recording_that_contradicts_itself_is_an_error() {
    refused(
        recording("a 1 1\nb 1 1\na 2 1\n", Format::Prometheus),
        "line 3, column 1: there is a sample of this series at the same time with another value",
    );
    let twice = recording("a 1 1\na 2 2\na 2 2\na 1 1\n", Format::Prometheus).unwrap();
    assert_eq!(twice, [("a".to_owned(), vec![(1, 1.0), (2, 2.0)])]);
}

#[test]
fn labels_of_the_target_win_and_the_others_are_kept() {
    let target: Labels =
        [("job", "api"), ("instance", "x:1"), ("exported_job", "t")].into_iter().collect();
    let mut storage = Storage::default();
    let context = Context { at: Some(7), target: &target };
    let text = "a 1\na{job=\"own\"} 1\na{job=\"own\",exported_job=\"e\",instance=\"\"} 1\n";
    Reader::new().read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).unwrap();
    let names: Vec<_> = contents(&storage).into_iter().map(|(name, _)| name).collect();
    let base = "exported_job=\"t\", instance=\"x:1\", job=\"api\"";
    assert_eq!(
        names,
        [
            format!("a{{{base}}}"),
            format!("a{{exported_exported_job=\"own\", {base}}}"),
            format!(
                "a{{exported_exported_exported_job=\"e\", exported_exported_job=\"own\", {base}}}"
            ),
        ]
    );
}
