//! The region's life: how it becomes a heap, what stays in it for good, and when it is given back.
//!
//! ```text
//!              create              root dropped, and nothing live
//!   Region ──────────────▶ Heap ─────────────────────────────────▶ kept by holds ──last unhold──▶ released
//! ```
//!
//! The kernel's thread counts as one hold for all that it has in the heap; the count of that is not atomic. Wakers that
//! other threads and interrupts keep lie in tasks, and each task has a hold of its own.
#![expect(unsafe_code, reason = "the heap is placed in the region that it manages")]

use core::{alloc::Layout, cell::Cell, mem::MaybeUninit, ops::Deref, ptr::NonNull};

use super::{
    Account, AllocError, Heap, Region, RegionError, SteadyState, block::Line, boxed, pool, pool::Pool,
};
use crate::sync::atomic::{AtomicUsize, Ordering, fence};

/// A heap, owned by its kernel. Dropping it lets go of the region once nothing in it is used.
pub(crate) struct HeapRoot {
    heap: NonNull<Heap>,
}

impl Heap {
    /// Makes a heap of a region.
    ///
    /// # Errors
    ///
    /// When the region is too small; it is released then.
    #[inline(never)]
    pub(crate) fn create(region: Region) -> Result<HeapRoot, RegionError> {
        let (start, len) = (region.start(), region.len());
        let offset = start.as_ptr().align_offset(align_of::<Self>());
        let at = offset.saturating_add(size_of::<Self>());
        let needed = at.saturating_add(pool::LEAST);
        if len < needed {
            // SAFETY: nothing in the region is used.
            unsafe { region.release() };
            return Err(RegionError::TooSmall { needed, given: len });
        }
        // SAFETY: the offsets are within the region, which is valid for writes and ours.
        let (heap, pool) = unsafe { (start.byte_add(offset).cast::<Self>(), start.byte_add(at)) };
        // SAFETY: aligned and large enough, as computed. The pool's memory lies behind the heap and is not used otherwise.
        unsafe {
            Self::write(heap, region);
            (*heap.as_ptr()).pool.fill(pool, len - at);
        }
        Ok(HeapRoot { heap })
    }

    /// Writes a heap whose pool has no memory, field by field: as a whole it would lie on the stack first, several times.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, and the caller's.
    unsafe fn write(heap: NonNull<Self>, region: Region) {
        let this = heap.as_ptr();
        // SAFETY: the fields of the caller's place. All are written, as the pattern has the compiler check.
        unsafe {
            (&raw mut (*this).pool).write(const { Pool::new() });
            (&raw mut (*this).current).write(Cell::new(NonNull::new_unchecked(&raw mut (*this).kernel)));
            (&raw mut (*this).used).write(Cell::new(0));
            (&raw mut (*this).peak).write(Cell::new(0));
            (&raw mut (*this).live).write(Cell::new(0));
            (&raw mut (*this).kept).write(Cell::new(0));
            (&raw mut (*this).permanent).write(Cell::new(0));
            (&raw mut (*this).allocations).write(Cell::new(0));
            (&raw mut (*this).failures).write(Cell::new(0));
            (&raw mut (*this).detour).write(Cell::new(false));
            (&raw mut (*this).line).write(Line::new());
            (&raw mut (*this).policy).write(Cell::new(SteadyState::Report));
            (&raw mut (*this).observer).write(Cell::new(None));
            (&raw mut (*this).traced).write(Cell::new(false));
            (&raw mut (*this).fail_after).write(Cell::new(None));
            (&raw mut (*this).holds).write(AtomicUsize::new(1));
            (&raw mut (*this).closed).write(Cell::new(false));
            (&raw mut (*this).kernel).write(Account::of(heap, "kernel", SteadyState::Allow));
            (&raw mut (*this).region).write(Cell::new(Some(region)));
            let Self {
                pool: _,
                current: _,
                used: _,
                peak: _,
                live: _,
                kept: _,
                permanent: _,
                allocations: _,
                failures: _,
                detour: _,
                line: _,
                policy: _,
                observer: _,
                traced: _,
                fail_after: _,
                holds: _,
                closed: _,
                kernel: _,
                region: _,
            } = heap.as_ref();
        }
    }

    /// Moves a value into memory that stays with the region. It is never dropped.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent<T>(&self, value: T) -> Result<NonNull<T>, AllocError> {
        let place = self.try_block(Layout::new::<T>())?.into_permanent().cast::<T>();
        // SAFETY: fresh, and large enough.
        unsafe { place.write(value) };
        Ok(place)
    }

    /// Uninitialised slots that stay with the region. Whoever keeps the slice lives in the region too, or lets go of it
    /// before that is released.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent_slots<T>(
        &self,
        count: usize,
    ) -> Result<&'static mut [MaybeUninit<T>], AllocError> {
        let layout = boxed::array::<MaybeUninit<T>>(self, count)?;
        if layout.size() == 0 {
            return Ok(&mut []);
        }
        let memory = self.try_block(layout)?.into_permanent().cast::<MaybeUninit<T>>();
        // SAFETY: fresh, large enough by the layout, and never freed while the region exists.
        Ok(unsafe { core::slice::from_raw_parts_mut(memory.as_ptr(), count) })
    }

    /// Zeroed bytes that stay with the region.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent_bytes(&self, len: usize) -> Result<NonNull<u8>, AllocError> {
        let bytes: &mut [MaybeUninit<u8>] = self.try_permanent_slots(len)?;
        bytes.fill(MaybeUninit::new(0));
        Ok(NonNull::from(bytes).cast())
    }

    /// Keeps the region until [`unhold`](Self::unhold) is called as often as this was.
    #[inline]
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a hold back, from any thread. The last one releases the region.
    ///
    /// # Safety
    ///
    /// The hold is the caller's, who does not use the heap afterwards.
    #[inline]
    pub(crate) unsafe fn unhold(this: NonNull<Self>) {
        // SAFETY: the hold keeps the heap until it is given back.
        if unsafe { this.as_ref() }.holds.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: nobody else holds the region, so it is ours alone.
            unsafe { Self::release(this) };
        }
    }

    #[cold]
    unsafe fn release(this: NonNull<Self>) {
        // SAFETY: the caller's; the region is moved out before the memory that it lies in goes.
        unsafe {
            if let Some(region) = this.as_ref().region.take() {
                region.release();
            }
        }
    }
}

impl Deref for HeapRoot {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        // SAFETY: the root's hold keeps the heap.
        unsafe { self.heap.as_ref() }
    }
}

impl Drop for HeapRoot {
    fn drop(&mut self) {
        self.closed.set(true);
        if self.live.get() == 0 {
            // SAFETY: this thread's hold, which the last live block would give back otherwise.
            unsafe { Heap::unhold(self.heap) };
        }
    }
}
