//! Numbers as people and other programs write them: an integer without a decimal point.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Beyond this, not every integer is a floating-point number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number, and whether it is written as an integer.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema)]
#[schemars(with = "f64")]
pub enum Plain {
    /// Without a decimal point.
    Integer(i64),
    /// With one.
    Decimal(f64),
}

impl Plain {
    /// The number, as an integer where it is one.
    pub fn of(value: f64) -> Self {
        if value.trunc() == value && value.abs() <= EXACT {
            Self::Integer(value as i64)
        } else {
            Self::Decimal(value)
        }
    }

    /// An integer, if it can be held.
    pub fn of_integer(value: i128) -> Option<Self> {
        i64::try_from(value).ok().map(Self::Integer)
    }

    /// A number that is written with a decimal point.
    pub const fn decimal(value: f64) -> Self {
        Self::Decimal(value)
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Decimal(number) => serializer.serialize_f64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Ok(match number.as_i64() {
            Some(number) => Self::Integer(number),
            None => Self::Decimal(number.as_f64().unwrap_or(f64::NAN)),
        })
    }
}
