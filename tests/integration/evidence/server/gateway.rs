//! What stands between.
