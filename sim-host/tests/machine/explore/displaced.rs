//! What a schedule displaces, and what it leaves in its place.

use std::{cell::RefCell, rc::Rc};

use kernel::{
    event::Kinds,
    services::serial::{Request, Response, Serial},
    time::Instant,
};
use sim_host::{External, Outcome, Sim};

/// How many interrupts a task sees of a button that is pressed when it wakes: at once, and after each of five lines for
/// the log, which are written in critical sections.
fn seen(schedule: &str) -> Vec<u32> {
    let schedule = schedule.parse().expect("a schedule");
    let mut sim = Sim::builder().bare().events(Kinds::NONE).schedule(schedule).build().expect("a machine");
    let (irq, _line) = sim.interrupt_line("button").expect("a line");
    let (kernel, seen) = (sim.kernel(), Rc::new(RefCell::new(Vec::new())));
    let (note, button) = (seen.clone(), irq.clone());
    sim.spawn("task", async move {
        kernel.sleep_until(Instant::from_millis(1)).await;
        note.borrow_mut().push(button.taken());
        for number in 0..5 {
            kernel.log().info("task", format_args!("{number}"));
            note.borrow_mut().push(button.taken());
        }
    })
    .detach();
    let press = External::Interrupt { line: "button".into() };
    sim.schedule(Instant::from_millis(1), press).expect("there is a button");
    assert_eq!(sim.run_until_idle(), Outcome::Idle);
    assert!(irq.taken() > 0, "sooner or later it is taken");
    seen.take()
}

#[test]
fn a_late_interrupt_is_taken_in_the_midst_of_what_the_kernel_does() {
    assert_eq!(seen("none"), [1; 6]);
    // The timer's interrupt is the first.
    let late: Vec<Vec<u32>> = (1..8).map(|by| seen(&format!("late:2+{by}"))).collect();
    assert!(late.iter().any(|seen| seen.starts_with(&[0, 0, 1])), "{late:?}");
    assert!(late.is_sorted_by_key(|seen| std::cmp::Reverse(seen.iter().sum::<u32>())), "{late:?}");
    assert_eq!(seen("late:2+1000"), [0; 6], "it waits for the next step");
}

#[test]
fn an_interrupt_that_comes_once_more_is_one_more() {
    let more: Vec<Vec<u32>> = (1..8).map(|after| seen(&format!("irq:button@{after}"))).collect();
    assert!(more.iter().any(|seen| seen.starts_with(&[1]) && seen.ends_with(&[2])), "{more:?}");
}

#[test]
fn an_input_that_comes_late_comes_so_much_later() {
    assert_eq!(seen("input:1+1"), [0; 6]);
    assert_eq!(seen("cost:1,input:1+0"), [1; 6]);
}

#[test]
fn bytes_on_a_wire_stay_in_line() {
    for schedule in ["none", "split:1/1+1000", "input:1+500", "split:1/2+1000,input:2+1,split:2/1+50"] {
        let mut sim =
            Sim::builder().schedule(schedule.parse().expect("a schedule")).build().expect("a machine");
        for part in ["abc", "def"] {
            sim.send_at(Instant::from_millis(1), 0, part);
        }
        let kernel = sim.kernel();
        let read = sim.block_on(async move {
            let port = kernel.services().connect::<Serial>((), 1).await.expect("connected");
            let mut read = Vec::new();
            while read.len() < 6 {
                let Ok(Response::Data(chunk)) = port.call(Request::Read).await else { panic!("no data") };
                read.extend_from_slice(chunk.as_slice());
            }
            read
        });
        assert_eq!(read, b"abcdef", "{schedule}");
    }
}
