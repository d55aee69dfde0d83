//! What failed over a time, from the history of a service.
