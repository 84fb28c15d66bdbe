//! A vector whose capacity is chosen once.
#![expect(unsafe_code, reason = "elements live in raw memory")]

use core::{
    alloc::Layout,
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
};

use super::{Account, AllocError, Block, Heap, block::Freed, boxed::array};

/// A vector in the kernel's heap. It never grows beyond the capacity that it was made with; adding to a full one hands
/// the element back.
pub struct FixedVec<T> {
    elements: NonNull<T>,
    /// `None` for what needs no memory.
    account: Option<NonNull<Account>>,
    capacity: usize,
    len: usize,
    owns: PhantomData<T>,
}

impl<T> FixedVec<T> {
    fn of(block: Option<Block<'_>>, capacity: usize) -> Self {
        let (elements, account) = match block.map(Block::into_raw) {
            Some((memory, account)) => (memory.cast(), Some(account)),
            None => (NonNull::dangling(), None),
        };
        Self { elements, account, capacity, len: 0, owns: PhantomData }
    }

    /// How many elements there can be.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// There is no room for another element.
    pub fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    /// Adds an element at the end.
    ///
    /// # Errors
    ///
    /// Hands the element back when the vector is full.
    #[inline]
    pub fn push(&mut self, element: T) -> Result<(), T> {
        if self.is_full() {
            return Err(element);
        }
        // SAFETY: `len < capacity`, so the place is in the vector's memory.
        unsafe { self.elements.add(self.len).write(element) };
        self.len += 1;
        Ok(())
    }

    /// Takes the last element.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the element was the last one, and is moved out once.
        Some(unsafe { self.elements.add(self.len).read() })
    }

    /// Adds an element before the one at `index`.
    ///
    /// # Errors
    ///
    /// Hands the element back when the vector is full.
    ///
    /// # Panics
    ///
    /// When `index` is above the length.
    pub fn insert(&mut self, index: usize, element: T) -> Result<(), T> {
        assert!(index <= self.len, "cannot insert at {index}, the length is {}", self.len);
        if self.is_full() {
            return Err(element);
        }
        // SAFETY: `index <= len < capacity`, so source and destination lie in the vector's memory.
        unsafe {
            let place = self.elements.add(index).as_ptr();
            ptr::copy(place, place.add(1), self.len - index);
            place.write(element);
        }
        self.len += 1;
        Ok(())
    }

    /// Takes the element at `index`, and moves those behind it forward.
    ///
    /// # Panics
    ///
    /// When `index` is not below the length.
    pub fn remove(&mut self, index: usize) -> T {
        assert!(index < self.len, "cannot remove at {index}, the length is {}", self.len);
        self.len -= 1;
        // SAFETY: `index` was below the length; the element is moved out once, and its place filled or forgotten.
        unsafe {
            let place = self.elements.add(index).as_ptr();
            let element = place.read();
            ptr::copy(place.add(1), place, self.len - index);
            element
        }
    }

    /// Drops the elements from `len` on; nothing happens if there are no more than that.
    pub fn truncate(&mut self, len: usize) {
        let Some(surplus) = self.len.checked_sub(len) else { return };
        self.len = len;
        // SAFETY: the elements were initialised, and are not the vector's any more should a drop panic.
        unsafe {
            let first = self.elements.add(len).as_ptr();
            ptr::slice_from_raw_parts_mut(first, surplus).drop_in_place();
        }
    }

    /// Drops all elements.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

impl FixedVec<u8> {
    /// Adds zeros until the vector is full.
    pub(super) fn fill_with_zeros(&mut self) {
        // SAFETY: the vector's memory reaches up to its capacity.
        unsafe { self.elements.add(self.len).write_bytes(0, self.capacity - self.len) };
        self.len = self.capacity;
    }
}

impl<T> Drop for FixedVec<T> {
    fn drop(&mut self) {
        let allocated = self.account.zip(Layout::array::<T>(self.capacity).ok());
        let _freed = allocated.map(|(account, layout)| {
            // SAFETY: allocated with this layout, and charged to this account. It is freed after the elements were
            // dropped, even if one of those drops panics.
            unsafe { Freed::new(self.elements.cast(), layout, account) }
        });
        self.clear();
    }
}

impl<T> Deref for FixedVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` elements are initialised.
        unsafe { slice::from_raw_parts(self.elements.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for FixedVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: `len` elements are initialised, and borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.elements.as_ptr(), self.len) }
    }
}

impl<'v, T> IntoIterator for &'v FixedVec<T> {
    type Item = &'v T;
    type IntoIter = slice::Iter<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'v, T> IntoIterator for &'v mut FixedVec<T> {
    type Item = &'v mut T;
    type IntoIter = slice::IterMut<'v, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: fmt::Debug> fmt::Debug for FixedVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Heap {
    /// Makes an empty vector for so many elements, if there is memory for them now.
    ///
    /// # Errors
    ///
    /// See [`AllocError`]; a capacity that overflows is `TooLarge`.
    pub fn try_vec<T>(&self, capacity: usize) -> Result<FixedVec<T>, AllocError> {
        let layout = array::<T>(self, capacity)?;
        let block = if layout.size() == 0 { None } else { Some(self.try_block(layout)?) };
        Ok(FixedVec::of(block, capacity))
    }

    /// Makes an empty vector for so many elements, as soon as there is memory for them.
    ///
    /// # Errors
    ///
    /// As for [`boxed`](Self::boxed).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the line.
    pub async fn vec<T>(&self, capacity: usize) -> Result<FixedVec<T>, AllocError> {
        let layout = array::<T>(self, capacity)?;
        let block = if layout.size() == 0 { None } else { Some(self.block(layout).await?) };
        Ok(FixedVec::of(block, capacity))
    }
}
