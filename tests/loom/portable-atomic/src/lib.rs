//! Loom's atomics behind the names of the crate `portable-atomic`, which the kernel and `maitake-sync` take theirs from.
//!
//! So the code that is checked is the code that ships, without a line for the checker in it. What it takes is that atomics are
//! made by `const` functions, which loom's are not: here they are made by loom all the same when the function is called at
//! run time. What is made at compile time, for constants and statics, is only good for not being used, and the kernel uses none.
//!
//! Two things differ from loom's own, since they are needed where its idea of a machine is not quite one:
//!
//! - A store is a swap. Loom lets a store that races with a swap take effect between the swap's reading and its writing, and
//!   then finds wake-ups lost that no machine can lose.
//! - A thread that compares in vain again and again lets others go on. It waits for them, in a loop, and loom would have it wait
//!   for ever.
#![expect(
    internal_features,
    reason = "a function that does one thing at compile time and another at run time"
)]
#![feature(const_eval_select, core_intrinsics)]

use core::{ops::Deref, sync::atomic::AtomicUsize as Count};

pub use loom::sync::atomic::{Ordering, fence};

/// So often a thread compares in vain before it lets others go on.
const IN_VAIN: usize = 2;

/// What the crate offers to loops that wait for another thread.
pub mod hint {
    pub use loom::hint::spin_loop;
}

macro_rules! atomic {
    ($($name:ident $(<$parameter:ident>)?: $value:ty = $default:expr;)*) => {$(
        /// See the crate.
        #[derive(Debug)]
        pub struct $name $(<$parameter>)? {
            checked: Option<loom::sync::atomic::$name $(<$parameter>)?>,
            /// Comparisons in vain, one after the other.
            in_vain: Count,
        }

        impl $(<$parameter>)? $name $(<$parameter>)? {
            /// Makes an atomic.
            #[track_caller]
            pub const fn new(value: $value) -> Self {
                const fn constant $(<$parameter>)? (_: $value) -> $name $(<$parameter>)? {
                    $name { checked: None, in_vain: Count::new(0) }
                }
                #[track_caller]
                fn now $(<$parameter>)? (value: $value) -> $name $(<$parameter>)? {
                    let checked = Some(loom::sync::atomic::$name::new(value));
                    $name { checked, in_vain: Count::new(0) }
                }
                core::intrinsics::const_eval_select((value,), constant, now)
            }

            /// As a swap, see the crate.
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                self.swap(value, order);
            }

            /// As loom's, see the crate.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let result = self.deref().compare_exchange(current, new, success, failure);
                if result.is_ok() {
                    self.in_vain.store(0, Ordering::Relaxed);
                } else if self.in_vain.fetch_add(1, Ordering::Relaxed) >= IN_VAIN {
                    loom::thread::yield_now();
                }
                result
            }

            /// As loom's, see the crate.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }
        }

        impl $(<$parameter>)? Deref for $name $(<$parameter>)? {
            type Target = loom::sync::atomic::$name $(<$parameter>)?;

            fn deref(&self) -> &Self::Target {
                self.checked.as_ref().expect("loom knows no atomics in constants")
            }
        }

        impl $(<$parameter>)? Default for $name $(<$parameter>)? {
            fn default() -> Self {
                Self::new($default)
            }
        }
    )*};
}

atomic! {
    AtomicBool: bool = false;
    AtomicPtr<T>: *mut T = core::ptr::null_mut();
    AtomicU8: u8 = 0;
    AtomicU32: u32 = 0;
    AtomicU64: u64 = 0;
    AtomicUsize: usize = 0;
}
