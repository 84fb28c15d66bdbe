//! The echo of one byte, through the chip's port, its interrupts, its driver and a task.

use board_rp2040::{Uart, interrupts};
use kernel::{
    Handle,
    registry::Select,
    services::serial::{self, Request, Response, Serial, device},
};

use super::stopwatch::Stopwatch;

const PORT: &str = "uart0";
const BUFFER: usize = 64;

/// Bytes that are echoed before it is measured, and meanwhile.
const WARM_UP: u32 = 4;
const BYTES: u32 = 16;

/// Bits between a byte's write and the interrupt that it has arrived: it is on the line for ten, and the port waits
/// for as long as 32 whether more come.
const BITS_ON_THE_WAY: u32 = 10 + 32;

/// From the interrupt that a byte has arrived to its write into the port's data register.
///
/// The port's output is connected to its input, so a byte that is echoed arrives again. How often it comes round is known
/// but for what mnemOS takes, and that is what is measured.
pub(super) async fn echo(kernel: &Handle, watch: &Stopwatch, uart: &Uart) -> u32 {
    let (mut driver, handler) =
        serial::driver::set_up(kernel, uart.clone(), PORT, BUFFER).expect("there is memory for a port");
    interrupts::attach_uart(handler);
    let serve = {
        let kernel = kernel.clone();
        async move { driver.serve(kernel, PORT).await }
    };
    let driver = kernel.try_spawn(PORT, serve).expect("there is memory for a task");
    let port = kernel.services().connect_to::<Serial>(Select::Label(PORT), (), 1).await;
    let port = port.expect("the driver lets everybody in");

    let read = async || match port.call(Request::Read).await {
        Ok(Response::Data(bytes)) => bytes,
        other => panic!("no byte was read, but {other:?}"),
    };
    let echo = async |times| {
        for _ in 0..times {
            let bytes = read().await;
            port.call(Request::Write(bytes)).await.expect("the port takes what it is given");
        }
    };
    uart.flush();
    uart.set_loopback(true);
    assert!(device::Uart::transmit(uart, b'.'), "the port has nothing else to send");
    echo(WARM_UP).await;
    let start = watch.now();
    echo(BYTES).await;
    let cycles = watch.since(start);
    read().await;
    uart.set_loopback(false);
    driver.abort();
    cycles / BYTES - BITS_ON_THE_WAY * Uart::CYCLES_PER_BIT
}
