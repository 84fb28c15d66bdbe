//! What the chip does, from reset on: a kernel like any other, with one task, which measures.
//!
//! Everything is measured in the machine as it is, with its loop, its sleep and its interrupts.

mod memory;
mod messages;
mod stopwatch;
mod tasks;
mod uart;
mod wake;

use core::fmt::Write;

use board_rp2040::{Board, LastRun, Uart, services};
use cortex_m_rt::entry;
use kernel::{Handle, limits::Settings, platform::Stop};

use self::stopwatch::Stopwatch;

#[entry]
fn start() -> ! {
    let Some(board) = Board::start() else { panic!("the board is started once, before anything else") };
    if board.last_run != LastRun::Well {
        board.report_last_run();
        board.end(Stop::PowerOff, 0);
    }

    let kernel = board.boot(&Settings::DEFAULT);
    let handle = kernel.handle();
    services::start_timer(&handle, &board).expect("the region is large");
    let stopwatch = Stopwatch::start().expect("the stopwatch is started once");
    let measure = measure(kernel.handle(), board.uart.clone(), stopwatch);
    handle.try_spawn("measure", measure).expect("the region is large").detach();

    let stop = board.run(&kernel);
    board.end(stop, 0)
}

/// Measures, one thing after the other, and says what came out: a name, a number and its unit in each line.
async fn measure(kernel: Handle, uart: Uart, mut watch: Stopwatch) {
    let mut console = uart.clone();
    let mut say = |name: &str, count: u32, unit: &str| {
        writeln!(console, "{name} {count} {unit}").expect("the console never fails");
    };

    say("interrupt-to-poll", wake::interrupt_to_poll(&kernel, &mut watch).await, "cycles");
    say("yield", tasks::yields(&kernel, &watch).await, "cycles");
    say("spawn-run-join", tasks::spawn(&kernel, &watch).await, "cycles");
    say("round-trip", messages::round_trip(&kernel, &watch).await, "cycles");
    say("timer-set-cancel", tasks::timer(&kernel, &watch).await, "cycles");
    say("heap-pair-64", memory::heap_pair(&kernel, &watch).await, "cycles");

    // Last, since the port is the driver's from then on.
    say("uart-echo", uart::echo(&kernel, &watch, &uart).await, "cycles");
    writeln!(console, "all measured").expect("the console never fails");
    kernel.stop(Stop::PowerOff);
}
