//! Branches of one machine: each goes its own way from the same place, and none is seen by the others.

use kernel::time::{Duration, Instant};
use sim_host::{
    Sim,
    branch::{BranchError, branch},
};

fn main() {
    branches_go_on_from_where_the_machine_is();
    a_branch_that_dies_is_named();
    a_process_with_other_threads_does_not_branch();
}

/// A machine after a day, with a task that has been there all the time.
fn after_a_day() -> Sim {
    let mut sim = Sim::builder().build().expect("a machine");
    let kernel = sim.kernel();
    sim.spawn("clock", async move {
        loop {
            kernel.sleep(Duration::from_secs(3600)).await;
        }
    })
    .detach();
    sim.run_for(Duration::from_secs(86_400));
    sim
}

fn branches_go_on_from_where_the_machine_is() {
    let mut sim = after_a_day();
    let life = |sim: &mut Sim, number: usize| {
        sim.run_for(Duration::from_secs(number as u64 * 3600));
        format!("{} {}", sim.now(), sim.digest())
    };
    let expected: Vec<String> = (0..5).map(|number| life(&mut after_a_day(), number)).collect();
    let branches = branch(5, 2, |number| life(&mut sim, number).into_bytes()).expect("branches");
    assert_eq!(branches, expected.iter().map(|life| life.as_bytes().to_vec()).collect::<Vec<_>>());
    assert_eq!(sim.now(), Instant::from_secs(86_400), "the machine itself has not gone on");
}

fn a_branch_that_dies_is_named() {
    std::panic::set_hook(Box::new(|_| {}));
    let died = branch(4, 1, |number| if number == 2 { panic!("as planned") } else { vec![0; 1 << 20] });
    assert!(matches!(died, Err(BranchError::Died { branch: 2 })), "{died:?}");
    let _ = std::panic::take_hook();
    assert_eq!(branch(2, 9, |_| vec![0; 1 << 20]).expect("branches").len(), 2);
}

fn a_process_with_other_threads_does_not_branch() {
    let (ask, asked) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || asked.recv());
    assert!(matches!(branch(1, 1, |_| Vec::new()), Err(BranchError::NotAlone)));
    drop(ask);
    let _ = other.join();
}
