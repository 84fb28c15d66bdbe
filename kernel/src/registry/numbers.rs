//! Numbers that count up, wrap, and name nothing twice.
//!
//! ```text
//!   0     1     2     3     4     5     6     7            u32::MAX
//!   none  used  free  free  free  used  used  free  ...    free
//!               next ────────▶    end
//! ```
//!
//! All numbers from `next` to `end` are free, and stay so until they are given: so a new one is found without a look at
//! those in use. Only where such a run ends, which is at the wrap and in front of numbers that have been in use since
//! before it, the next run is looked for.

use core::cell::Cell;

/// What looks at a number that is in use.
pub(super) type Look<'l> = &'l mut dyn FnMut(u32);

/// See the module.
pub(super) struct Numbers {
    next: Cell<u32>,
    /// The first number behind the run, which may be in use; 0 where the numbers wrap.
    end: Cell<u32>,
}

impl Numbers {
    /// Numbers from `first` on, none of which is in use. 0 stands before all others in listings, so nothing has it.
    pub(super) const fn from(first: u32) -> Self {
        Self { next: Cell::new(first), end: Cell::new(0) }
    }

    /// The number that comes next; `each_used` calls what it is given with all numbers that are in use, in any order.
    #[inline]
    pub(super) fn upcoming(&self, each_used: impl Fn(Look<'_>)) -> u32 {
        if self.next.get() == self.end.get() {
            self.find_run(&each_used);
        }
        self.next.get()
    }

    /// The number that comes next is in use from now on.
    #[inline]
    pub(super) fn advance(&self) {
        self.next.set(self.next.get().wrapping_add(1));
    }

    /// Looks for the next run.
    #[cold]
    fn find_run(&self, each_used: &dyn Fn(Look<'_>)) {
        let in_use = |number| {
            let mut found = false;
            each_used(&mut |used| found |= used == number);
            found
        };
        // Numbers that were given one after the other may all be in use still, so the steps grow. In the end the step is
        // one backwards, which misses no number.
        let (mut first, mut step) = (self.next.get(), 1_u32);
        while first == 0 || in_use(first) {
            first = first.wrapping_add(step);
            step = step << 1 | 1;
        }
        let mut end = 0_u32;
        each_used(&mut |used| {
            // 0, which is behind all others, is the largest then.
            if used > first && used.wrapping_sub(1) < end.wrapping_sub(1) {
                end = used;
            }
        });
        self.next.set(first);
        self.end.set(end);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeSet};

    use super::Numbers;

    /// Numbers and what is in use of them, and how often that was looked through.
    struct Users {
        numbers: Numbers,
        used: BTreeSet<u32>,
        looks: Cell<u32>,
    }

    impl Users {
        fn from(first: u32) -> Self {
            Self { numbers: Numbers::from(first), used: BTreeSet::new(), looks: Cell::new(0) }
        }

        fn take(&mut self) -> u32 {
            let number = self.numbers.upcoming(|look| {
                self.looks.set(self.looks.get() + 1);
                self.used.iter().for_each(|used| look(*used));
            });
            self.numbers.advance();
            assert!(number != 0 && self.used.insert(number), "{number} is in use");
            number
        }
    }

    #[test]
    fn numbers_count_up_without_a_look_at_those_in_use() {
        let mut users = Users::from(1);
        assert!((1..=1000).all(|number| users.take() == number));
        assert_eq!(users.looks.get(), 0);
    }

    #[test]
    fn numbers_wrap_around_0_and_those_in_use() {
        let mut users = Users::from(u32::MAX - 2);
        users.used.extend([1, 2, 3, 9, 10]);
        let given: Vec<u32> = (0..9).map(|_| users.take()).collect();
        // The steps from 0 lead to 1 and 4, those from 9 to 10 and 13.
        assert_eq!(given, [u32::MAX - 2, u32::MAX - 1, u32::MAX, 4, 5, 6, 7, 8, 13]);
        let looks = users.looks.get();
        (0..1000).for_each(|_| _ = users.take());
        assert_eq!(users.looks.get(), looks, "the run ends at the wrap");
    }

    #[test]
    fn a_long_row_in_use_is_passed_in_few_looks() {
        let mut users = Users::from(u32::MAX);
        let row = if cfg!(miri) { 100 } else { 10_000 };
        users.used.extend(1..=row);
        users.take();
        assert!(users.take() > row);
        assert!(users.looks.get() < 20, "{}", users.looks.get());
    }

    #[test]
    fn numbers_that_steps_hit_do_not_hide_a_free_one() {
        let mut users = Users::from(0);
        // Every number that the growing steps come by, from 0 on.
        let (mut number, mut step) = (0_u32, 1_u32);
        while step != u32::MAX {
            number = number.wrapping_add(step);
            step = step << 1 | 1;
            users.used.insert(number);
        }
        assert_ne!(users.take(), 0);
    }
}
