//! Accounts: who pays for memory.
//!
//! Every allocation is charged to the account that is current: the task's that is being polled, or the kernel's. The
//! executor keeps an account in each task. An account that has blocks charged to it is pinned: its memory is freed with
//! the last of them, since they point to it.
#![expect(unsafe_code, reason = "an account frees itself with its last block")]

use core::{cell::Cell, ptr::NonNull};

use super::Heap;

/// What happens when an owner that has declared itself ready allocates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SteadyState {
    /// Nothing.
    Allow,
    /// It is counted and reported as an event.
    #[default]
    Report,
    /// It is refused, counted and reported.
    Deny,
}

/// An owner of memory. All sizes are in bytes, overhead included.
pub struct Account {
    heap: NonNull<Heap>,
    name: &'static str,
    pub(super) bytes: Cell<usize>,
    /// Above this the slow path decides: the quota, or 0 for an owner that should not allocate at all.
    pub(super) limit: Cell<usize>,
    pub(super) peak: Cell<usize>,
    /// Blocks that pin the account.
    pub(super) blocks: Cell<u32>,
    pub(super) allocations: Cell<u32>,
    pub(super) failures: Cell<u32>,
    pub(super) violations: Cell<u32>,
    quota: Cell<Option<usize>>,
    ready: Cell<bool>,
    policy: Cell<SteadyState>,
    /// Called when the account is retired and nothing is charged to it any more.
    free: Cell<Option<unsafe fn(NonNull<Account>)>>,
}

/// The figures of an account, see [`Account`]. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountStats {
    /// The owner's name.
    pub name: &'static str,
    /// Bytes charged now.
    pub bytes: usize,
    /// The most bytes charged at a time.
    pub peak: usize,
    /// Live blocks.
    pub blocks: u32,
    /// Allocations since the account was opened.
    pub allocations: u32,
    /// Allocations refused.
    pub failures: u32,
    /// Allocations made or tried after the owner was ready.
    pub violations: u32,
    /// The most that may be charged, if limited.
    pub quota: Option<usize>,
    /// The owner has declared itself ready.
    pub ready: bool,
    /// What happens when it allocates nevertheless.
    pub policy: SteadyState,
}

/// What the slow path of an allocation says.
pub(super) enum Verdict {
    Allowed,
    Reported,
    Denied,
    OverQuota(usize),
}

impl Account {
    pub(crate) fn new(heap: &Heap, name: &'static str) -> Self {
        Self::of(NonNull::from(heap), name, heap.policy())
    }

    pub(super) const fn of(heap: NonNull<Heap>, name: &'static str, policy: SteadyState) -> Self {
        Self {
            heap,
            name,
            bytes: Cell::new(0),
            limit: Cell::new(usize::MAX),
            peak: Cell::new(0),
            blocks: Cell::new(0),
            allocations: Cell::new(0),
            failures: Cell::new(0),
            violations: Cell::new(0),
            quota: Cell::new(None),
            ready: Cell::new(false),
            policy: Cell::new(policy),
            free: Cell::new(None),
        }
    }

    /// The heap the account is of.
    #[inline]
    pub(crate) fn heap(&self) -> &Heap {
        // SAFETY: whoever can reach an account holds something in the heap's region.
        unsafe { self.heap.as_ref() }
    }

    #[inline]
    pub(super) fn heap_ptr(&self) -> NonNull<Heap> {
        self.heap
    }

    /// The owner's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The account's figures.
    pub fn stats(&self) -> AccountStats {
        AccountStats {
            name: self.name,
            bytes: self.bytes.get(),
            peak: self.peak.get(),
            blocks: self.blocks.get(),
            allocations: self.allocations.get(),
            failures: self.failures.get(),
            violations: self.violations.get(),
            quota: self.quota.get(),
            ready: self.ready.get(),
            policy: self.policy.get(),
        }
    }

    /// Limits what may be charged to the account; what is charged already stays.
    pub fn set_quota(&self, quota: Option<usize>) {
        self.quota.set(quota);
        self.set_limit();
    }

    /// Sets what happens when the owner allocates although it is ready.
    pub fn set_policy(&self, policy: SteadyState) {
        self.policy.set(policy);
        self.set_limit();
    }

    /// Declares the owner ready: from now on it is in its steady state and should not allocate.
    pub fn declare_ready(&self) {
        self.ready.set(true);
        self.set_limit();
    }

    fn set_limit(&self) {
        let steady = self.ready.get() && self.policy.get() != SteadyState::Allow;
        self.limit.set(if steady { 0 } else { self.quota.get().unwrap_or(usize::MAX) });
    }

    #[cold]
    pub(super) fn judge(&self, bytes_after: usize) -> Verdict {
        if let Some(quota) = self.quota.get().filter(|quota| bytes_after > *quota) {
            return Verdict::OverQuota(quota);
        }
        if !self.ready.get() || self.policy.get() == SteadyState::Allow {
            return Verdict::Allowed;
        }
        self.violations.set(self.violations.get().wrapping_add(1));
        if self.policy.get() == SteadyState::Deny { Verdict::Denied } else { Verdict::Reported }
    }

    #[inline]
    pub(super) fn charge(&self, bytes: usize) {
        let now = self.bytes.get() + bytes;
        self.bytes.set(now);
        if now > self.peak.get() {
            self.peak.set(now);
        }
        self.blocks.set(self.blocks.get() + 1);
        self.allocations.set(self.allocations.get().wrapping_add(1));
    }

    /// Takes a freed block off the account, and frees the account if that was what it waited for.
    ///
    /// # Safety
    ///
    /// `this` was charged the block, and is not used by the caller afterwards.
    #[inline]
    pub(super) unsafe fn discharge(this: NonNull<Self>, bytes: usize) {
        // SAFETY: a charged account is pinned, so it is alive.
        let account = unsafe { this.as_ref() };
        account.bytes.set(account.bytes.get() - bytes);
        let blocks = account.blocks.get() - 1;
        account.blocks.set(blocks);
        if blocks == 0
            && let Some(free) = account.free.take()
        {
            // SAFETY: `retire`'s caller has given the account up, and nothing pins it any more.
            unsafe { free(this) };
        }
    }

    /// Gives an account up: `free` is called when nothing is charged to it any more, possibly at once.
    ///
    /// # Safety
    ///
    /// The caller does not use the account afterwards, and `free` may be called on the kernel's thread at any time.
    pub(crate) unsafe fn retire(this: NonNull<Self>, free: unsafe fn(NonNull<Self>)) {
        // SAFETY: the account is the caller's until now.
        let account = unsafe { this.as_ref() };
        if account.blocks.get() == 0 {
            // SAFETY: the caller's.
            unsafe { free(this) };
        } else {
            account.free.set(Some(free));
        }
    }
}
