//! The command line of `sim-host fleet`.

use std::path::PathBuf;

use clap::Args;
use sim_host::{Fault, Span};

/// Which fleet runs, and how: for what, see [`Task::Fleet`](super::Task::Fleet). What may stand before `fleet` as well
/// counts as if it stood there; said twice, what is said here holds, and faults are all of both.
#[derive(Debug, Clone, Args)]
pub(crate) struct Fleet {
    /// The file that describes the fleet
    pub(crate) plan: PathBuf,

    /// Seed of all randomness in the fleet
    #[arg(long = "seed", value_name = "N", id = "fleet_seed")]
    pub(super) seed: Option<u64>,

    /// Stop after so much of the fleet's time, such as `90s` or `24h`
    #[arg(long = "until", value_name = "TIME", id = "fleet_until")]
    pub(super) until: Option<Span>,

    /// Print a digest of the lives of all boards, and of what comes over links, on stderr at the end
    #[arg(long = "digest", id = "fleet_digest")]
    pub(super) digest: bool,

    /// Run twice, and name the first difference if there is one
    #[arg(long = "check-determinism", id = "fleet_check")]
    pub(super) check_determinism: bool,

    /// Write one timeline of all boards, to be opened in https://ui.perfetto.dev
    #[arg(long = "timeline", value_name = "FILE", id = "fleet_timeline")]
    pub(super) timeline: Option<PathBuf>,

    /// Something that goes wrong with every board, as a rule; may be given several times
    #[arg(long = "fault", value_name = "RULE", id = "fleet_faults")]
    pub(super) faults: Vec<Fault>,
}
