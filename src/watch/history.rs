//! The reports of a service over time: a file each, in a directory of the service's own.
