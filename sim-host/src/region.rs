//! The memory of a machine: allocated on the host, and given back when its last user is gone.
//!
//! ```text
//!   block ─▶ ┌────────────┬──────────────────────────────┐
//!            │ note       │ the kernel's region          │
//!            └────────────┴──────────────────────────────┘
//!                         ▲ start, aligned to ALIGN
//! ```
//!
//! The note remembers who wants to know of the release. Rules:
//!
//! 1. `allocate` makes the block with `layout(len)` and writes the note at its start.
//! 2. The kernel calls `release` once, with `start` and `len` as given, when nothing uses the region any more.
#![expect(unsafe_code, reason = "a region is raw memory, given back by a function that knows its layout")]

use std::{
    alloc::{Layout, alloc, dealloc},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use kernel::heap::Region;

/// Alignment of a region, and so the space before it for the note: a page, so that the same machine lays out its heap
/// in the same way each time.
const ALIGN: usize = 4096;

/// Tells whether a machine's memory has been given back to the host.
#[derive(Debug, Clone, Default)]
pub struct RegionWatch(Arc<AtomicBool>);

impl RegionWatch {
    /// The memory is the host's again: kernel, tasks, wakers and triggers are all gone.
    pub fn is_released(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A region of `len` bytes; `None` when the host has no memory for it.
pub(crate) fn allocate(len: usize) -> Option<(Region, RegionWatch)> {
    let layout = layout(len)?;
    let watch = RegionWatch::default();
    // SAFETY: the layout holds the note, so its size is not zero.
    let block = NonNull::new(unsafe { alloc(layout) })?;
    // SAFETY: the note fits (see `layout`), is aligned, and lies before the region (rule 1).
    let start = unsafe {
        block.cast::<RegionWatch>().write(watch.clone());
        block.add(ALIGN)
    };
    // SAFETY: `len` bytes from `start` on are in the block, and nobody uses them until `release` (rule 2).
    let region = unsafe { Region::from_raw(start, len, release) };
    Some((region, watch))
}

/// # Safety
///
/// As rule 2 says.
unsafe fn release(start: NonNull<u8>, len: usize) {
    let Some(layout) = layout(len) else { return };
    // SAFETY: `start` lies ALIGN after the block's start, where the note is (rule 1); released once (rule 2).
    let note = unsafe {
        let block = start.sub(ALIGN);
        let note = block.cast::<RegionWatch>().read();
        dealloc(block.as_ptr(), layout);
        note
    };
    note.0.store(true, Ordering::Release);
}

/// Note and region; `None` when that is more than an address space.
fn layout(len: usize) -> Option<Layout> {
    const { assert!(size_of::<RegionWatch>() <= ALIGN && align_of::<RegionWatch>() <= ALIGN) };
    Layout::from_size_align(ALIGN.checked_add(len)?, ALIGN).ok()
}
