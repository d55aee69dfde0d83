//! What directories and files of the history are called, so that every system can have them.

use jiff::Timestamp;

/// What every report's file ends with.
const ENDING: &str = ".json";
/// As long as the name of every report's file is: `2026-11-27T14-51-06.123Z.json`.
const LENGTH: usize = 29;
/// Where a time of the day has colons, which are none of a file name on Windows.
const COLONS: [usize; 2] = [13, 16];
/// A directory's name is cut beyond so many bytes; systems take 255.
const LONGEST: usize = 120;
/// What begins a byte that is written as its number.
const ESCAPE: char = '%';
/// What Windows has as devices, whatever follows after a dot; and the neighbour of the directories.
const RESERVED: [&str; 5] = ["con", "prn", "aux", "nul", super::LOCK];

/// The name of a service's directory, of no other service's: small letters, digits, `-`, `_` and inner
/// dots stand for themselves, any other byte is written as its number, capital letters too, since for
/// some systems they are the same as small ones.
pub(super) fn of_service(service: &str) -> String {
    let last = service.len().saturating_sub(1);
    let is_plain = |(index, byte): (usize, u8)| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => index > 0 || !is_reserved(service),
        b'.' => index > 0 && index < last,
        _ => false,
    };
    let mut name = String::with_capacity(service.len());
    for (index, byte) in service.bytes().enumerate() {
        match is_plain((index, byte)) {
            true => name.push(char::from(byte)),
            false => name += &format!("{ESCAPE}{byte:02x}"),
        }
    }
    match name.len() {
        // Of no other service: what follows an escape is a number else.
        0 => ESCAPE.to_string(),
        1..=LONGEST => name,
        _ => {
            name.truncate(LONGEST - 34);
            // Two of them are no number either.
            format!("{name}{ESCAPE}{ESCAPE}{:032x}", hash(service))
        }
    }
}

/// Whether the name, up to its first dot, is one that a system or the history has for something else.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_port = |kind: &str| {
        let number = stem.strip_prefix(kind);
        number.is_some_and(|it| it.len() == 1 && it.bytes().all(|it| it.is_ascii_digit()))
    };
    RESERVED.contains(&stem) || is_port("com") || is_port("lpt")
}

/// FNV-1a, 128 bits: the same in every version, and no two names that people give have the same.
fn hash(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The name of a report's file; they sort by time.
pub(super) fn of_report(at: Timestamp) -> String {
    format!("{at:.3}{ENDING}").replace(':', "-")
}

/// When the audit ended whose report has that file; `None` if it is no name of ours.
pub(super) fn time_of(name: &str) -> Option<Timestamp> {
    if name.len() != LENGTH || !name.is_ascii() {
        return None;
    }
    let mut time = name.strip_suffix(ENDING)?.to_owned();
    COLONS.iter().for_each(|colon| time.replace_range(colon..=colon, ":"));
    let at = time.parse().ok()?;
    // What reads the same in another way is none of ours.
    (of_report(at) == name).then_some(at)
}

/// Whether a file of that name is one that was never finished: see [`crate::output::write_file`].
pub(super) fn is_left_over(name: &str) -> bool {
    name.starts_with(".auditor-") && name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_service_has_a_directory_that_every_system_can_have() {
        let long = "x".repeat(300);
        for (service, name) in [
            ("api", "api"),
            ("checkout-api_2.1", "checkout-api_2.1"),
            ("API", "%41%50%49"),
            ("a/b", "a%2fb"),
            ("a b", "a%20b"),
            ("a%2fb", "a%252fb"),
            (".", "%2e"),
            ("..", "%2e%2e"),
            (".hidden", "%2ehidden"),
            ("ends.", "ends%2e"),
            ("", "%"),
            ("con", "%63on"),
            ("con.txt", "%63on.txt"),
            ("console", "console"),
            ("com1", "%63om1"),
            ("com10", "com10"),
            ("lock", "%6cock"),
            ("é", "%c3%a9"),
            (&long, &format!("{}%%0ca87c95ae2960615decdb050f1a92bd", "x".repeat(86))),
        ] {
            assert_eq!(of_service(service), name, "{service}");
        }
    }

    proptest! {
        /// Not even where a system takes capital letters for small ones.
        #[test]
        fn no_two_services_share_a_directory(
            services in prop::collection::hash_set("[a-cA-C./%\\\\ é~:0-1]{0,6}|(con|com1|lock)[.a]?|x{115,125}", 2..40),
        ) {
            let mut names = HashMap::new();
            for service in &services {
                let name = of_service(service);
                prop_assert!(!name.is_empty() && name.len() <= LONGEST && !name.contains(['/', '\\', ':']));
                prop_assert!(!name.starts_with('.') && !name.ends_with('.'));
                let other = names.insert(name.to_lowercase(), service);
                prop_assert_eq!(other, None, "{:?} too", service);
            }
        }

        #[test]
        fn a_report_has_the_file_of_its_time(millis in 0_i64..253_402_300_799_999) {
            let at = Timestamp::from_millisecond(millis).unwrap();
            let name = of_report(at);
            prop_assert_eq!(time_of(&name), Some(at), "{}", name);
            let later = of_report(Timestamp::from_millisecond(millis + 1).unwrap());
            prop_assert!(name < later, "{} {}", name, later);
        }
    }

    #[test]
    fn only_what_the_history_writes_is_taken_for_its_own() {
        let own = "2026-11-27T14-51-06.123Z.json";
        assert_eq!(time_of(own).unwrap().to_string(), "2026-11-27T14:51:06.123Z");
        for other in [
            "2026-11-27T14-51-06.123Z.jsom",
            "2026-11-27T14-51-06.123z.json",
            "2026-11-27T14:51:06.123Z.json",
            "2026-11-27 14-51-06.123Z.json",
            "2026-11-27T14-51-60.123Z.json",
            "2026-02-30T14-51-06.123Z.json",
            "2026-11-27T14-51-06Z.json",
            "2026-11-27T14-51-06.123Z (1).json",
            "2026-11-27T14-51-0é.12Z.json",
            "report.json",
            "",
        ] {
            assert_eq!(time_of(other), None, "{other}");
        }
        assert!(is_left_over(".auditor-a1B2c3.tmp") && !is_left_over("notes.tmp"));
    }
}
