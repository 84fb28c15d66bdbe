//! Serial input and output, with and without pace.

use kernel::{
    Handle,
    registry::{Client, Select},
    services::serial::{Chunk, Request, Response, Serial, Stats},
    time::{Duration, Instant},
};
use sim_host::{Outcome, Pace, Sim, uart::Signal};

fn machine(pace: Pace) -> Sim {
    Sim::builder().uart("uart0", pace).build().expect("a machine")
}

async fn connect(kernel: &Handle) -> Client<Serial> {
    kernel.services().connect::<Serial>((), 1).await.expect("connected")
}

async fn stats(port: &Client<Serial>) -> Stats {
    match port.call(Request::Stats).await {
        Ok(Response::Stats(stats)) => stats,
        other => panic!("{other:?}"),
    }
}

/// Sends back what comes in.
fn start_loopback(sim: &Sim) {
    let kernel = sim.kernel();
    sim.spawn("loopback", async move {
        let port = connect(&kernel).await;
        while let Ok(Response::Data(chunk)) = port.call(Request::Read).await {
            port.call(Request::Write(chunk)).await.expect("written");
        }
    })
    .detach();
}

fn stats_of(sim: &mut Sim) -> Stats {
    let kernel = sim.kernel();
    sim.block_on(async move { stats(&connect(&kernel).await).await })
}

#[test]
fn what_is_sent_comes_back_at_any_pace() {
    let text: Vec<u8> = (0..2000_u32).map(|number| (number % 251) as u8).collect();
    for pace in [Pace::Unlimited, Pace::Baud(9600), Pace::Baud(115_200), Pace::Baud(3_000_000)] {
        let mut sim = machine(pace);
        start_loopback(&sim);
        sim.uart(0).send(&text);
        assert_eq!(sim.run_until_idle(), Outcome::Idle, "{pace:?}");
        assert_eq!(sim.uart(0).take_output(), text, "{pace:?}");
    }
}

#[test]
fn a_byte_takes_ten_bits_of_time_each_way() {
    let mut sim = machine(Pace::Baud(10_000));
    start_loopback(&sim);
    sim.run_for(Duration::from_secs(1));
    sim.uart(0).send(b"abc");
    let came = |sim: &Sim| sim.uart(0).output() == b"abc";
    assert_eq!(sim.run_until_pred(Duration::from_secs(1), came), Outcome::Satisfied);
    // Three milliseconds in, of which the last one is over before the last byte leaves, which takes another.
    assert_eq!(sim.now(), Instant::from_secs(1) + Duration::from_millis(4));
}

#[test]
fn a_flush_is_over_when_the_last_byte_has_left() {
    let mut sim = machine(Pace::Baud(10_000));
    let kernel = sim.kernel();
    let flushed = sim.block_on(async move {
        let port = connect(&kernel).await;
        port.call(Request::Write(Chunk::cut(&[0x55; 50]))).await.expect("written");
        let written = kernel.now();
        port.call(Request::Flush).await.expect("flushed");
        (written, kernel.now())
    });
    assert!(flushed.0 < Instant::from_millis(1), "{flushed:?}");
    assert!(flushed.1 >= Instant::from_millis(50), "{flushed:?}");
    assert_eq!(sim.uart(0).take_output().len(), 50);
}

#[test]
fn faults_of_the_line_are_counted_and_leave_the_rest_whole() {
    for pace in [Pace::Unlimited, Pace::Baud(115_200)] {
        let mut sim = machine(pace);
        start_loopback(&sim);
        sim.uart(0).signal([
            Signal::Byte(b'a'),
            Signal::Garbled,
            Signal::Byte(b'b'),
            Signal::Break,
            Signal::AfterOverrun(b'c'),
            Signal::Garbled,
            Signal::Byte(b'd'),
        ]);
        sim.run_until_idle();
        assert_eq!(sim.uart(0).take_text(), "abcd");
        let stats = stats_of(&mut sim);
        assert_eq!((stats.framing_errors, stats.breaks, stats.overruns, stats.received), (2, 1, 1, 4));
    }
}

#[test]
fn bytes_that_nobody_takes_from_the_chip_are_lost_and_the_next_one_says_so() {
    let mut sim = machine(Pace::Baud(1_000_000));
    start_loopback(&sim);
    sim.run_until_idle();
    sim.uart(0).irq().enable(false);
    sim.uart(0).send(&[b'x'; 40]);
    sim.run_for(Duration::from_secs(1));
    sim.uart(0).irq().enable(true);
    sim.run_until_idle();
    sim.uart(0).send(b"y");
    sim.run_until_idle();
    assert_eq!(sim.uart(0).take_text(), "x".repeat(32) + "y");
    assert_eq!(stats_of(&mut sim).overruns, 1);
}

#[test]
fn without_pace_nothing_is_lost_while_nobody_reads() {
    let mut sim = machine(Pace::Unlimited);
    let text = vec![b'z'; 100_000];
    sim.uart(0).send(&text);
    assert_eq!(sim.run_for(Duration::from_secs(1)), Outcome::TimeReached);
    assert!(sim.uart(0).on_wire() > 90_000, "the far end waits");
    start_loopback(&sim);
    sim.run_until_idle();
    assert_eq!(sim.uart(0).take_output().len(), text.len());
    assert_eq!(stats_of(&mut sim).overruns, 0);
}

#[test]
fn output_goes_to_whoever_listens() {
    let mut sim = machine(Pace::Unlimited);
    start_loopback(&sim);
    let (sender, receiver) = std::sync::mpsc::channel();
    sim.uart(0).on_output(move |bytes| sender.send(bytes.to_vec()).expect("the test listens"));
    sim.send_at(Instant::from_secs(1), 0, *b"ab");
    sim.send_at(Instant::from_secs(2), 0, *b"cd");
    sim.run_until_idle();
    assert_eq!(receiver.try_iter().flatten().collect::<Vec<_>>(), b"abcd");
    assert!(sim.uart(0).output().is_empty());
}

#[test]
fn ports_are_told_apart_by_their_labels() {
    let mut sim = Sim::builder().uart("uart1", Pace::Unlimited).build().expect("a machine");
    let kernel = sim.kernel();
    sim.block_on(async move {
        let port =
            kernel.services().connect_to::<Serial>(Select::Label("uart1"), (), 1).await.expect("connected");
        port.call(Request::Write(Chunk::cut(b"one"))).await.expect("written");
    });
    sim.run_until_idle();
    assert_eq!((sim.uart(0).take_text(), sim.uart(1).take_text()), (String::new(), "one".into()));
}
