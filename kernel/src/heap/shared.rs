//! A value in the kernel's heap with several owners.
#![expect(unsafe_code, reason = "owners share a counted value behind a raw pointer")]

use core::{
    alloc::Layout,
    cell::Cell,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{self, NonNull},
};

use super::{Account, AllocError, AllocFailed, Block, Heap, block::Freed};

/// A value in the kernel's heap that is dropped with the last of its owners. For the kernel's thread only: interrupts
/// share nothing but wakers, byte pipes and interrupt lines.
///
/// Owners that own each other in a circle are never dropped.
pub struct Shared<T> {
    counted: NonNull<Counted<T>>,
    owns: PhantomData<Counted<T>>,
}

struct Counted<T> {
    owners: Cell<usize>,
    account: NonNull<Account>,
    value: T,
}

impl<T> Shared<T> {
    #[inline]
    fn write(block: Block<'_>, value: T) -> Self {
        debug_assert_eq!(block.layout(), Layout::new::<Counted<T>>());
        let (memory, account) = block.into_raw();
        let counted = memory.cast::<Counted<T>>();
        // SAFETY: callers allocate the block for a `Counted<T>`.
        unsafe { counted.write(Counted { owners: Cell::new(1), account, value }) };
        Self { counted, owns: PhantomData }
    }

    #[inline]
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

    /// The value, if there is no other owner.
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if Self::owners(this) > 1 {
            return None;
        }
        // SAFETY: the only owner is borrowed mutably, so nobody else reaches the value.
        Some(unsafe { &mut (*this.counted.as_ptr()).value })
    }

    /// Takes the value out and frees its memory, if there is no other owner.
    ///
    /// # Errors
    ///
    /// Hands the owner back when it is not the only one.
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        if Self::owners(&this) > 1 {
            return Err(this);
        }
        let this = ManuallyDrop::new(this);
        // SAFETY: the only owner moves the value out once, and only its memory is freed.
        unsafe {
            let _freed = this.freed();
            Ok((&raw const (*this.counted.as_ptr()).value).read())
        }
    }

    /// Frees the memory, not the value, when what is returned is dropped.
    ///
    /// # Safety
    ///
    /// The caller is the last owner, drops the value or moves it out meanwhile, and does not use it any more.
    #[inline]
    unsafe fn freed(&self) -> Freed {
        let account = self.counted().account;
        // SAFETY: allocated with this layout, and charged to this account; the rest is the caller's word.
        unsafe { Freed::new(self.counted.cast(), Layout::new::<Counted<T>>(), account) }
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        let owners = &self.counted().owners;
        // A loop that leaks owners ends here, before the count wraps.
        owners.set(owners.get().checked_add(1).expect("no value has so many owners"));
        Self { counted: self.counted, owns: PhantomData }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        let owners = self.counted().owners.get() - 1;
        self.counted().owners.set(owners);
        if owners == 0 {
            // SAFETY: the last owner drops the value once. Its memory is freed after it, even if its drop panics.
            unsafe {
                let _freed = self.freed();
                ptr::drop_in_place(&raw mut (*self.counted.as_ptr()).value);
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

/// Memory for a value that is not known yet.
pub(crate) struct SharedRoom<'h, T> {
    block: Block<'h>,
    holds: PhantomData<T>,
}

impl<T> SharedRoom<'_, T> {
    /// Moves the value in.
    pub(crate) fn fill(self, value: T) -> Shared<T> {
        Shared::write(self.block, value)
    }
}

impl Heap {
    /// Moves a value to the heap to share it, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the value back.
    #[inline]
    pub fn try_shared<T>(&self, value: T) -> Result<Shared<T>, AllocFailed<T>> {
        match self.try_block(Layout::new::<Counted<T>>()) {
            Ok(block) => Ok(Shared::write(block, value)),
            Err(error) => Err(AllocFailed { value, error }),
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
        match self.block(Layout::new::<Counted<T>>()).await {
            Ok(block) => Ok(Shared::write(block, value)),
            Err(error) => Err(AllocFailed { value, error }),
        }
    }

    /// Waits for the memory of a value that is to be shared, when the value itself cannot be made before.
    ///
    /// # Errors
    ///
    /// As for [`boxed`](Self::boxed).
    ///
    /// # Cancellation
    ///
    /// As for [`boxed`](Self::boxed).
    pub(crate) async fn room_for_shared<T>(&self) -> Result<SharedRoom<'_, T>, AllocError> {
        let block = self.block(Layout::new::<Counted<T>>()).await?;
        Ok(SharedRoom { block, holds: PhantomData })
    }
}
