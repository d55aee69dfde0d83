//! Configurations that are built in, for where there is no file.

/// What holds for a service that is looked at from outside.
pub(super) const PROBE: &str = include_str!("preset/probe.yaml");
/// Its name, where a configuration is named.
pub(super) const PROBE_NAME: &str = "built-in preset probe";
