//! Configuration that is wrong or hostile: exit 2, before anything is sent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt as _;
use std::time::{Duration, Instant};

use super::matrix::{Fault, SECRET, check, fault};
use crate::support::{auditor, directory_with, empty_directory};

/// A row about the configuration: nothing is audited.
fn wrong(name: &str) -> Fault {
    fault(name).code(2)
}

/// The section `http` is this.
fn http(name: &str, section: &str) -> Fault {
    wrong(name).config(&format!("http: {section}\n")).says("metrics.yaml:1:")
}

#[test]
fn hostile_files() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let again = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb += &format!("a{n}: &a{n} [{again}]\n");
    }
    check(vec![
        wrong("an alias bomb").whole_config(&bomb).says("metrics.yaml"),
        wrong("an alias of itself").whole_config("a: &a [*a]\n").says("metrics.yaml"),
        wrong("nothing").whole_config("").says("the file is empty"),
        wrong("a comment").whole_config("# soon\n").says("the file is empty"),
        wrong("a list").whole_config("- a\n").says("must be a mapping, found a list"),
        wrong("text").whole_config("hello").says("must be a mapping, found text"),
        wrong("two documents").whole_config("a: 1\n---\nb: 2\n").says("more than one document"),
        wrong("a tab").whole_config("queries:\n\tp99_latency: x\n").says("metrics.yaml:2:"),
        wrong("brackets without end")
            .whole_config(&"[".repeat(200_000))
            .says("recursion limit exceeded"),
        wrong("mappings in mappings").whole_config(&"{a: ".repeat(4_999)).says("metrics.yaml"),
        wrong("lists in lists").whole_config(&"- ".repeat(100_000)).says("metrics.yaml"),
        wrong("keys without end")
            .whole_config(&(0..10_000).map(|n| format!("k{n}: 1\n")).collect::<String>())
            .says("and 9976 more")
            .within(20),
        wrong("a control character").whole_config("queries: \u{1}\n").says("metrics.yaml"),
        wrong("no such file").args(&["--config", "nowhere.yaml"]).says("No such file"),
        wrong("a directory").args(&["--config", "."]).says("it is a directory"),
        wrong("bytes that are no UTF-8")
            .file("latin1.yaml", b"queries: {}\n# \xe9\n")
            .args(&["--config", "latin1.yaml"])
            .says("line 2 is not UTF-8"),
        wrong("a device without end").args(&["--config", "/dev/zero"]).says("larger than 256 KiB"),
    ]);
}

#[test]
fn a_file_of_100_mb_is_refused_unread() {
    let directory = empty_directory();
    File::create(directory.path().join("metrics.yaml")).unwrap().set_len(100 << 20).unwrap();
    let started = Instant::now();
    let run = auditor(directory.path(), &["--fail-on-critical"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("larger than 256 KiB"), "{}", run.stderr);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_pipe_that_never_ends_is_given_up_at_the_timeout() {
    let directory = empty_directory();
    let pipe = directory.path().join("metrics.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = auditor(directory.path(), &["--fail-on-critical", "--timeout", "300ms"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no end of it within 300ms (--timeout)"), "{}", run.stderr);
}

#[test]
fn the_section_http() {
    let credentials = format!("{{credentials: {SECRET}}}");
    check(vec![
        http("a list", "[]").says("must be a mapping, found a list"),
        http("a secret at the wrong place", SECRET).says("must be a mapping, found text"),
        http("a secret where a key should be", &format!("{{authorization: {{{SECRET}}}}}"))
            .says("unknown key; valid here: type, credentials"),
        http("a colon is missing", &format!("{{authorization: {{credentials {SECRET}}}}}"))
            .says("unknown key"),
        http("an unknown key", "{bearer: x}")
            .says("unknown key; valid here: authorization, basic_auth"),
        http("a key misspelt", "{authorisation: {}}").says("did you mean `authorization`?"),
        http("no credentials", "{authorization: {}}").says("`credentials` or `credentials_file`"),
        http("credentials twice", "{authorization: {credentials: a, credentials_file: b}}")
            .says("both given"),
        http("credentials that are a number", "{authorization: {credentials: 123456}}")
            .says("must be text, found a number; put it in quotes"),
        http("credentials of two lines", "{authorization: {credentials: \"a\\nb\"}}")
            .says("no HTTP header can carry"),
        http("empty credentials", "{authorization: {credentials: \"\"}}").says("is empty"),
        http("no such file", "{authorization: {credentials_file: nowhere}}")
            .says("cannot read nowhere: No such file"),
        http("a directory for a file", "{authorization: {credentials_file: .}}")
            .says("it is a directory"),
        http("an empty file", "{authorization: {credentials_file: empty}}")
            .file("empty", "\n")
            .says("the file is empty"),
        http("a file that is no text", "{authorization: {credentials_file: bytes}}")
            .file("bytes", b"\xff")
            .says("line 1 is not UTF-8"),
        http(
            "Basic by hand",
            &format!("{{authorization: {{type: basic, credentials: {SECRET}}}}}"),
        )
        .says("use `basic_auth`"),
        http("two ways", &format!("{{authorization: {credentials}, basic_auth: {{username: a}}}}"))
            .says("both given; keep one"),
        http("a password without a user", &format!("{{basic_auth: {{password: {SECRET}}}}}"))
            .says("needs `username`"),
        http("a header of no value", "{http_headers: {X-A: {}}}").says("the header has no value"),
        http("an empty header", "{http_headers: {X-A: \"\"}}").says("is empty"),
        http("a header that is null", "{http_headers: {X-A: }}").says("the header has no value"),
        http("a header of two lines", "{http_headers: {X-A: \"a\\nb\"}}").says("no HTTP header"),
        http("a header without a name", "{http_headers: {\"X A\": a}}").says("no name of an HTTP"),
        http("a header that is not yours", "{http_headers: {Content-Length: \"3\"}}")
            .says("cannot be set"),
        http("a header that has a key", "{http_headers: {Authorization: x}}")
            .says("use `authorization`"),
        http("a list that is none", "{http_headers: {X-A: {values: a}}}").says("must be a list"),
        http("a proxy that is no URL", "{proxy_url: \"proxy:s3cret-of-the-matrix\"}")
            .says("`proxy_url`"),
        http("a proxy of another kind", "{proxy_url: \"socks5://proxy:1080\"}")
            .says("must be http"),
        http("no_proxy alone", "{no_proxy: localhost}").says("needs `proxy_url`"),
        http("neither true nor false", "{follow_redirects: sometimes}")
            .says("must be true or false"),
        wrong("a switch that is text")
            .config("accept_partial: \"yes\"\n")
            .says("must be true or false"),
    ]);
}

#[test]
fn certificates() {
    let identity = rcgen::generate_simple_self_signed(vec!["me".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let tls = |name: &str, section: &str| http(name, &format!("{{tls_config: {section}}}"));
    check(vec![
        tls("an unknown key", "{ca: x}").says("did you mean `ca_file`?"),
        tls("no such authority", "{ca_file: nowhere.pem}").says("cannot read nowhere.pem"),
        tls("an authority that is none", "{ca_file: text}")
            .file("text", "not PEM")
            .says("`ca_file` holds no certificate in PEM form"),
        tls("an authority of garbage", "{ca_file: garbage}")
            .file("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .says("`ca_file` holds no certificate that can be used"),
        tls("a certificate without a key", "{cert_file: cert}")
            .file("cert", identity.cert.pem())
            .says("need each other"),
        tls("a key that is none", "{cert_file: cert, key_file: cert}")
            .file("cert", identity.cert.pem())
            .says("`key_file` holds no private key"),
        tls("a key of another certificate", "{cert_file: cert, key_file: key}")
            .file("cert", identity.cert.pem())
            .file("key", other)
            .says("`key_file` does not belong to `cert_file`"),
        tls("a name that is none", "{server_name: \"a b\"}").says("must be a host name"),
        tls("a name that is an address", "{server_name: \"10.0.0.1\"}").says("must be a host name"),
        http("a name and a proxy", "{tls_config: {server_name: a}, proxy_url: \"http://p\"}")
            .says("do not go together"),
    ]);
}

#[test]
fn the_environment() {
    let none: [(&str, &str); 0] = [];
    check(vec![
        wrong("an empty target")
            .environment([("AUDITOR_TARGET", "")])
            .says("AUDITOR_TARGET is set, but empty"),
        wrong("a target that is none")
            .environment([("AUDITOR_TARGET", "me:s3cret-of-the-matrix@host")])
            .says("AUDITOR_TARGET: the target has no scheme"),
        wrong("an empty token").environment([("AUDITOR_BEARER_TOKEN", " ")]).says("set, but empty"),
        wrong("a token of two lines")
            .environment([("AUDITOR_BEARER_TOKEN", "s3cret-of-the-matrix\nx")])
            .says("AUDITOR_BEARER_TOKEN: it holds a character"),
        wrong("a token that is no text")
            .environment([(OsString::from("AUDITOR_BEARER_TOKEN"), OsString::from_vec(vec![0xff]))])
            .says("AUDITOR_BEARER_TOKEN is not UTF-8"),
        wrong("a password without a user")
            .environment([("AUDITOR_BASIC_AUTH", SECRET)])
            .says("must be user:password"),
        wrong("a token and a password")
            .environment([("AUDITOR_BEARER_TOKEN", "a"), ("AUDITOR_BASIC_AUTH", "a:b")])
            .says("keep one"),
        wrong("a header without a colon")
            .environment(none)
            .args(&["--header", SECRET])
            .says("--header: expected 'Name: value'"),
        wrong("a header without a value")
            .args(&["--header", "X-Scope-OrgID: "])
            .says("--header: `x-scope-orgid` has no value"),
        wrong("a header of two lines")
            .args(&["--header", "X-A: a\nb"])
            .says("no HTTP header can carry"),
        wrong("a header that is not yours")
            .args(&["--header", "Connection: close"])
            .says("cannot be set"),
    ]);
}

#[test]
fn the_file_of_http_config() {
    let named = |name: &str| wrong(name).args(&["--http-config", "http.yaml"]);
    check(vec![
        named("no such file").says("cannot read http.yaml: No such file"),
        named("nothing").file("http.yaml", "").says("http.yaml:1:1: the file is empty"),
        named("no YAML").file("http.yaml", "a: [").says("http.yaml:"),
        named("an unknown key")
            .file("http.yaml", "basic_auth:\n  user: me\n")
            .says("http.yaml:2:3: unknown key; did you mean `username`?"),
        named("the section within the section").file("http.yaml", "http: {}\n").says("unknown key"),
        named("both files are wrong")
            .config("htp: {}\n")
            .file("http.yaml", "proxy: x\n")
            .says("2 problems")
            .says("metrics.yaml:1:1: unknown section `htp`")
            .says("http.yaml:1:1: unknown key"),
    ]);
}

/// Paths in a file are relative to that file, wherever the command runs.
#[test]
fn paths_are_relative_to_their_file() {
    let directory = directory_with("");
    let etc = directory.path().join("etc");
    fs::create_dir(&etc).unwrap();
    fs::write(etc.join("http.yaml"), "authorization: {credentials_file: token}\n").unwrap();
    fs::write(directory.path().join("token"), "wrong").unwrap();
    let run = auditor(directory.path(), &["--http-config", "etc/http.yaml"]);
    assert!(run.stderr.contains("cannot read etc/token"), "{}", run.stderr);
}
