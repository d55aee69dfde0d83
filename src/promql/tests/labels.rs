//! Functions of labels, and regular expressions.

use super::{check, check_errors, storage};

#[test]
fn labels_are_replaced_where_the_whole_value_matches() {
    let storage = storage(&[("x{a=one-two}", "1"), ("y{a=line\nfeed}", "2")]);
    check(
        0.0,
        &storage,
        &[
            (
                "label_replace(x, \"b\", \"$2.${1}.$$1.$9.$\", \"a\", \"(.*)-(.*)\")",
                "x{a=\"one-two\", b=\"two.one.$1..$\"} 1",
            ),
            (
                "label_replace(x, \"b\", \"$n\", \"a\", \"(?P<n>o.*)\")",
                "x{a=\"one-two\", b=\"one-two\"} 1",
            ),
            ("label_replace(x, \"b\", \"$1x\", \"a\", \"(.*)\")", "x{a=\"one-two\"} 1"),
            ("label_replace(x, \"a\", \"z\", \"a\", \"one\")", "x{a=\"one-two\"} 1"),
            ("label_replace(x, \"a\", \"\", \"a\", \".*\")", "x 1"),
            ("label_replace(x, \"é b\", \"$1\", \"missing\", \"(.*)z?\")", "x{a=\"one-two\"} 1"),
            ("label_replace(x, \"__name__\", \"z\", \"\", \"\")", "z{a=\"one-two\"} 1"),
            ("label_replace(y, \"a\", \"$1\", \"a\", \".*(..)\")", "y{a=\"ed\"} 2"),
            (
                "label_join(x, \"b\", \"+\", \"a\", \"none\", \"__name__\")",
                "x{a=\"one-two\", b=\"one-two++x\"} 1",
            ),
            ("label_join(x, \"a\", \"-\")", "x 1"),
        ],
    );
}

#[test]
fn regular_expressions_mean_what_they_mean_in_go() {
    let storage =
        storage(&[("x{a=٣}", "1"), ("x{a=a{b}}", "2"), ("x{a=a&}", "3"), ("x{a=k[1]}", "4")]);
    check(
        0.0,
        &storage,
        &[
            ("count(x{a=~`\\d|\\w`}) or vector(0)", "{} 0"),
            ("count(x{a=~`\\D`})", "{} 1"),
            ("count(x{a=~`a{b}`}) or vector(0)", "{} 1"),
            ("count(x{a=~`[a&&z]+`})", "{} 1"),
            ("count(x{a=~`[\\w\\[\\]]+`})", "{} 1"),
            ("count(x{a=~`(?i)K\\b.*`})", "{} 1"),
            ("count(x{a=~`[[:alpha:]].+`})", "{} 3"),
            ("count(x{a=~`[^]\\D]`}) or vector(0)", "{} 0"),
            ("count(x{a=~`\\p{Nd}`})", "{} 1"),
            ("count(x{a=~`\\pN|.{2,}`})", "{} 4"),
        ],
    );
    check_errors(
        &storage,
        &[
            ("x{a=~\"a)|(b\"}", "invalid regular expression"),
            ("x{a=~`\\<a`}", "invalid regular expression"),
            ("x{a=~`(?x)a`}", "invalid regular expression"),
            ("x{a=~`[a--b]`}", "invalid regular expression"),
            ("x{a=~`(`}", "invalid regular expression"),
            ("label_replace(x, \"a\", \"\", \"a\", \"(\")", "invalid regular expression"),
            ("label_replace(x, \"\", \"\", \"a\", \"\")", "empty name"),
            ("label_join(x, \"a\", \"\", \"\")", "empty name"),
        ],
    );
}
