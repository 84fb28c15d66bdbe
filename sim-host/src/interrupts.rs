//! The interrupt controller: lines with pending bits, and the handlers behind them.
//!
//! Devices and tests make a line pending, from any thread; the machine takes what is pending on its own thread, in the
//! order of the line's numbers, where a chip would: before each tick of the kernel, and within it whenever a critical
//! section ends. (Between critical sections a task cannot tell when an interrupt came.) A line stays pending for as long as its device asserts
//! it, as on a chip: a handler that does not quiet its device is called again, and one that never does is cut off after
//! [`STORM`] calls, and counted.
//!
//! While a handler runs, [`in_handler`] says so. What must not happen in an interrupt can assert that it does not.

mod displaced;

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use self::displaced::Displaced;
use crate::{explore::Schedule, mailbox::Doorbell, tap::Tap};

/// Handlers called in one go at most. The rest of a storm waits for the next tick, so that tasks get their turn.
pub const STORM: u32 = 256;

thread_local! {
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
    /// The controller of the machine whose kernel runs on this thread right now.
    static RUNNING: RefCell<Option<Rc<Interrupts>>> = const { RefCell::new(None) };
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

/// Runs a machine's kernel, and takes what becomes pending meanwhile whenever a critical section ends. Returns how many
/// handlers were called on the way.
pub(crate) fn run<R>(interrupts: &Rc<Interrupts>, kernel: impl FnOnce() -> R) -> (R, u32) {
    /// Gives the thread back to the machine that ran before, if one's task drives another.
    struct Outer(Option<Rc<Interrupts>>, Option<fn()>);

    impl Drop for Outer {
        fn drop(&mut self) {
            host_critical_section::set_hook(self.1);
            RUNNING.set(self.0.take());
        }
    }

    let before = interrupts.calls.get();
    let outer = RUNNING.replace(Some(interrupts.clone()));
    let outer = Outer(outer, host_critical_section::set_hook(Some(section_ended)));
    let result = kernel();
    drop(outer);
    (result, interrupts.calls.get().wrapping_sub(before))
}

/// A critical section has ended on a thread that runs a kernel.
fn section_ended() {
    if in_handler() {
        return;
    }
    let running = RUNNING.with_borrow(Clone::clone);
    if let Some(interrupts) = running {
        interrupts.preempt();
    }
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

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
    /// How many of them are devices', the first ones.
    of_devices: Cell<usize>,
    doorbell: Doorbell,
    calls: Cell<u32>,
    /// Critical sections that have ended within ticks.
    sections: Cell<u64>,
    /// Lines to become pending when so many have.
    planned: RefCell<Vec<(u64, IrqLine)>>,
    /// What lands elsewhere, when schedules are explored.
    displaced: Option<RefCell<Displaced>>,
    storms: Cell<u32>,
    /// A storm was cut off: tasks get their turn until the next tick.
    calm: Cell<bool>,
    /// Reads the kernel's events while it runs.
    tap: OnceCell<Rc<Tap>>,
}

impl Interrupts {
    pub(crate) fn new(doorbell: Doorbell, schedule: Option<&Schedule>) -> Self {
        Self {
            lines: RefCell::new(Vec::new()),
            of_devices: Cell::new(0),
            doorbell,
            calls: Cell::new(0),
            sections: Cell::new(0),
            planned: RefCell::default(),
            displaced: schedule.map(Displaced::new).map(RefCell::new),
            storms: Cell::new(0),
            calm: Cell::new(false),
            tap: OnceCell::new(),
        }
    }

    /// Has somebody read the kernel's events while it runs.
    pub(crate) fn set_tap(&self, tap: Rc<Tap>) {
        // A machine has one, from its first boot on.
        let _ = self.tap.set(tap);
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

    /// A line by its name.
    pub(crate) fn named(&self, name: &str) -> Option<IrqLine> {
        self.lines.borrow().iter().map(|(line, _)| line).find(|line| line.name() == name).cloned()
    }

    /// Sets what is called when the line is taken.
    pub(crate) fn attach(&self, line: &IrqLine, handler: Handler) {
        let mut lines = self.lines.borrow_mut();
        let entry = lines.iter_mut().find(|(known, _)| known.is(line));
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

    /// Takes what is pending before a tick; returns how many handlers were called.
    pub(crate) fn deliver(&self) -> u32 {
        self.calm.set(false);
        if let Some(displaced) = &self.displaced {
            displaced.borrow_mut().release_all();
        }
        self.take(&mut self.lines.borrow_mut())
    }

    /// Critical sections that have ended within ticks.
    pub(crate) fn sections(&self) -> u64 {
        self.sections.get()
    }

    /// Makes a line pending when so many more critical sections have ended.
    pub(crate) fn pend_after(&self, line: &IrqLine, sections: u64) {
        let at = self.sections.get().saturating_add(sections);
        self.planned.borrow_mut().push((at, line.clone()));
    }

    /// A critical section has ended in the midst of a tick: takes what is pending.
    fn preempt(&self) {
        if let Some(tap) = self.tap.get() {
            if tap.is_reading() {
                return;
            }
            tap.section_ended();
        }
        let ended = self.sections.get().saturating_add(1);
        self.sections.set(ended);
        let due = |(at, _): &mut (u64, IrqLine)| *at <= ended;
        self.planned.borrow_mut().extract_if(.., due).for_each(|(_, line)| line.pend());
        // The lines are in use while one is added or gets its handler: that is over soon.
        if let Ok(mut lines) = self.lines.try_borrow_mut() {
            self.pend_extra(&lines, ended);
            if !self.calm.get() {
                self.take(&mut lines);
            }
        }
    }

    /// Makes lines pending that a schedule wants to be so by now.
    fn pend_extra(&self, lines: &[(IrqLine, Option<Handler>)], sections: u64) {
        let Some(displaced) = &self.displaced else { return };
        while let Some(name) = displaced.borrow_mut().next_extra(sections) {
            if let Some((line, _)) = lines.iter().find(|(line, _)| line.name() == name) {
                line.pend();
            }
        }
    }

    /// The line is due, and not held back.
    fn is_takable(&self, line: &IrqLine) -> bool {
        let held = |displaced: &RefCell<Displaced>| displaced.borrow().is_held(line, self.sections.get());
        line.is_due() && !self.displaced.as_ref().is_some_and(held)
    }

    /// The names of the lines, lowest first.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.lines.borrow().iter().map(|(line, _)| line.name()).collect()
    }

    /// How many interrupts a schedule could have displaced, if one is in force.
    pub(crate) fn arrived(&self) -> u64 {
        self.displaced.as_ref().map_or(0, |displaced| displaced.borrow().arrived())
    }

    /// Takes what is pending, lowest line first.
    fn take(&self, lines: &mut [(IrqLine, Option<Handler>)]) -> u32 {
        let mut calls = 0;
        while let Some((line, handler)) = lines.iter_mut().find(|(line, _)| self.is_takable(line)) {
            if let Some(displaced) = &self.displaced
                && !displaced.borrow_mut().is_taken_now(line, self.sections.get())
            {
                continue;
            }
            if calls == STORM {
                self.storms.set(self.storms.get().saturating_add(1));
                self.calm.set(true);
                break;
            }
            calls += 1;
            self.calls.set(self.calls.get().wrapping_add(1));
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

    /// The lines that there are by now are devices', and stay when those do.
    pub(crate) fn devices_are_wired(&self) {
        self.of_devices.set(self.lines.borrow().len());
    }

    /// Forgets handlers, what is pending, and lines that are no device's.
    pub(crate) fn reset(&self) {
        let mut lines = self.lines.borrow_mut();
        lines.truncate(self.of_devices.get());
        self.planned.borrow_mut().clear();
        if let Some(displaced) = &self.displaced {
            displaced.borrow_mut().reset();
        }
        for (line, handler) in lines.iter_mut() {
            *handler = None;
            line.reset();
            line.enable(true);
        }
    }
}
