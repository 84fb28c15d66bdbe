//! What the chip does, from reset on.

use board_rp2040::{Board, services};
use cortex_m_rt::entry;
use kernel::limits::Settings;

#[entry]
fn start() -> ! {
    let Some(board) = Board::start() else { panic!("the board is started once, before anything else") };
    board.report_last_run();

    let kernel = board.boot(&Settings::DEFAULT);
    if let Err(error) = services::start(&kernel.handle(), &board) {
        panic!("the services did not start: {error}");
    }

    let stop = board.run(&kernel);
    board.end(stop, kernel.commands_failed())
}
