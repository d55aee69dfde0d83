use super::*;

fn parse(text: &str) -> Result<Node, Problem> {
    super::parse(Path::new("m.yaml"), text)
}

fn place(node: &Node) -> (usize, usize) {
    node.place().map(|place| (place.line, place.column)).unwrap()
}

#[test]
fn doubled_keys_are_kept_and_every_node_has_its_place() {
    let text = "a: 1\nb:\n  - x\n  - [y, 2]\na: .nan\n\"ä\": {ö: 1, ü: 2}\n";
    let Value::Map(root) = parse(text).unwrap().value else { panic!("no map") };
    let keys: Vec<_> = root.iter().map(|(key, _)| place(key)).collect();
    assert_eq!(keys, [(1, 1), (2, 1), (5, 1), (6, 1)]);
    let Value::List(items) = &root[1].1.value else { panic!("no list") };
    assert_eq!((place(&root[1].1), place(&items[1])), ((3, 3), (4, 5)));
    assert_eq!(place(&root[2].1), (5, 4));
    let Value::Map(inner) = &root[3].1.value else { panic!("no map") };
    assert_eq!((place(&root[3].1), place(&inner[1].0)), ((6, 6), (6, 13)));
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    for (text, expected) in [
        ("", "nothing"),
        ("~", "nothing"),
        ("null", "nothing"),
        ("true", "`true`"),
        ("False", "`false`"),
        ("yes", "the text \"yes\""),
        ("on", "the text \"on\""),
        ("15", "the number 15"),
        ("-7", "the number -7"),
        ("+7", "the number 7"),
        ("0x1f", "the number 31"),
        ("0o17", "the number 15"),
        ("0b11", "the number 3"),
        ("010", "the text \"010\""),
        ("-010", "the text \"-010\""),
        ("0x", "the text \"0x\""),
        ("1_000", "the text \"1_000\""),
        ("1.50", "the number 1.5"),
        (".5", "the number 0.5"),
        ("5.", "the number 5"),
        ("1e3", "the number 1000"),
        ("1e999", "the text \"1e999\""),
        (".nan", "the number NaN"),
        ("-.nan", "the text \"-.nan\""),
        ("-.inf", "the number -inf"),
        ("inf", "the text \"inf\""),
        (".", "the text \".\""),
        ("99999999999999999999", "the number 99999999999999999999"),
        ("2026-01-31", "the text \"2026-01-31\""),
        ("'15'", "the text \"15\""),
        ("!!str 15", "the text \"15\""),
        ("!!int 15", "the number 15"),
        ("|\n  a\n  b\n", "the text \"a\\nb\\n\""),
        ("[a]", "a list"),
        ("{a: b}", "a mapping"),
    ] {
        let Value::Map(root) = parse(&format!("k: {text}\n")).unwrap().value else {
            panic!("no map: {text}")
        };
        assert_eq!(root[0].1.value.kind(), expected, "{text:?}");
    }
}

#[test]
fn an_alias_stands_for_its_anchor() {
    let Value::Map(root) = parse("a: &x {b: 1}\nc: *x\n").unwrap().value else { panic!("no map") };
    let Value::Map(inner) = &root[1].1.value else { panic!("no map") };
    // A problem in it is told where it is written.
    assert_eq!((inner[0].1.value.kind(), place(&inner[0].1)), ("the number 1".into(), (1, 11)));
}

#[test]
fn what_is_not_read_is_told_with_its_place() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
    }
    for (text, place, words) in [
        ("a: [1, 2\n", None, ""),
        ("a: 1\n b: 2\n", Some((2, 3)), ""),
        ("a: 1\n---\nb: 2\n", Some((2, 1)), "more than one document"),
        ("a: !own 1\n", Some((1, 4)), "tag"),
        ("a: !!int x\n", Some((1, 4)), "tag"),
        ("a: *b\n", None, ""),
        ("a: &b [*b]\n", None, ""),
        (&"- ".repeat(200), Some((1, 201)), "deep"),
        (&"[".repeat(6000), Some((1, 1)), "brackets"),
        (&bomb, None, "nodes, aliases followed"),
    ] {
        let problem = parse(text).unwrap_err();
        let found = problem.place.map(|place| (place.line, place.column)).unwrap();
        assert!(problem.message.contains(words), "{text:?}: {}", problem.message);
        assert!(place.is_none_or(|place| place == found), "{text:?}: {found:?}");
    }
}

#[test]
fn a_file_of_nothing_is_nothing() {
    for text in ["", "\n", "# a comment\n", "---\n"] {
        assert!(matches!(parse(text).unwrap().value, Value::Null), "{text:?}");
    }
}
