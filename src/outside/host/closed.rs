//! Connections that came and went between two looks: the kernel keeps the closed ones for a minute.

use std::collections::{HashMap, HashSet};

use super::connections::Ends;

/// So many that were met open are kept in mind once they are gone.
const MOST_GONE: usize = 100_000;

/// What is known of closed connections.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Those of the look before; `None` before the first, and after too many to be known.
    counted: Option<HashSet<Ends>>,
    /// Those that were met open, and after how many looks they are forgotten.
    gone: HashMap<Ends, u8>,
}

impl Closed {
    /// Keeps in mind connections that were met open and are not any more.
    pub(super) fn went(&mut self, ends: Vec<Ends>) {
        self.gone.extend(ends.into_iter().map(|ends| (ends, 2)));
        if self.gone.len() > MOST_GONE {
            // Rather too few than some twice.
            self.gone.clear();
            self.counted = None;
        }
    }

    /// How many of the closed ones are new, were never met open, and count.
    pub(super) fn look(&mut self, closed: HashSet<Ends>, counts: impl Fn(&Ends) -> bool) -> u64 {
        let is_new = |ends: &&Ends| {
            let was_counted = self.counted.as_ref().is_none_or(|counted| counted.contains(ends));
            !was_counted && !self.gone.contains_key(*ends) && counts(ends)
        };
        let new = closed.iter().filter(is_new).count() as u64;
        self.gone.retain(|_, looks| {
            *looks -= 1;
            *looks > 0
        });
        self.counted = Some(closed);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(client: u16) -> Ends {
        (([127, 0, 0, 1], 80).into(), ([127, 0, 0, 1], client).into())
    }

    fn all(clients: &[u16]) -> HashSet<Ends> {
        clients.iter().map(|client| ends(*client)).collect()
    }

    #[test]
    fn each_counts_once_and_not_where_it_was_met_open() {
        let mut closed = Closed::default();
        assert_eq!(closed.look(all(&[1, 2]), |_| true), 0, "they are from before");
        closed.went(vec![ends(3)]);
        assert_eq!(closed.look(all(&[1, 2, 3, 4]), |_| true), 1);
        assert_eq!(closed.look(all(&[3, 4, 5]), |open| *open != ends(5)), 0);
        assert_eq!(closed.look(all(&[4, 6]), |_| true), 1);
    }

    #[test]
    fn too_many_are_not_counted_rather_than_twice() {
        let mut closed = Closed::default();
        closed.look(HashSet::new(), |_| true);
        let many = (0..=MOST_GONE).map(|number| {
            let client = ([10, 0, (number >> 8) as u8, number as u8], (number >> 16) as u16);
            (([127, 0, 0, 1], 80).into(), client.into())
        });
        closed.went(many.collect());
        assert_eq!(closed.look(all(&[1]), |_| true), 0);
        assert_eq!(closed.look(all(&[1, 2]), |_| true), 1);
    }
}
