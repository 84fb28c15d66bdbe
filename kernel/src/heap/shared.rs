//! A value in the kernel's heap with several owners.
#![expect(unsafe_code, reason = "owners share a counted value behind a raw pointer")]

use core::{cell::Cell, fmt, marker::PhantomData, ops::Deref, ptr::NonNull};

use super::{AllocFailed, Box, Heap};

/// A value in the kernel's heap that is dropped with the last of its owners. For the kernel's thread only: interrupts
/// share nothing but wakers, byte pipes and interrupt lines.
pub struct Shared<T> {
    counted: NonNull<Counted<T>>,
    owns: PhantomData<Counted<T>>,
}

struct Counted<T> {
    owners: Cell<usize>,
    /// The box that the value lies in, put together again by the last owner.
    account: Option<NonNull<super::Account>>,
    value: T,
}

impl<T> Shared<T> {
    fn new(counted: Box<Counted<T>>) -> Self {
        let (mut counted, account) = counted.into_raw();
        // SAFETY: the box was ours alone.
        unsafe { counted.as_mut() }.account = account;
        Self { counted, owns: PhantomData }
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: an owner keeps the value.
        unsafe { self.counted.as_ref() }
    }

    /// How many owners there are.
    pub fn owners(this: &Self) -> usize {
        this.counted().owners.get()
    }

    /// Both are owners of the same value.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        this.counted == other.counted
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        let owners = &self.counted().owners;
        // Overflow checks are on in every profile: a leak in a loop panics before the count wraps.
        owners.set(owners.get() + 1);
        Self { counted: self.counted, owns: PhantomData }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        let owners = self.counted().owners.get() - 1;
        self.counted().owners.set(owners);
        if owners == 0 {
            let account = self.counted().account;
            // SAFETY: the last owner frees what `new` took apart.
            unsafe {
                self.counted.drop_in_place();
                if let Some(account) = account {
                    let layout = core::alloc::Layout::new::<Counted<T>>();
                    Heap::free_block(self.counted.cast(), layout, account);
                }
            }
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Heap {
    /// Moves a value to the heap to share it, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the value back.
    pub fn try_shared<T>(&self, value: T) -> Result<Shared<T>, AllocFailed<T>> {
        match self.try_box(Counted { owners: Cell::new(1), account: None, value }) {
            Ok(counted) => Ok(Shared::new(counted)),
            Err(failed) => Err(AllocFailed { value: failed.value.value, error: failed.error }),
        }
    }

    /// Moves a value to the heap to share it, as soon as there is memory for it.
    ///
    /// # Errors
    ///
    /// As for [`boxed`](Self::boxed).
    ///
    /// # Cancellation
    ///
    /// As for [`boxed`](Self::boxed).
    pub async fn shared<T>(&self, value: T) -> Result<Shared<T>, AllocFailed<T>> {
        match self.boxed(Counted { owners: Cell::new(1), account: None, value }).await {
            Ok(counted) => Ok(Shared::new(counted)),
            Err(failed) => Err(AllocFailed { value: failed.value.value, error: failed.error }),
        }
    }
}
