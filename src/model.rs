//! What an audit speaks of: signals, readings, checks, findings. Plain data without I/O; every
//! other room that knows of audits builds on it.

pub mod baseline;
pub mod blame;
pub mod built_in;
pub mod check;
pub mod clock_skew;
pub mod evidence;
pub mod finding;
pub mod interval;
pub mod level;
pub mod mode;
pub mod origin;
pub mod quantity;
pub mod question;
pub mod reading;
pub mod signal;
pub mod weights;
