//! The interrupt controller: lines with pending bits, and the handlers behind them.
//!
//! Devices and tests make a line pending, from any thread; the machine takes what is pending on its own thread, before
//! each tick of the kernel, in the order of the line's numbers. A line stays pending for as long as its device asserts
//! it, as on a chip: a handler that does not quiet its device is called again, and one that never does is cut off after
//! [`STORM`] calls, and counted.
//!
//! While a handler runs, [`in_handler`] says so. What must not happen in an interrupt can assert that it does not.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crate::mailbox::Doorbell;

/// Handlers called in one go at most. The rest of a storm waits for the next tick, so that tasks get their turn.
pub const STORM: u32 = 256;

thread_local! {
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

/// An interrupt handler runs on this thread right now.
pub fn in_handler() -> bool {
    IN_HANDLER.get()
}

/// Runs something as an interrupt handler.
///
/// # Panics
///
/// When a handler runs already: handlers do not nest, as all have the same priority.
pub(crate) fn handle<R>(handler: impl FnOnce() -> R) -> R {
    struct Leave;

    impl Drop for Leave {
        fn drop(&mut self) {
            IN_HANDLER.set(false);
        }
    }

    assert!(!IN_HANDLER.replace(true), "an interrupt handler runs inside of another");
    let _leave = Leave;
    handler()
}

/// A device's end of a line: what makes it pending. For any thread.
#[derive(Debug, Clone)]
pub struct IrqLine(Arc<State>);

#[derive(Debug)]
struct State {
    name: &'static str,
    /// Made pending once.
    latched: AtomicBool,
    /// Asserted by its device.
    asserted: AtomicBool,
    enabled: AtomicBool,
    taken: AtomicU32,
    doorbell: Doorbell,
}

impl IrqLine {
    /// Makes the line pending once.
    pub fn pend(&self) {
        self.0.latched.store(true, Ordering::Release);
        self.0.doorbell.ring();
    }

    /// Sets whether the device asserts the line, which makes it pending until it is quiet again.
    pub fn assert_level(&self, asserted: bool) {
        if self.0.asserted.swap(asserted, Ordering::AcqRel) != asserted && asserted {
            self.0.doorbell.ring();
        }
    }

    /// Lets the controller take the line, or keeps it pending.
    pub fn enable(&self, enabled: bool) {
        self.0.enabled.store(enabled, Ordering::Release);
        if enabled && self.is_pending() {
            self.0.doorbell.ring();
        }
    }

    /// The line waits for being taken, or would if it were enabled.
    pub fn is_pending(&self) -> bool {
        self.0.latched.load(Ordering::Acquire) || self.0.asserted.load(Ordering::Acquire)
    }

    /// The line's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// How often its handler was called.
    pub fn taken(&self) -> u32 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// The line will be taken before the next tick.
    fn is_due(&self) -> bool {
        self.0.enabled.load(Ordering::Acquire) && self.is_pending()
    }

    fn reset(&self) {
        self.0.latched.store(false, Ordering::Relaxed);
        self.0.asserted.store(false, Ordering::Relaxed);
    }
}

/// What is called when a line is taken.
pub(crate) type Handler = Box<dyn FnMut()>;

/// The controller of one machine; see the module.
pub(crate) struct Interrupts {
    lines: RefCell<Vec<(IrqLine, Option<Handler>)>>,
    doorbell: Doorbell,
    storms: Cell<u32>,
}

impl Interrupts {
    pub(crate) fn new(doorbell: Doorbell) -> Self {
        Self { lines: RefCell::new(Vec::new()), doorbell, storms: Cell::new(0) }
    }

    /// A new line, enabled and without a handler.
    pub(crate) fn line(&self, name: &'static str) -> IrqLine {
        let line = IrqLine(Arc::new(State {
            name,
            latched: AtomicBool::new(false),
            asserted: AtomicBool::new(false),
            enabled: AtomicBool::new(true),
            taken: AtomicU32::new(0),
            doorbell: self.doorbell.clone(),
        }));
        self.lines.borrow_mut().push((line.clone(), None));
        line
    }

    /// Sets what is called when the line is taken.
    pub(crate) fn attach(&self, line: &IrqLine, handler: Handler) {
        let mut lines = self.lines.borrow_mut();
        let entry = lines.iter_mut().find(|(known, _)| Arc::ptr_eq(&known.0, &line.0));
        debug_assert!(entry.is_some(), "the line {} is not of this machine", line.name());
        if let Some((line, slot)) = entry {
            *slot = Some(handler);
            line.enable(true);
        }
    }

    /// A line waits for being taken.
    pub(crate) fn any_due(&self) -> bool {
        self.lines.borrow().iter().any(|(line, _)| line.is_due())
    }

    /// Takes what is pending, lowest line first; returns how many handlers were called.
    pub(crate) fn deliver(&self) -> u32 {
        let mut lines = self.lines.borrow_mut();
        let mut calls = 0;
        while let Some((line, handler)) = lines.iter_mut().find(|(line, _)| line.is_due()) {
            if calls == STORM {
                self.storms.set(self.storms.get().saturating_add(1));
                break;
            }
            calls += 1;
            line.0.latched.store(false, Ordering::Release);
            line.0.taken.fetch_add(1, Ordering::Relaxed);
            match handler {
                Some(handler) => handle(handler),
                // Nobody will ever quiet this device: as on a chip, the line is masked.
                None => line.enable(false),
            }
        }
        calls
    }

    /// How often a storm was cut off.
    pub(crate) fn storms(&self) -> u32 {
        self.storms.get()
    }

    /// Forgets handlers and what is pending. The first `keep` lines stay, for their devices do.
    pub(crate) fn reset(&self, keep: usize) {
        let mut lines = self.lines.borrow_mut();
        lines.truncate(keep);
        for (line, handler) in lines.iter_mut() {
            *handler = None;
            line.reset();
            line.enable(true);
        }
    }
}
