//! Foreign code that may panic: its panic becomes an error, and says nothing on stderr.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and told by whoever catches it.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does the work; the error is what it panicked with.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                usual(info);
            }
        }));
    });
    let was_quiet = IS_QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(was_quiet);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "it panicked".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(quietly(|| 1), Ok(1));
        let index = std::hint::black_box(3);
        let error = quietly(|| [1, 2][index]).unwrap_err();
        assert!(error.contains("out of bounds"), "{error}");
        assert_eq!(quietly(|| -> i32 { std::panic::panic_any(1) }), Err("it panicked".to_owned()));
        assert!(!IS_QUIET.get());
    }
}
