//! Reads a kernel's events while it runs, so that none is overwritten however many a tick has.
//!
//! Events are written in critical sections, and the simulator hears of the end of each; after some of them it reads what
//! there is. That changes nothing for the kernel, and takes no time that it could see.

use std::cell::{Cell, RefCell};

use kernel::{
    Handle,
    event::{Cursor, Entry, Record},
};

/// Events are read after so many critical sections: far less than a kernel remembers, since a section has one, and
/// interrupts between two of them add some.
const SECTIONS: u32 = 32;

/// The reader of one machine's events.
pub(crate) struct Tap {
    kernel: RefCell<Handle>,
    cursor: Cell<Cursor>,
    read: RefCell<Vec<Entry<Record>>>,
    sections: Cell<u32>,
    reading: Cell<bool>,
}

impl Tap {
    pub(crate) fn new(kernel: Handle) -> Self {
        Self {
            kernel: RefCell::new(kernel),
            cursor: Cell::default(),
            read: RefCell::default(),
            sections: Cell::new(0),
            reading: Cell::new(false),
        }
    }

    /// Goes on with another kernel, from its first event.
    pub(crate) fn restart(&self, kernel: Handle) {
        *self.kernel.borrow_mut() = kernel;
        self.cursor.take();
        self.sections.set(0);
    }

    /// The tap is in a critical section of its own.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.get()
    }

    /// A critical section of the kernel has ended.
    pub(crate) fn section_ended(&self) {
        self.sections.set(self.sections.get() + 1);
        if self.sections.get() == SECTIONS {
            self.sections.set(0);
            self.read_all();
        }
    }

    fn read_all(&self) {
        self.reading.set(true);
        let mut cursor = self.cursor.get();
        let kernel = self.kernel.borrow();
        self.read.borrow_mut().extend(std::iter::from_fn(|| kernel.events().read(&mut cursor)));
        self.cursor.set(cursor);
        self.reading.set(false);
    }

    /// Takes the events since this was called last.
    pub(crate) fn take(&self) -> Vec<Entry<Record>> {
        self.read_all();
        self.read.take()
    }
}
