//! The laws of serial ports, on a model of a UART.

use super::{
    CHUNK, Chunk, Error, Request, Response, Serial, Stats,
    device::Received,
    driver::{Handler, READERS, WRITERS, set_up},
};
use crate::{
    Handle,
    registry::{CallError, Client},
    testing::{FIFO, Machine, Model},
    time::Duration,
};

/// Bytes of a text that is longer than a request, and than most pipes.
const LONG: u8 = if cfg!(miri) { 70 } else { 200 };

/// A machine with a serial port, driven by hand.
struct Port {
    machine: Machine,
    uart: Model,
    handler: Handler<Model>,
}

impl Port {
    fn new(capacity: usize) -> Self {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let uart = Model::default();
        let (mut driver, handler) = set_up(&kernel, uart.clone(), "uart", capacity).expect("set up");
        let serve = async move { driver.serve(kernel, "uart").await.map(|_| ()) };
        machine.kernel.handle().try_spawn("serial", serve).expect("spawned").detach();
        Self { machine, uart, handler }
    }

    /// Takes interrupts, runs tasks and moves `lines` FIFOs' worth of bytes out, until nothing happens.
    fn run(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        let mut quiet = 0;
        for _ in 0..1000 {
            let out: Vec<u8> = self.uart.with(|registers| registers.transmit.drain(..).collect());
            let pending = self.uart.with(|registers| {
                (!registers.receive.is_empty() && !registers.held_back)
                    || (registers.transmit_interrupt && registers.transmit.len() < FIFO)
            });
            if pending {
                self.handler.interrupt();
            }
            self.machine.run_for_us(200);
            sent.extend(&out);
            quiet = if out.is_empty() && !pending { quiet + 1 } else { 0 };
            if quiet == 2 {
                return sent;
            }
        }
        panic!("the port does not come to rest");
    }

    fn receive(&self, bytes: &[u8]) {
        self.uart.with(|registers| registers.receive.extend(bytes.iter().copied().map(Received::Byte)));
    }

    fn start<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        task: impl FnOnce(Handle) -> F,
    ) -> crate::executor::JoinHandle<T> {
        let kernel = self.machine.kernel.handle();
        kernel.try_spawn("test", task(kernel.clone())).expect("spawned")
    }
}

async fn connect(kernel: &Handle, depth: usize) -> Client<Serial> {
    kernel.services().connect::<Serial>((), depth).await.expect("connected")
}

async fn read(port: &Client<Serial>) -> Vec<u8> {
    match port.call(Request::Read).await {
        Ok(Response::Data(chunk)) => chunk.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn output<T: 'static>(task: crate::executor::JoinHandle<T>) -> T {
    let mut task = std::pin::pin!(task);
    match task.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output.expect("it has an output"),
        std::task::Poll::Pending => panic!("the task is not at its end"),
    }
}

#[test]
fn bytes_come_in_and_go_out() {
    let mut port = Port::new(64);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 1).await;
        let heard = read(&port).await;
        port.call(Request::Write(Chunk::cut(b"echo: "))).await.expect("written");
        port.call(Request::Write(Chunk::cut(&heard))).await.expect("written");
        port.call(Request::Flush).await.expect("flushed");
    });
    port.run();
    port.receive(b"hello");
    assert_eq!(port.run(), b"echo: hello");
    output(task);
}

#[test]
fn a_write_larger_than_the_pipe_goes_out_whole() {
    let capacities = [1, 255, 7, 2, 63, 64, 256, 257];
    for capacity in capacities.into_iter().take(if cfg!(miri) { 2 } else { 8 }) {
        let mut port = Port::new(capacity);
        let text: Vec<u8> = (0..LONG).collect();
        let sent = text.clone();
        let task = port.start(|kernel| async move {
            let port = connect(&kernel, 1).await;
            for chunk in sent.chunks(Chunk::CAPACITY) {
                port.call(Request::Write(Chunk::cut(chunk))).await.expect("written");
            }
        });
        assert_eq!(port.run(), text, "with a pipe of {capacity}");
        output(task);
    }
}

#[test]
fn readers_are_served_in_turn_and_one_that_gave_up_eats_nothing() {
    let mut port = Port::new(64);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 3).await;
        let first = port.try_send(Request::Read).expect("sent");
        let second = port.try_send(Request::Read).expect("sent");
        kernel.sleep(crate::time::Duration::from_micros(50)).await;
        drop(first);
        match second.await {
            Ok(Response::Data(chunk)) => chunk.to_vec(),
            other => panic!("{other:?}"),
        }
    });
    port.run();
    port.receive(b"x");
    port.run();
    assert_eq!(output(task), b"x");
}

#[test]
fn too_many_readers_are_refused() {
    let mut port = Port::new(64);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, READERS + 1).await;
        let mut waiting: Vec<_> =
            (0..READERS).map(|_| port.try_send(Request::Read).expect("a slot is free")).collect();
        let refused = port.call(Request::Read).await;
        waiting.clear();
        refused
    });
    port.run();
    assert_eq!(output(task), Err(crate::registry::CallError::Service(Error::TooManyReaders)));
}

#[test]
fn what_goes_wrong_on_the_line_is_counted() {
    let mut port = Port::new(8);
    port.run();
    port.uart.with(|registers| {
        registers.receive.extend([
            Received::Byte(b'a'),
            Received::Garbled,
            Received::AfterOverrun(b'b'),
            Received::Break,
        ]);
    });
    port.run();
    // The pipe has room for 8; nobody reads.
    port.receive(&[b'.'; 20]);
    port.run();
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 1).await;
        let heard = read(&port).await;
        match port.call(Request::Stats).await {
            Ok(Response::Stats(stats)) => (heard, stats),
            other => panic!("{other:?}"),
        }
    });
    port.run();
    let (heard, stats) = output(task);
    assert_eq!(heard, b"ab......");
    assert_eq!(stats, Stats { received: 8, sent: 0, overruns: 15, framing_errors: 1, breaks: 1 });
}

#[test]
fn a_steady_port_allocates_nothing() {
    let mut port = Port::new(16);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 2).await;
        port.call(Request::Write(Chunk::cut(b"warm"))).await.expect("written");
        let before = kernel.heap().allocations();
        for _ in 0..if cfg!(miri) { 2 } else { 20 } {
            port.call(Request::Write(Chunk::cut(b"some more bytes than the pipe holds")))
                .await
                .expect("written");
        }
        kernel.heap().allocations() - before
    });
    port.run();
    assert_eq!(output(task), 0);
}

#[test]
fn a_reader_that_gives_up_can_ask_again_over_its_only_slot() {
    let mut port = Port::new(16);
    let asking = port.start(|kernel| async move {
        let uart = connect(&kernel, 1).await;
        for _ in 0..2 * READERS {
            let silence = uart.call_within(Duration::from_micros(10), Request::Read).await;
            assert_eq!(silence, Err(CallError::Deadline));
            assert!(matches!(uart.call(Request::Stats).await, Ok(Response::Stats(_))));
        }
    });
    for _ in 0..4 * READERS {
        port.run();
    }
    assert!(asking.is_finished());
}

#[test]
fn with_flow_control_nothing_is_lost_while_nobody_reads() {
    for capacity in [7, 1, 2, 64].into_iter().take(if cfg!(miri) { 1 } else { 4 }) {
        let mut port = Port::new(capacity);
        port.uart.with(|registers| registers.flow_control = true);
        let text: Vec<u8> = (0..LONG).collect();
        port.receive(&text);
        port.run();
        let held_back = port.uart.with(|registers| registers.held_back);
        assert!(held_back, "a pipe of {capacity} is full");
        let task = port.start(|kernel| async move {
            let port = connect(&kernel, 1).await;
            let mut heard = Vec::new();
            while heard.len() < usize::from(LONG) {
                heard.extend(read(&port).await);
            }
            let Ok(Response::Stats(stats)) = port.call(Request::Stats).await else { panic!("no stats") };
            (heard, stats.overruns)
        });
        port.run();
        assert_eq!(output(task), (text, 0), "with a pipe of {capacity}");
    }
}

impl Port {
    /// Takes interrupts and runs tasks, while the line does not move.
    fn run_stuck(&mut self) {
        for _ in 0..10 {
            self.handler.interrupt();
            self.machine.run_for_us(200);
        }
    }
}

#[test]
fn writers_that_wait_for_a_line_hold_nobody_up() {
    let mut port = Port::new(4);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, WRITERS + 1).await;
        // Fills the FIFO and the pipe to the last byte.
        port.call(Request::Write(Chunk::cut(&[b'.'; FIFO + 4]))).await.expect("written");
        let writing: Vec<_> = (0..WRITERS)
            .map(|_| port.try_send(Request::Write(Chunk::cut(b"!"))).expect("a slot is free"))
            .collect();
        let refused = port.call(Request::Flush).await;
        assert_eq!(refused, Err(CallError::Service(Error::TooManyWriters)));
        let heard = read(&port).await;
        let stats = port.call(Request::Stats).await.expect("answered");
        for write in writing {
            assert_eq!(write.await, Ok(Response::Done));
        }
        (heard, stats)
    });
    port.run_stuck();
    port.receive(b"in");
    port.run_stuck();
    let sent = port.run();
    assert_eq!(sent, [&[b'.'; FIFO + 4], [b'!'; WRITERS].as_slice()].concat());
    let (heard, stats) = output(task);
    assert_eq!(heard, b"in");
    assert!(matches!(stats, Response::Stats(Stats { received: 2, sent: 4, .. })), "{stats:?}");
}

#[test]
fn a_writer_that_gives_up_can_ask_again_over_its_only_slot() {
    let mut port = Port::new(4);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 1).await;
        for _ in 0..if cfg!(miri) { 3 } else { 2 * WRITERS } {
            let bytes = Request::Write(Chunk::cut(&[b'.'; 2 * FIFO]));
            let _stuck_or_not = port.call_within(Duration::from_micros(150), bytes).await;
            let stuck = port.call_within(Duration::from_micros(150), Request::Flush).await;
            assert_eq!(stuck, Err(CallError::Deadline));
        }
    });
    for _ in 0..WRITERS {
        if !task.is_finished() {
            port.run_stuck();
        }
    }
    output(task);
    // What was in the chip and in the pipe goes out, and nothing of what was given up behind it.
    assert_eq!(port.run(), [b'.'; FIFO + 4]);
}

#[test]
fn a_flush_ends_when_the_last_byte_has_left_the_chip() {
    let mut port = Port::new(64);
    let task = port.start(|kernel| async move {
        let port = connect(&kernel, 2).await;
        port.call(Request::Flush).await.expect("nothing is to be sent");
        port.call(Request::Write(Chunk::cut(b"abc"))).await.expect("written");
        port.call(Request::Flush).await.expect("flushed");
    });
    port.run_stuck();
    assert!(!task.is_finished(), "the bytes are in the FIFO");
    assert_eq!(port.run(), b"abc");
    output(task);
}

#[test]
fn a_port_without_its_handler_ends_after_what_it_has_received() {
    let mut port = Port::new(64);
    let waiting = port.start(|kernel| async move {
        let port = connect(&kernel, 1).await;
        let mut heard = Vec::new();
        loop {
            match port.call(Request::Read).await {
                Ok(Response::Data(chunk)) => heard.extend_from_slice(&chunk),
                end => return (heard, end.err(), port.call(Request::Stats).await.err()),
            }
        }
    });
    port.run();
    port.receive(b"last words");
    port.handler.interrupt();
    let Port { machine, handler, .. } = port;
    drop(handler);
    machine.run();
    let gone = Some(CallError::ServerGone);
    assert_eq!(output(waiting), (b"last words".to_vec(), gone, gone));
    let kernel = machine.kernel.handle();
    assert_eq!(kernel.services().next_service(crate::registry::InstanceId(0)), None);
}

#[test]
fn a_port_without_its_handler_fails_writers_and_flushers() {
    for request in [Request::Flush, Request::Write(Chunk::cut(&[0; CHUNK]))] {
        let mut port = Port::new(4);
        let task = port.start(move |kernel| async move {
            let port = connect(&kernel, 1).await;
            port.call(Request::Write(Chunk::cut(b"ab"))).await.expect("written");
            port.call(request).await.err()
        });
        port.run_stuck();
        let Port { machine, handler, .. } = port;
        drop(handler);
        machine.run_for_us(200);
        assert_eq!(output(task), Some(CallError::ServerGone));
    }
}

#[test]
fn a_handler_whose_driver_is_gone_counts_what_is_lost_and_asks_for_no_more_interrupts() {
    let machine = Machine::new();
    let uart = Model::default();
    let (mut driver, mut handler) =
        set_up(&machine.kernel.handle(), uart.clone(), "uart", 64).expect("set up");
    let kernel = machine.kernel.handle();
    let serve = async move { driver.serve(kernel, "uart").await.map(|_| ()) };
    let task = machine.kernel.handle().try_spawn("serial", serve).expect("spawned");
    machine.settle();
    task.abort();
    machine.settle();
    uart.with(|registers| {
        registers.receive.extend([b'x'; 100].map(Received::Byte));
        registers.transmit_interrupt = true;
    });
    // More than a burst: what is left of it raises the next interrupt.
    handler.interrupt();
    assert_eq!(uart.with(|registers| registers.receive.len()), 100 - 64);
    drop(machine);
    handler.interrupt();
    assert!(uart.with(|registers| registers.receive.is_empty() && !registers.transmit_interrupt));
}

#[test]
fn a_handler_on_another_thread_loses_no_byte_and_no_wake() {
    const BYTES: usize = if cfg!(miri) { 100 } else { 20_000 };
    let machine = Machine::new();
    let uart = Model::default();
    let (mut driver, mut handler) =
        set_up(&machine.kernel.handle(), uart.clone(), "uart", 16).expect("set up");
    let kernel = machine.kernel.handle();
    let serve = async move { driver.serve(kernel, "uart").await.map(|_| ()) };
    machine.kernel.handle().try_spawn("serial", serve).expect("spawned").detach();
    let kernel = machine.kernel.handle();
    let writing = async move {
        let port = connect(&kernel, 1).await;
        let text: Vec<u8> = (0..BYTES).map(|byte| byte as u8).collect();
        for chunk in text.chunks(CHUNK) {
            port.call(Request::Write(Chunk::cut(chunk))).await.expect("written");
        }
    };
    let writing = machine.kernel.handle().try_spawn("writer", writing).expect("spawned");
    // The chip takes interrupts there, and moves its bytes out.
    let chip = std::thread::spawn(move || {
        let mut sent = Vec::new();
        while sent.len() < BYTES {
            if uart.with(|registers| registers.transmit_interrupt && registers.transmit.len() < FIFO) {
                handler.interrupt();
            }
            uart.with(|registers| sent.extend(registers.transmit.drain(..)));
            std::thread::yield_now();
        }
        sent
    });
    while !writing.is_finished() {
        machine.settle();
        std::thread::yield_now();
    }
    let sent = chip.join().expect("the chip stops");
    assert!(sent.iter().enumerate().all(|(number, byte)| *byte == number as u8));
}
