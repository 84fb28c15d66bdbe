//! Pins, from the outside and the inside.

use kernel::{
    registry::Client,
    services::gpio::{Edge, Error, Gpio, Mode, Request, Response},
    time::{Duration, Instant},
};
use sim_host::{Drive, External, Outcome, Sim};

fn machine() -> Sim {
    Sim::builder().build().expect("a machine")
}

async fn connect(kernel: &kernel::Handle) -> Client<Gpio> {
    kernel.services().connect::<Gpio>((), 1).await.expect("connected")
}

#[test]
fn the_machine_sees_what_the_host_drives_and_else_the_pull() {
    let mut sim = machine();
    let levels = |sim: &mut Sim, mode| {
        let kernel = sim.kernel();
        sim.block_on(async move {
            let pins = connect(&kernel).await;
            pins.call(Request::Configure { pin: 3, mode }).await.expect("configured");
            pins.call(Request::Read(3)).await.expect("read")
        })
    };
    assert_eq!(levels(&mut sim, Mode::Input), Response::Level(false));
    assert_eq!(levels(&mut sim, Mode::PullUp), Response::Level(true));
    assert_eq!(levels(&mut sim, Mode::PullDown), Response::Level(false));
    sim.pin(3).drive(true);
    assert_eq!(levels(&mut sim, Mode::PullDown), Response::Level(true));
    sim.pin(3).release();
    assert_eq!(levels(&mut sim, Mode::PullDown), Response::Level(false));
}

#[test]
fn a_pin_is_pulled_down_until_it_is_used() {
    let sim = machine();
    assert_eq!((sim.pin(3).mode(), sim.pin(3).level()), (Mode::PullDown, false));
}

#[test]
fn the_host_sees_what_the_machine_drives() {
    let mut sim = machine();
    let kernel = sim.kernel();
    let refused = sim.block_on(async move {
        let pins = connect(&kernel).await;
        let refused = pins.call(Request::Write { pin: 1, high: true }).await;
        pins.call(Request::Configure { pin: 1, mode: Mode::Output }).await.expect("configured");
        pins.call(Request::Write { pin: 1, high: true }).await.expect("written");
        refused
    });
    assert_eq!(refused, Err(kernel::registry::CallError::Service(Error::NotAnOutput)));
    assert!(sim.pin(1).level() && sim.pin(1).mode() == Mode::Output);
}

#[test]
fn an_edge_ends_the_wait_for_it_at_its_time() {
    let mut sim = machine();
    let kernel = sim.kernel();
    let wait = sim.spawn("wait", async move {
        let pins = connect(&kernel).await;
        let first = pins.call(Request::Wait { pin: 0, edge: Edge::Rising }).await;
        let second = pins.call(Request::Wait { pin: 0, edge: Edge::Both }).await;
        (first.expect("an edge"), second.expect("an edge"))
    });
    for (at_ms, drive) in [(5, Drive::High), (9, Drive::Low)] {
        sim.schedule(Instant::from_millis(at_ms), External::Pin { pin: 0, drive }).expect("there is a pin 0");
    }
    assert_eq!(sim.run_until_pred(Duration::from_secs(1), |_| wait.is_finished()), Outcome::Satisfied);
    let edges = sim.block_on(wait).expect("an output");
    let edge = |at_us, high| Response::Edge { at_us, high };
    assert_eq!(edges, (edge(5000, true), edge(9000, false)));
}

#[test]
fn a_restarted_driver_serves_the_pins_and_ports_again() {
    use kernel::services::{
        serial::{self, Chunk, Serial},
        supervise::{self, Supervise},
    };
    let mut sim = machine();
    let kernel = sim.kernel();
    sim.block_on(async move {
        let control = kernel.services().connect::<Supervise>((), 1).await.expect("connected");
        for name in ["gpio", "uart0"] {
            let name = kernel::inline::Text::cut(name);
            control.call(supervise::Request::Restart(name)).await.expect("restarted");
        }
        let pins = connect(&kernel).await;
        assert_eq!(pins.call(Request::Read(0)).await.expect("read"), Response::Level(false));
        let port = kernel.services().connect::<Serial>((), 1).await.expect("connected");
        port.call(serial::Request::Write(Chunk::cut(b"back"))).await.expect("written");
        port.call(serial::Request::Flush).await.expect("flushed");
    });
    assert_eq!(sim.uart(0).take_text(), "back");
}
