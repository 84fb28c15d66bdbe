//! Accounts: who pays for memory.
//!
//! Every allocation is charged to the account that is current: the task's that is being polled, or the kernel's. The
//! executor keeps an account in each task, in the very block that the task lies in. Rules that the `unsafe` here and in
//! the rest of the heap rests on:
//!
//! 1. An account that is given up lives on while it is pinned: by each block that is charged to it, by each waiter for
//!    one, and by each [`Current`]. Whoever takes the last pin away calls the function that frees it.
//! 2. The account that is current is alive: it is that of the task that is being polled, or the kernel's.
//! 3. An account lies in its heap's region, so whoever may read it may read the heap.
#![expect(unsafe_code, reason = "an account frees itself with its last block")]

use core::{cell::Cell, marker::PhantomData, ops::Deref, ptr::NonNull};

use super::{Extent, Heap, lower, note_peak, raise};

/// Pins of an account that are no blocks, at most; there are no more [blocks](super::pool::MOST_BLOCKS) than that.
const MOST_GUESTS: u32 = u32::MAX / 2;

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
    peak: Cell<usize>,
    /// What keeps the account (rule 1).
    pins: Cell<u32>,
    /// Pins that are no blocks.
    guests: Cell<u32>,
    allocations: Cell<u32>,
    failures: Cell<u32>,
    violations: Cell<u32>,
    quota: Cell<Option<usize>>,
    ready: Cell<bool>,
    policy: Cell<SteadyState>,
    /// Called when the account is given up and nothing pins it any more.
    free: Cell<Option<FreeAccount>>,
}

/// Frees an account that is given up and not pinned.
type FreeAccount = unsafe fn(NonNull<Account>);

/// The figures of an account, see [`Account`]. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountStats {
    /// The owner's name.
    pub name: &'static str,
    /// Bytes charged now.
    pub bytes: usize,
    /// The most bytes charged at a time.
    pub peak: usize,
    /// Live blocks, without the one that the owner itself lies in.
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

/// An account in use: it is not freed meanwhile, even if its owner ends.
pub struct Current<'h> {
    account: NonNull<Account>,
    heap: PhantomData<&'h Heap>,
}

/// What the slow path of an allocation says.
pub(super) enum Verdict {
    Allowed,
    Reported,
    Denied,
    OverQuota(usize),
}

impl Account {
    /// The account of an owner that lies in a block of its own, see [`Heap::try_own_block`].
    #[inline(always)]
    pub(crate) fn in_own_block(heap: &Heap, name: &'static str, extent: Extent) -> Self {
        let account = Self::of(NonNull::from(heap), name, heap.policy());
        account.bytes.set(extent.size);
        account.peak.set(extent.size);
        account
    }

    #[inline]
    pub(super) const fn of(heap: NonNull<Heap>, name: &'static str, policy: SteadyState) -> Self {
        Self {
            heap,
            name,
            bytes: Cell::new(0),
            limit: Cell::new(usize::MAX),
            peak: Cell::new(0),
            pins: Cell::new(0),
            guests: Cell::new(0),
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
        // SAFETY: rule 3.
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
            blocks: self.pins.get() - self.guests.get(),
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

    /// The quota, if so many bytes more would exceed it.
    pub(super) fn quota_exceeded_by(&self, more: usize) -> Option<usize> {
        self.quota.get().filter(|quota| self.bytes.get() + more > *quota)
    }

    /// Judges an allocation above the limit.
    #[cold]
    pub(super) fn judge(&self, more: usize) -> Verdict {
        if let Some(quota) = self.quota_exceeded_by(more) {
            return Verdict::OverQuota(quota);
        }
        if !self.ready.get() || self.policy.get() == SteadyState::Allow {
            return Verdict::Allowed;
        }
        self.violations.set(self.violations.get().wrapping_add(1));
        if self.policy.get() == SteadyState::Deny { Verdict::Denied } else { Verdict::Reported }
    }

    pub(super) fn count_failure(&self) {
        self.failures.set(self.failures.get().wrapping_add(1));
    }

    /// Adds bytes that no block of their own stands for.
    #[inline]
    pub(super) fn charge_bytes(&self, bytes: usize) {
        raise(&self.bytes, bytes);
        note_peak(&self.peak, self.bytes.get());
    }

    /// Charges a block, which pins the account.
    #[inline]
    pub(super) fn charge(&self, bytes: usize) {
        self.charge_bytes(bytes);
        self.pin();
        self.count_allocation();
    }

    #[inline]
    pub(super) fn count_allocation(&self) {
        self.allocations.set(self.allocations.get().wrapping_add(1));
    }

    /// Takes a freed block off the account.
    ///
    /// # Safety
    ///
    /// `this` was charged the block, and is not used by the caller afterwards.
    #[inline]
    pub(super) unsafe fn discharge(this: NonNull<Self>, bytes: usize) {
        // SAFETY: the block pins the account (rule 1), until the end.
        unsafe {
            lower(&this.as_ref().bytes, bytes);
            Self::unpin(this);
        }
    }

    /// As many pins as there can be do not overflow: the pool's size bounds blocks, and `MOST_GUESTS` the others.
    #[inline]
    fn pin(&self) {
        self.pins.set(self.pins.get().wrapping_add(1));
    }

    /// Pins the account for something that is no block.
    pub(super) fn pin_guest(&self) {
        // Memory bounds how many blocks there are, but nothing does whatever is leaked without one: this is for rule 1.
        assert!(self.guests.get() < MOST_GUESTS, "no more of an account can be kept");
        self.guests.set(self.guests.get() + 1);
        self.pin();
    }

    /// Takes such a pin away.
    ///
    /// # Safety
    ///
    /// The pin is the caller's, who does not use the account afterwards.
    pub(super) unsafe fn unpin_guest(this: NonNull<Self>) {
        // SAFETY: the caller's pin keeps the account (rule 1), until the end.
        unsafe {
            this.as_ref().guests.set(this.as_ref().guests.get() - 1);
            Self::unpin(this);
        }
    }

    /// Takes a pin away, and frees the account if that was what it waited for.
    ///
    /// # Safety
    ///
    /// The pin is the caller's, who does not use the account afterwards.
    #[inline]
    pub(super) unsafe fn unpin(this: NonNull<Self>) {
        // SAFETY: the caller's pin keeps the account (rule 1).
        let account = unsafe { this.as_ref() };
        let pins = account.pins.get().wrapping_sub(1);
        account.pins.set(pins);
        if pins == 0
            && let Some(free) = account.free.take()
        {
            // SAFETY: `retire`'s caller has given the account up, and nothing pins it any more.
            unsafe { free(this) };
        }
    }

    /// Gives an account up: `free` is called as soon as nothing pins it any more, possibly at once.
    ///
    /// # Safety
    ///
    /// The caller does not use the account afterwards, and `free` may be called on the kernel's thread at any time.
    pub(crate) unsafe fn retire(this: NonNull<Self>, free: FreeAccount) {
        // SAFETY: the account is the caller's until now.
        let account = unsafe { this.as_ref() };
        if account.pins.get() == 0 {
            // SAFETY: the caller's.
            unsafe { free(this) };
        } else {
            account.free.set(Some(free));
        }
    }
}

impl<'h> Current<'h> {
    pub(super) fn new(heap: &'h Heap) -> Self {
        let account = heap.current();
        // SAFETY: rule 2.
        unsafe { account.as_ref() }.pin_guest();
        Self { account, heap: PhantomData }
    }
}

impl Deref for Current<'_> {
    type Target = Account;

    fn deref(&self) -> &Account {
        // SAFETY: pinned (rule 1).
        unsafe { self.account.as_ref() }
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        // SAFETY: the pin was taken in `new`.
        unsafe { Account::unpin_guest(self.account) };
    }
}
