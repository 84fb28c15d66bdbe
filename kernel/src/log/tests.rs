//! The laws of the log.

use std::{cell::Cell, vec::Vec};

use super::*;
use crate::{limits::Settings, testing::Machine};

fn machine(log_lines: usize) -> Machine {
    Machine::with(128 * 1024, &Settings { log_lines, ..Settings::DEFAULT })
}

fn lines(log: &Log) -> Vec<String> {
    let mut cursor = Cursor::default();
    core::iter::from_fn(|| log.read(&mut cursor)).map(|entry| entry.record.text.to_string()).collect()
}

#[test]
fn a_line_that_does_not_pass_is_not_even_formatted() {
    struct Formatted<'f>(&'f Cell<u32>);
    impl fmt::Display for Formatted<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            f.write_str("formatted")
        }
    }
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    let formatted = Cell::new(0);
    kernel.log().debug("a", format_args!("{}", Formatted(&formatted)));
    kernel.log().set_target("b", Some(Level::Trace)).expect("room");
    kernel.log().debug("a", format_args!("{}", Formatted(&formatted)));
    assert_eq!(formatted.get(), 0);
    kernel.log().debug("b", format_args!("{}", Formatted(&formatted)));
    assert_eq!((formatted.get(), lines(kernel.log()).len()), (1, 1));
}

#[test]
fn each_level_lets_itself_and_graver_ones_pass() {
    let machine = machine(64);
    let kernel = machine.kernel.handle();
    for (passing, level) in Level::ALL.into_iter().enumerate() {
        kernel.log().set_level(level);
        let before = kernel.log().last(0);
        for line in Level::ALL {
            kernel.log().write(line, "test", format_args!("{line}"));
        }
        let mut cursor = before;
        assert_eq!(core::iter::from_fn(|| kernel.log().read(&mut cursor)).count(), passing, "{level}");
    }
}

#[test]
fn a_target_has_its_own_level_for_what_is_below_it_too_the_longest_match_first() {
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    let log = kernel.log();
    log.set_target("uart", Some(Level::Debug)).expect("room");
    log.set_target("uart::rx", Some(Level::Off)).expect("room");
    let levels =
        ["uart", "uart::tx", "uart::rx", "uart::rx::fifo", "uart2", "gpio"].map(|at| log.level_of(at));
    assert_eq!(levels, [Level::Debug, Level::Debug, Level::Off, Level::Off, Level::Info, Level::Info]);
    log.set_target("uart::rx", None).expect("known");
    assert_eq!(log.level_of("uart::rx"), Level::Debug);
    log.error("gpio", format_args!("kept"));
    log.set_level(Level::Off);
    log.error("gpio", format_args!("not kept"));
    log.debug("uart", format_args!("kept too"));
    assert_eq!(lines(log), ["kept", "kept too"]);
}

#[test]
fn the_table_of_targets_refuses_one_too_many_and_has_room_again_afterwards() {
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    let names: Vec<_> = (0..=LOG_TARGETS).map(|number| std::format!("target{number}")).collect();
    for name in &names[..LOG_TARGETS] {
        kernel.log().set_target(name, Some(Level::Warn)).expect("room");
    }
    assert_eq!(kernel.log().set_target(&names[LOG_TARGETS], Some(Level::Warn)), Err(TooManyTargets));
    assert_eq!(kernel.log().set_target("unknown", None), Ok(()));
    kernel.log().set_target(&names[0], Some(Level::Error)).expect("it has one already");
    kernel.log().set_target(&names[3], None).expect("known");
    kernel.log().set_target(&names[LOG_TARGETS], Some(Level::Warn)).expect("room again");
}

#[test]
fn a_level_for_a_target_with_a_long_name_is_its_level() {
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    let long = "a_target_with_a_name_longer_than_the_table_keeps";
    assert!(long.len() > TARGET_NAME);
    match kernel.log().set_target(long, Some(Level::Trace)) {
        Ok(()) => assert_eq!(kernel.log().level_of(long), Level::Trace),
        Err(TooManyTargets) => assert_eq!(kernel.log().level_of(long), Level::Info),
    }
}

#[test]
fn a_long_line_is_cut_and_a_slow_reader_is_told_what_it_missed() {
    let machine = machine(3);
    let kernel = machine.kernel.handle();
    let mut cursor = Cursor::at(0);
    for number in 0..5 {
        kernel.log().info("test", format_args!("{number}{}", "ä".repeat(LOG_TEXT)));
    }
    let entry = kernel.log().read(&mut cursor).expect("kept");
    assert_eq!((entry.missed, entry.number), (2, 2));
    assert!(entry.record.text.len() <= LOG_TEXT && entry.record.text.starts_with("2ä"));
    assert_eq!(kernel.log().last(1000), kernel.log().last(5));
    let mut last = kernel.log().last(1000);
    assert_eq!(kernel.log().read(&mut last).map(|entry| (entry.missed, entry.number)), Some((0, 2)));
}

#[test]
fn formatting_a_line_may_log_another() {
    struct Chatty<'l>(&'l Log);
    impl fmt::Display for Chatty<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.info("inner", format_args!("inner"));
            f.write_str("outer")
        }
    }
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    kernel.log().info("outer", format_args!("{}", Chatty(kernel.log())));
    assert_eq!(lines(kernel.log()), ["inner", "outer"]);
}

#[test]
fn a_machine_without_log_lines_keeps_none() {
    let machine = machine(0);
    let kernel = machine.kernel.handle();
    kernel.log().error("test", format_args!("lost"));
    assert_eq!(lines(kernel.log()), Vec::<String>::new());
}

#[test]
fn levels_are_read_from_their_names_in_any_case() {
    for level in Level::ALL {
        assert_eq!(level.name().parse(), Ok(level));
        assert_eq!(level.name().to_uppercase().parse(), Ok(level));
    }
    assert_eq!("loud".parse::<Level>(), Err(UnknownLevel));
}
