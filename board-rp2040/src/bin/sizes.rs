//! How many bytes things take on the RP2040: a name and a number in each line on UART0.
//!
//! `scripts/sizes` builds it and runs it in the emulator; on a chip it says the same.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image {
    use core::{fmt::Write, mem::MaybeUninit};

    use board_rp2040::{Board, Timer, Uart};
    use conformance::sizes;
    use cortex_m::singleton;
    use cortex_m_rt::entry;
    use kernel::{Handle, limits::Settings, platform::Stop};

    #[entry]
    fn start() -> ! {
        let Some(board) = Board::start() else { panic!("the board is started once, before anything else") };
        let kernel = board.boot(&Settings::DEFAULT);
        let measure = measure(kernel.handle(), board.timer.clone(), board.uart.clone());
        kernel.handle().try_spawn("measure", measure).expect("the region is large").detach();
        let stop = board.run(&kernel);
        board.end(stop, 0)
    }

    async fn measure(kernel: Handle, timer: Timer, mut console: Uart) {
        let memory = singleton!(: [MaybeUninit<u8>; sizes::KERNEL] = [MaybeUninit::uninit(); sizes::KERNEL]);
        let memory = memory.expect("it is measured once");
        let say = |name: &str, bytes| writeln!(console, "{name} {bytes}").expect("the console never fails");
        sizes::measure(&kernel, memory, timer, say).await;
        writeln!(console, "all measured").expect("the console never fails");
        kernel.stop(Stop::PowerOff);
    }
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and run it with scripts/sizes.");
    std::process::ExitCode::FAILURE
}
