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
    let nested = format!("{}{}{}", "&a [".repeat(90), "x,".repeat(90_000), "]".repeat(90));
    let long_text = format!("a: &x {}\nb: [{}]\n", "y".repeat(99_000), "*x,".repeat(20_000));
    for (text, place, words) in [
        ("a: [1, 2\n", None, ""),
        ("a: 1\n b: 2\n", Some((2, 3)), ""),
        ("a: 1\n---\nb: 2\n", Some((2, 1)), "more than one document"),
        ("a: !own 1\n", Some((1, 4)), "the tag"),
        ("a: !!int x\n", Some((1, 4)), "the tag"),
        ("a: *b\n", None, ""),
        ("a: &b [*b]\n", None, ""),
        (&"- ".repeat(200), Some((1, 201)), "deep"),
        (&"[".repeat(200_000), None, "recursion limit"),
        (&bomb, None, "nodes, aliases followed"),
        (&nested, None, "aliases followed"),
        (&long_text, None, "aliases followed"),
        ("a: \"x\u{1b}[31m\"\n", Some((1, 6)), "character"),
        ("a: !!set {b}\n", Some((1, 4)), "the tag"),
    ] {
        let shown = text.get(..80).unwrap_or(text);
        let problem = parse(text).unwrap_err();
        let found = problem.place.map(|place| (place.line, place.column)).unwrap();
        assert!(problem.message.contains(words), "{shown:?}: {}", problem.message);
        assert!(place.is_none_or(|place| place == found), "{shown:?}: {found:?}");
    }
}

#[test]
fn a_file_of_nothing_is_nothing() {
    for text in ["", "\n", "# a comment\n", "---\n"] {
        assert!(matches!(parse(text).unwrap().value, Value::Null), "{text:?}");
    }
}

#[test]
fn many_brackets_take_no_time() {
    let started = std::time::Instant::now();
    parse(&format!("a: [{}]\n", "[],".repeat(65_000))).unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}

/// A tree with the place of every node.
fn tree(node: &Node) -> String {
    let (line, column) = place(node);
    let value = match &node.value {
        Value::Null => "~".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Text(value) => format!("{value:?}"),
        Value::List(items) => {
            format!("[{}]", items.iter().map(tree).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}: {}", tree(key), tree(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{line}:{column} {value}")
}

/// The trees that libyaml and a second parse gave for these texts, but where it is said.
#[test]
fn places_are_those_of_what_is_written() {
    for (text, expected) in [
        ("k: |\n  a\n  b\n", r#"1:1 {1:1 "k": 1:4 "a\nb\n"}"#),
        ("k: |- # c > d\n  a\n", r#"1:1 {1:1 "k": 1:4 "a"}"#),
        ("k: # a | b\n  |\n  c\n", r#"1:1 {1:1 "k": 2:3 "c\n"}"#),
        ("k: >\n\n  a\n", r#"1:1 {1:1 "k": 1:4 "\na\n"}"#),
        ("\"a # | b\": |2\n    a\n", r#"1:1 {1:1 "a # | b": 1:12 "  a\n"}"#),
        ("- |\n  a\n- >-\n  b\n", r#"1:1 [1:3 "a\n", 3:3 "b"]"#),
        ("? |\n  a\n: b", r#"1:1 {1:3 "a\n": 3:3 "b"}"#),
        ("a:\n- 1\n- 2\n", r#"1:1 {1:1 "a": 2:1 [2:3 1, 3:3 2]}"#),
        ("a:\n  - 1\n", r#"1:1 {1:1 "a": 2:3 [2:5 1]}"#),
        ("a:\n  b:\n  - [x]\n", r#"1:1 {1:1 "a": 2:3 {2:3 "b": 3:3 [3:5 [3:6 "x"]]}}"#),
        ("- - a\n  - b\n", r#"1:1 [1:3 [1:5 "a", 2:5 "b"]]"#),
        (
            "a: &x {b: 1}\nc: *x\n",
            r#"1:1 {1:1 "a": 1:4 {1:8 "b": 1:11 1}, 2:1 "c": 1:4 {1:8 "b": 1:11 1}}"#,
        ),
        (
            "a: &x\n  b: 1\nc:\n  <<: *x\n",
            r#"1:1 {1:1 "a": 1:4 {2:3 "b": 2:6 1}, 3:1 "c": 4:3 {4:3 "<<": 1:4 {2:3 "b": 2:6 1}}}"#,
        ),
        (
            "&x a: 1\nb: [&y 2,&z 3, *y]\n",
            r#"1:1 {1:1 "a": 1:7 1, 2:1 "b": 2:4 [2:5 2, 2:10 3, 2:5 2]}"#,
        ),
        ("a: !!str 15\n", r#"1:1 {1:1 "a": 1:4 "15"}"#),
        ("a: &x !!str 15\n", r#"1:1 {1:1 "a": 1:4 "15"}"#),
        ("a: !<tag:yaml.org,2002:str> 15\n", r#"1:1 {1:1 "a": 1:4 "15"}"#),
        ("a: &x\nb: *x\n", r#"1:1 {1:1 "a": 1:4 ~, 2:1 "b": 1:4 ~}"#),
        ("{\"ä\": 1, b: 2}", r#"1:1 {1:2 "ä": 1:7 1, 1:10 "b": 1:13 2}"#),
        (
            "a: \"😀\" # 😀\nb: [😀, x]\n",
            r#"1:1 {1:1 "a": 1:4 "😀", 2:1 "b": 2:4 [2:5 "😀", 2:8 "x"]}"#,
        ),
        (
            "ä: ö\nü: {é: 1, ñ: 2}\n",
            r#"1:1 {1:1 "ä": 1:4 "ö", 2:1 "ü": 2:4 {2:5 "é": 2:8 1, 2:11 "ñ": 2:14 2}}"#,
        ),
        (
            "a: 1\r\nb: |\r\n  x\r\nc: 2\r\n",
            r#"1:1 {1:1 "a": 1:4 1, 2:1 "b": 2:4 "x\n", 4:1 "c": 4:4 2}"#,
        ),
        ("a: 1\rb: 2\r", r#"1:1 {1:1 "a": 1:4 1, 2:1 "b": 2:4 2}"#),
        ("a:\tb\n", r#"1:1 {1:1 "a": 1:4 "b"}"#),
        ("a: [\n1,\n2\n]\n", r#"1:1 {1:1 "a": 1:4 [2:1 1, 3:1 2]}"#),
        ("a: \"x\ny\"\n", r#"1:1 {1:1 "a": 1:4 "x y"}"#),
        ("a: x\n  y\nb: 2\n", r#"1:1 {1:1 "a": 1:4 "x y", 3:1 "b": 3:4 2}"#),
        ("--- a\n...\n", r#"1:5 "a""#),
        ("a: 1\na: 2\n", r#"1:1 {1:1 "a": 1:4 1, 2:1 "a": 2:4 2}"#),
        ("{a, b: c}", r#"1:1 {1:2 "a": 1:3 ~, 1:5 "b": 1:8 "c"}"#),
        ("[a: 1, b]", r#"1:1 [1:2 {1:2 "a": 1:5 1}, 1:8 "b"]"#),
        ("%YAML 1.1\n---\na: yes\n", r#"3:1 {3:1 "a": 3:4 "yes"}"#),
        // Was: 1:1{1:1 "a" => 1:3 null}
        ("a:\n", r#"1:1 {1:1 "a": 1:2 ~}"#),
        // Was: ERR - deserializing from YAML containing more than one document is not supported
        ("\u{feff}a: 1\nb: 2\n", r#"1:1 {1:1 "a": 1:4 1, 2:1 "b": 2:4 2}"#),
        // Was: 1:1{1:1 "a" => 1:4 "x y", 3:1 "b" => 3:4 int 2}
        ("a: x\u{85}  y\nb: 2\n", r#"1:1 {1:1 "a": 1:4 "x\u{85}  y", 2:1 "b": 2:4 2}"#),
        // Was: 1:1{1:1 "a" => 1:4 "x\u{2028}y", 3:1 "b" => 3:4 int 2}
        ("a: \"x\u{2028}y\"\nb: 2\n", r#"1:1 {1:1 "a": 1:4 "x\u{2028}y", 2:1 "b": 2:4 2}"#),
    ] {
        let found = parse(text).map_or_else(|it| it.message, |node| tree(&node));
        assert_eq!(found, expected, "{text:?}");
    }
}
