//! The laws of serial ports, on a model of a UART.

use super::{
    Chunk, Error, Request, Response, Serial, Stats,
    device::Received,
    driver::{Handler, READERS, set_up},
};
use crate::{
    Handle,
    registry::{CallError, Client},
    testing::{FIFO, Machine, Model},
    time::Duration,
};

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
    for capacity in [1, 2, 7, 63, 64, 255, 256, 257] {
        let mut port = Port::new(capacity);
        let text: Vec<u8> = (0..200).map(|byte| byte as u8).collect();
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
        for _ in 0..20 {
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
    for capacity in [1, 2, 7, 64] {
        let mut port = Port::new(capacity);
        port.uart.with(|registers| registers.flow_control = true);
        let text: Vec<u8> = (0..200).collect();
        port.receive(&text);
        port.run();
        let held_back = port.uart.with(|registers| registers.held_back);
        assert!(held_back, "a pipe of {capacity} is full");
        let task = port.start(|kernel| async move {
            let port = connect(&kernel, 1).await;
            let mut heard = Vec::new();
            while heard.len() < 200 {
                heard.extend(read(&port).await);
            }
            let Ok(Response::Stats(stats)) = port.call(Request::Stats).await else { panic!("no stats") };
            (heard, stats.overruns)
        });
        port.run();
        assert_eq!(output(task), (text, 0), "with a pipe of {capacity}");
    }
}
