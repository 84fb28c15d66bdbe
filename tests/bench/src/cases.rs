//! The cases, and what each should cost.

mod executor;
mod fan_out;
mod heap;
mod peers;
mod programs;
mod registry;
mod scaling;
mod table;
mod timers;

pub(crate) use scaling::SCALED;
pub(crate) use table::CASES;

/// A case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    /// Who does the work.
    pub(crate) who: &'static str,
    /// Instructions that an operation should cost at most.
    pub(crate) aim: Option<u32>,
    /// Times that it is run at least.
    pub(crate) times: u64,
    pub(crate) measure: Measure,
}

/// What is done, in a few words, and the family of such work.
pub(crate) type Work = (&'static str, &'static str);

/// How a case is measured.
pub(crate) enum Measure {
    /// Does so many operations; what one costs is seen by counting twice.
    Counted(fn(u64)),
    /// The same; what the loop alone costs, which is the second, is taken off.
    Net(fn(u64), fn(u64)),
    /// Does so many operations and marks each; what counts is the dearest.
    Dearest(fn(u64)),
}

/// Whose rows have aims.
const OURS: &str = "mnemOS";

const fn ours(name: &'static str, work: Work, aim: Option<u32>, run: fn(u64)) -> Case {
    Case { name, work, who: OURS, aim, times: 20_000, measure: Measure::Counted(run) }
}

const fn peer(name: &'static str, work: Work, who: &'static str, run: fn(u64)) -> Case {
    Case { name, work, who, aim: None, times: 20_000, measure: Measure::Counted(run) }
}

impl Case {
    /// Not with what the loop costs that drives it.
    const fn net_of(mut self, only_the_loop: fn(u64)) -> Self {
        if let Measure::Counted(run) = self.measure {
            self.measure = Measure::Net(run, only_the_loop);
        }
        self
    }

    /// The dearest operation, out of so many.
    const fn dearest_of(mut self, times: u64) -> Self {
        if let Measure::Counted(run) = self.measure {
            self.measure = Measure::Dearest(run);
        }
        self.times = times;
        self
    }

    /// Done by somebody else, or with something else.
    const fn by(mut self, who: &'static str) -> Self {
        self.who = who;
        self
    }

    /// Run so many times, since it is slow.
    const fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }
}
