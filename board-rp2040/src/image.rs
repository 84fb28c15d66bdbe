//! What the chip does, from reset on.

use board_rp2040::{Board, memory, services};
use cortex_m_rt::entry;
use kernel::{Kernel, limits::Settings};

#[entry]
fn start() -> ! {
    let Some(board) = Board::start() else { panic!("the board is started once, before anything else") };
    board.report_last_run();

    let kernel = boot(&board);
    if let Err(error) = services::start(&kernel.handle(), &board) {
        panic!("the services did not start: {error}");
    }

    let stop = board.run(&kernel);
    board.end(stop, kernel.commands_failed())
}

/// A kernel on all of the memory that is left.
fn boot(board: &Board) -> Kernel {
    let Some(region) = memory::take_region() else { panic!("there is one region, for one kernel") };
    match Kernel::new(region, board.timer.clone(), &Settings::DEFAULT) {
        Ok(kernel) => kernel,
        Err(error) => panic!("the kernel did not boot: {error}"),
    }
}
