//! Whether a JSON document still has all that an earlier one had, byte for byte and in its order:
//! keys may only be added behind those that were there.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Whether `found` is `frozen` but for keys that were added.
pub(super) fn keeps(frozen: &str, found: &str) -> bool {
    let read = |text| serde_json::from_str::<Ordered>(text).ok();
    let Some((before, mut after)) = read(frozen).zip(read(found)) else { return false };
    after.forget_added(&before);
    let written = serde_json::to_string_pretty(&after).unwrap() + "\n";
    written == frozen
}

/// JSON whose keys keep their order.
enum Ordered {
    Leaf(Value),
    List(Vec<Ordered>),
    Map(Vec<(String, Ordered)>),
}

impl Ordered {
    /// Takes away the keys at the end of each object that were not in `before`.
    fn forget_added(&mut self, before: &Self) {
        match (self, before) {
            (Self::Map(entries), Self::Map(before)) => {
                entries.truncate(before.len());
                let pairs = entries.iter_mut().zip(before);
                pairs.for_each(|((_, value), (_, before))| value.forget_added(before));
            }
            (Self::List(items), Self::List(before)) => {
                let pairs = items.iter_mut().zip(before);
                pairs.for_each(|(item, before)| item.forget_added(before));
            }
            _ => {}
        }
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => serializer.collect_map(entries.iter().map(|(k, v)| (k, v))),
        }
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Ordered;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
                Ok(Ordered::Leaf(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ordered, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Ordered::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[test]
fn a_key_may_only_be_added_behind_the_others() {
    let text = |json: &str| {
        let read: Ordered = serde_json::from_str(json).unwrap();
        serde_json::to_string_pretty(&read).unwrap() + "\n"
    };
    let frozen = text(r#"{"a": {"b": 1.0, "c": null}, "d": [{"e": "x"}]}"#);
    for (found, is_kept) in [
        (r#"{"a": {"b": 1.0, "c": null}, "d": [{"e": "x"}]}"#, true),
        (r#"{"a": {"b": 1.0, "c": null, "n": 2}, "d": [{"e": "x", "n": 3}], "n": 4}"#, true),
        (r#"{"a": {"n": 2, "b": 1.0, "c": null}, "d": [{"e": "x"}]}"#, false),
        (r#"{"a": {"b": 1, "c": null}, "d": [{"e": "x"}]}"#, false),
        (r#"{"a": {"b": 1.0}, "d": [{"e": "x"}]}"#, false),
        (r#"{"a": {"b": 1.0, "c": null}, "d": [{"e": "x"}, {"e": "x"}]}"#, false),
    ] {
        assert_eq!(keeps(&frozen, &text(found)), is_kept, "{found}");
    }
}
