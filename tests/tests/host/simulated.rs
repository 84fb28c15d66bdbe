//! The simulator as a home for the laws: virtual time, interrupts through its controller.

use conformance::{Home, Machine};
use kernel::{Handle, Tick, interrupt::Trigger, limits::Settings, time::Instant};
use sim_host::Sim;

/// Boots bare virtual machines.
pub(crate) struct Simulated;

pub(crate) struct SimMachine(Sim);

impl Home for Simulated {
    type Machine = SimMachine;

    fn boot(&mut self, heap: usize, settings: &Settings) -> SimMachine {
        let sim = Sim::builder().bare().heap(heap).settings(*settings).build();
        SimMachine(sim.expect("the heap is large enough"))
    }
}

impl Machine for SimMachine {
    fn kernel(&self) -> Handle {
        self.0.kernel()
    }

    fn tick(&mut self) -> Tick {
        self.0.step().tick
    }

    fn pass_until(&mut self, then: Instant) {
        self.0.pass_until(then);
    }

    fn interrupt(&mut self, trigger: &Trigger) {
        self.0.interrupt(trigger);
    }
}
