//! Looks at a machine from outside, for its timeline.
//!
//! The kernel tells a [probe](kernel::event::Probe) of all that happens, and after each step that is written down. The
//! machine cannot tell: its own ring of events has what it had, and no critical section ends that would not end otherwise.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write},
    mem,
    rc::Rc,
    sync::Mutex,
};

use kernel::{
    event::{Event, Probe, Probed, Record},
    executor::TaskId,
    log::{Level, Line},
    platform::Clock as _,
    time::{Duration, Instant},
};
use timeline::{Timeline, TimelineError};

use crate::{SimClock, mailbox::lock};

/// What begins a timeline.
type Begin = Box<dyn FnOnce() -> Result<Timeline<Box<dyn Write>>, TimelineError>>;

/// A timeline that is to be, until a machine takes it.
#[derive(Clone)]
pub(crate) struct Output(Rc<Cell<Option<Begin>>>);

impl Output {
    /// One machine's.
    pub(crate) fn new(writer: Box<dyn Write>) -> Self {
        Self(Rc::new(Cell::new(Some(Box::new(|| Timeline::new(writer))))))
    }

    pub(crate) fn take(&self) -> Option<Begin> {
        self.0.take()
    }
}

/// A timeline that several machines share: a part for each.
pub(crate) struct Shared {
    writer: Rc<RefCell<dyn Write>>,
    parts: u32,
}

impl Shared {
    pub(crate) fn new(writer: impl Write + 'static) -> Self {
        Self { writer: Rc::new(RefCell::new(writer)), parts: 0 }
    }

    /// The part of the next machine, which is switched on at this time.
    pub(crate) fn part(&mut self, name: &str, at: Duration) -> Output {
        let (number, name, writer) = (self.parts, name.to_owned(), Handle(self.writer.clone()));
        self.parts = self.parts.saturating_add(1);
        let begin = move || Timeline::part(Box::new(writer) as Box<dyn Write>, number, &name, at.as_micros());
        Output(Rc::new(Cell::new(Some(Box::new(begin)))))
    }
}

/// A machine's end of what is shared.
struct Handle(Rc<RefCell<dyn Write>>);

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// What the kernel tells, until the end of the step.
struct Collector {
    clock: SimClock,
    records: Mutex<Vec<Record>>,
}

impl Collector {
    fn take(&self) -> Vec<Record> {
        mem::take(&mut lock(&self.records))
    }
}

impl Probe for Collector {
    fn event(&self, event: &Event) {
        let at_us = self.clock.now_us();
        lock(&self.records).push(Record { at_us, event: *event });
    }
}

/// See the module.
pub(crate) struct Onlooker {
    /// Lives for ever, as a chip's trace port does: some bytes for each machine with a timeline.
    collector: &'static Collector,
    /// Nothing once it has failed or ended.
    timeline: Option<Timeline<Box<dyn Write>>>,
    failure: Option<TimelineError>,
    /// What accounts held when the boot's first step began has been told.
    begun: bool,
}

impl Onlooker {
    pub(crate) fn new(begin: Begin, clock: SimClock) -> Self {
        let (timeline, failure) = match begin() {
            Ok(timeline) => (Some(timeline), None),
            Err(error) => (None, Some(error)),
        };
        let collector = Box::leak(Box::new(Collector { clock, records: Mutex::default() }));
        Self { collector, timeline, failure, begun: false }
    }

    /// What a kernel is booted with.
    pub(crate) fn probed(&self) -> Probed {
        Probed { kinds: timeline::KINDS, probe: self.collector }
    }

    /// A step begins, in which the kernel ticks: before a boot's first, counters start.
    pub(crate) fn step_begins(&mut self, kernel: &kernel::Handle) {
        if mem::replace(&mut self.begun, true) {
            return;
        }
        self.write(&[]);
        let now_us = self.collector.clock.now_us();
        self.tell(|timeline| {
            let own = kernel.heap().kernel_account().stats();
            timeline.account(now_us, own.name, own.bytes)?;
            let mut last = TaskId(0);
            while let Some((task, account)) = kernel.next_account(last) {
                timeline.account(now_us, account.name, account.bytes)?;
                last = task;
            }
            Ok(())
        });
    }

    /// Writes what has happened since the last time, and what was logged.
    pub(crate) fn write(&mut self, lines: &[(u64, Line)]) {
        let records = self.collector.take();
        self.tell(|timeline| {
            let mut records = records.iter().peekable();
            for (missed, Line { at_us, level, target, text }) in lines {
                while let Some(record) = records.next_if(|record| record.at_us <= *at_us) {
                    timeline.event(record.at_us, &record.event)?;
                }
                if *missed > 0 {
                    timeline.log(*at_us, Level::Warn, "log", &format!("{missed} lines were lost"))?;
                }
                timeline.log(*at_us, *level, target, text)?;
            }
            records.try_for_each(|record| timeline.event(record.at_us, &record.event))
        });
    }

    /// Another kernel has been booted, and the one before is gone, which was not for anybody to see.
    pub(crate) fn reboot(&mut self, at: Instant) {
        self.collector.take();
        self.begun = false;
        self.tell(|timeline| timeline.reboot(at.as_micros()));
    }

    /// The machine had been off for so long when it was booted again.
    pub(crate) fn was_off(&mut self, span: Duration) {
        if let Some(timeline) = &mut self.timeline {
            timeline.was_off(span.as_micros());
        }
    }

    /// Ends the timeline.
    ///
    /// # Errors
    ///
    /// When any of it could not be written.
    pub(crate) fn end(&mut self) -> Result<(), TimelineError> {
        self.write(&[]);
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        match self.timeline.take() {
            Some(timeline) => Ok(timeline.finish()?.flush()?),
            None => Ok(()),
        }
    }

    fn tell(&mut self, what: impl FnOnce(&mut Timeline<Box<dyn Write>>) -> Result<(), TimelineError>) {
        if let Some(timeline) = &mut self.timeline
            && let Err(error) = what(timeline)
        {
            self.timeline = None;
            self.failure = Some(error);
        }
    }
}

impl Drop for Onlooker {
    fn drop(&mut self) {
        self.collector.take();
    }
}
