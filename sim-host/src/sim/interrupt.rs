//! A machine's interrupt lines.

use kernel::interrupt::{Line, Trigger};

use super::Sim;
use crate::{
    IrqLine, SimError,
    interrupts::{self, Handler},
};

impl Sim {
    /// Adds an interrupt line with a handler that tells the kernel's line of the same name. It is gone after a reboot.
    ///
    /// # Errors
    ///
    /// When the machine has no memory for it.
    pub fn interrupt_line(&self, name: &'static str) -> Result<(IrqLine, Line), SimError> {
        let line = self.handle.interrupt_line(name).map_err(SimError::Memory)?;
        let irq = self.interrupts.line(name);
        let trigger = line.trigger();
        self.attach(&irq, move || trigger.fire());
        Ok((irq, line))
    }

    /// Sets what is called when a line is taken.
    ///
    /// # Panics
    ///
    /// In debug builds, when the line is another machine's.
    pub fn attach(&self, line: &IrqLine, handler: impl FnMut() + 'static) {
        let handler: Handler = Box::new(handler);
        self.interrupts.attach(line, handler);
    }

    /// How many critical sections have ended while the kernel ran: the points at which it can be interrupted.
    pub fn critical_sections(&self) -> u64 {
        self.interrupts.sections()
    }

    /// Makes a line pending when the kernel has left so many more critical sections, counted from 1, to try an
    /// interrupt at each point where one can land. A reboot forgets it.
    ///
    /// ```
    /// use sim_host::Sim;
    ///
    /// let mut sim = Sim::builder().bare().build()?;
    /// let (irq, _line) = sim.interrupt_line("button")?;
    /// let kernel = sim.kernel();
    /// sim.pend_after(&irq, 1);
    /// let taken = irq.clone();
    /// let seen = sim.block_on(async move {
    ///     let before = taken.taken();
    ///     kernel.log().info("task", format_args!("a critical section guards the log"));
    ///     (before, taken.taken())
    /// });
    /// assert_eq!(seen.1, 1);
    /// # Ok::<(), sim_host::SimError>(())
    /// ```
    pub fn pend_after(&self, line: &IrqLine, critical_sections: u64) {
        self.interrupts.pend_after(line, critical_sections);
    }

    /// Fires a trigger now, as an interrupt handler would.
    pub fn interrupt(&self, trigger: &Trigger) {
        interrupts::handle(|| trigger.fire());
    }

    /// How often a storm of interrupts was cut off, so that tasks got their turn.
    pub fn interrupt_storms(&self) -> u32 {
        self.interrupts.storms()
    }

    /// The names of the interrupt lines, lowest first.
    pub fn interrupt_lines(&self) -> Vec<&'static str> {
        self.interrupts.names()
    }

    /// Interrupts that a schedule can displace.
    pub(crate) fn interrupts_arrived(&self) -> u64 {
        self.interrupts.arrived()
    }

    /// The bytes of each input that a schedule can displace.
    pub(crate) fn input_lens(&self) -> &[usize] {
        self.external.input_lens()
    }
}
