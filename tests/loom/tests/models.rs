//! The models. `scripts/loom` runs them.

#[path = "models/pipes.rs"]
mod pipes;
#[path = "models/signals.rs"]
mod signals;
#[path = "models/sleep.rs"]
mod sleep;
#[path = "models/tasks.rs"]
mod tasks;
