//! What the chip does, from reset on.

use board_rp2040::{
    Timer, Uart,
    clocks::{self, Clocks},
    idle, interrupts, memory,
};
use cortex_m_rt::entry;
use kernel::{
    Handle, Kernel,
    limits::Settings,
    platform::Next,
    services::{console, serial, standard},
};
use rp2040_pac::Peripherals;

#[entry]
fn start() -> ! {
    let chip = Peripherals::take().expect("start runs once, before anything else");

    let clocks = clocks::start(chip.XOSC, chip.PLL_SYS, chip.CLOCKS, &chip.WATCHDOG, &chip.RESETS);
    let timer = Timer::start(chip.TIMER, &chip.RESETS, clocks);
    chip.RESETS.reset().modify(|_, w| w.io_bank0().clear_bit().pads_bank0().clear_bit());
    let uart = Uart::start(chip.UART0, &chip.IO_BANK0, &chip.PADS_BANK0, &chip.RESETS, clocks);

    let region = memory::take_region().expect("once");
    let kernel = Kernel::new(region, timer.clone(), &Settings::DEFAULT).expect("kernel");
    services(&kernel.handle(), timer.clone(), uart);

    loop {
        match kernel.tick().next {
            Next::RunAgain => {}
            Next::SleepUntil(at) => {
                if timer.set_alarm(at) {
                    idle::wait_unless(|| !kernel.is_idle());
                }
            }
            Next::WaitForInterrupt => {
                timer.clear_alarm();
                idle::wait_unless(|| !kernel.is_idle());
            }
            Next::Stop(stop) => panic!("{stop:?}"),
        }
    }
}

fn services(kernel: &Handle, timer: Timer, uart: Uart) {
    let line = kernel.interrupt_line("timer").expect("timer");
    interrupts::attach_timer(timer, line.trigger());
    let supervisor = standard::start(kernel).expect("standard");
    let (driver, handler) = serial::driver::set_up(kernel, uart, "uart0", 1024).expect("uart");
    interrupts::attach_uart(handler);
    standard::start_serial(kernel, &supervisor, driver, "uart0").expect("serial");
    let config = console::Config {
        port: "uart0",
        mode: console::Mode::Terminal,
        machine: "the RP2040",
        power_off_at_end: false,
    };
    standard::start_console(&supervisor, config).expect("console");
    let _ = Clocks::SYSTEM_HZ;
}
