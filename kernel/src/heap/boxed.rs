//! A value in the kernel's heap.
#![expect(unsafe_code, reason = "a box owns a value behind a raw pointer")]

use core::{
    alloc::Layout,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    pin::Pin,
    ptr::NonNull,
};

use super::{Account, AllocError, AllocFailed, Block, Heap, block::Freed};

/// A value in the kernel's heap, owned. Two words: the value's address and the account that it is charged to.
///
/// It may outlive the kernel; the region stays until the last box in it is dropped.
pub struct Box<T: ?Sized> {
    value: NonNull<T>,
    /// `None` for what needs no memory.
    account: Option<NonNull<Account>>,
    owns: PhantomData<T>,
}

impl<T> Box<T> {
    #[inline]
    fn write(block: Block<'_>, value: T) -> Self {
        let (memory, account) = block.into_raw();
        let place = memory.cast::<T>();
        // SAFETY: callers allocate the block for a `T`.
        unsafe { place.write(value) };
        Self { value: place, account: Some(account), owns: PhantomData }
    }

    fn zero_sized(value: T) -> Self {
        core::mem::forget(value);
        Self { value: NonNull::dangling(), account: None, owns: PhantomData }
    }

    /// Takes the value out and frees its memory.
    pub fn into_inner(self) -> T {
        let this = ManuallyDrop::new(self);
        // SAFETY: the value is moved out once, and only its memory is freed.
        unsafe {
            let _freed = this.freed();
            this.value.read()
        }
    }
}

impl<T: ?Sized> Box<T> {
    /// Frees the memory, not the value, when what is returned is dropped.
    ///
    /// # Safety
    ///
    /// The value is dropped or moved out meanwhile, and the box is not used any more.
    #[inline]
    unsafe fn freed(&self) -> Option<Freed> {
        // SAFETY: the value is still there, and tells its layout. Its memory was allocated with that, and charged to this
        // account; the rest is the caller's word.
        unsafe {
            let layout = Layout::for_value(self.value.as_ref());
            self.account.map(|account| Freed::new(self.value.cast(), layout, account))
        }
    }

    #[inline]
    pub(super) fn into_raw(self) -> (NonNull<T>, Option<NonNull<Account>>) {
        let parts = (self.value, self.account);
        core::mem::forget(self);
        parts
    }

    /// Turns a box of a type into a box of a trait that it implements, or of an array into a box of a slice:
    /// `Box::unsize(it, |it| it as &mut dyn Trait)`.
    ///
    /// # Panics
    ///
    /// When `cast` returns something else than it is given.
    pub fn unsize<U: ?Sized>(mut this: Self, cast: for<'v> fn(&'v mut T) -> &'v mut U) -> Box<U> {
        const { assert!(size_of::<*mut U>() > size_of::<*mut u8>(), "the new type is `dyn` or a slice") };
        let (before, place) = (Layout::for_value(&*this), this.value.as_ptr());
        // `cast` captures nothing, so what has the value's address and layout is the value.
        let unsized_value = cast(&mut this);
        assert!(
            Layout::for_value(unsized_value) == before && core::ptr::addr_eq(unsized_value, place),
            "`cast` must return what it is given"
        );
        let mut wide: *mut U = unsized_value;
        let (value, account) = this.into_raw();
        // The reference reaches the value only, the box's pointer also what the heap keeps in front of it: so it takes
        // the reference's place, the metadata stays.
        // SAFETY: a wide pointer begins with the address; were it not so, the assertion would have failed.
        let wide = unsafe {
            let address = (&raw mut wide).cast::<*mut u8>();
            assert!(*address == value.as_ptr().cast(), "a wide pointer begins with the address");
            *address = value.as_ptr().cast();
            NonNull::new_unchecked(wide)
        };
        Box { value: wide, account, owns: PhantomData }
    }

    /// Pins the value, which does not move as long as it is boxed.
    pub fn into_pin(this: Self) -> Pin<Self> {
        // SAFETY: the value stays where it is until it is dropped: a pinned box gives it out by reference only.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized> Drop for Box<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the value is ours, and dropped once. Its memory is freed after it, even if its drop panics.
        unsafe {
            let _freed = self.freed();
            self.value.drop_in_place();
        }
    }
}

impl<T: ?Sized> Deref for Box<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the box owns a valid value.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Box<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the box owns a valid value, and is borrowed mutably.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized> Unpin for Box<T> {}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Box<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Heap {
    /// Moves a value to the heap, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the value back, see [`AllocError`].
    #[inline]
    pub fn try_box<T>(&self, value: T) -> Result<Box<T>, AllocFailed<T>> {
        if size_of::<T>() == 0 {
            return Ok(Box::zero_sized(value));
        }
        match self.try_block(Layout::new::<T>()) {
            Ok(block) => Ok(Box::write(block, value)),
            Err(error) => Err(AllocFailed { value, error }),
        }
    }

    /// Moves a value to the heap as soon as there is memory for it.
    ///
    /// # Errors
    ///
    /// Hands the value back when there can never be memory for it, or its owner may not have it: all of
    /// [`AllocError`] but `OutOfMemory` and `Contended`.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the value and leaves the line.
    pub async fn boxed<T>(&self, value: T) -> Result<Box<T>, AllocFailed<T>> {
        if size_of::<T>() == 0 {
            return Ok(Box::zero_sized(value));
        }
        match self.block(Layout::new::<T>()).await {
            Ok(block) => Ok(Box::write(block, value)),
            Err(error) => Err(AllocFailed { value, error }),
        }
    }
}

/// The layout of an array, as an error that says what is wrong with it.
pub(super) fn array<T>(heap: &Heap, len: usize) -> Result<Layout, AllocError> {
    let capacity = heap.pool.capacity();
    let requested = len.saturating_mul(size_of::<T>());
    Layout::array::<T>(len).map_err(|_overflow| AllocError::TooLarge { requested, capacity })
}
