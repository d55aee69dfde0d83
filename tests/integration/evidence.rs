//! A pass needs evidence: what was not seen is not calm.

mod server;
