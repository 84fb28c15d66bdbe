//! What the command line accepts, and how it refuses the rest.

use clap::{CommandFactory as _, Parser as _};

use super::{
    AllocPolicy, Baud, Heap, Options, Time, Uart,
    values::{Filter, ValueError},
};

fn options(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from([&["sim-host"], arguments].concat()).and_then(Options::checked)
}

#[test]
fn the_command_line_is_well_formed() {
    Options::command().debug_assert();
}

#[test]
fn nothing_needs_to_be_said() {
    let options = options(&[]).unwrap();
    assert_eq!(options.heap, Heap(128 * 1024));
    assert_eq!(options.time, Time::Real);
    assert_eq!(options.uart, Uart::Stdio);
    assert_eq!(options.baud, Baud::Unlimited);
    assert_eq!(options.alloc_policy, AllocPolicy::Report);
    assert!(!options.is_script());
}

#[test]
fn sizes_are_bytes_or_have_a_binary_unit() {
    for (text, bytes) in [
        ("131072", 131_072),
        ("128K", 131_072),
        ("128k", 131_072),
        ("128KiB", 131_072),
        ("2M", 2 << 20),
        ("1G", 1 << 30),
    ] {
        assert_eq!(text.parse(), Ok(Heap(bytes)), "{text}");
    }
}

#[test]
fn what_is_no_size_is_refused() {
    for text in ["", "K", "iB", "12iB", "1.5M", "-1K", "+1K", "128KB", "12 K", "0x100", "１K", "128é"] {
        assert_eq!(text.parse::<Heap>(), Err(ValueError::NotASize), "{text}");
    }
}

#[test]
fn sizes_that_no_machine_has_are_refused() {
    for text in ["0", "1023", "2G", "1025M", "99999999999999999999", "18446744073709551615G"] {
        assert_eq!(text.parse::<Heap>(), Err(ValueError::SizeOutOfRange), "{text}");
    }
}

#[test]
fn time_is_real_virtual_or_scaled() {
    for (text, time) in [
        ("real", Time::Real),
        ("virtual", Time::Virtual),
        ("10x", Time::Scaled(10.0)),
        ("0.5X", Time::Scaled(0.5)),
        ("1e3x", Time::Scaled(1000.0)),
    ] {
        assert_eq!(text.parse(), Ok(time), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in ["", "x", "10", "fast", "nanx", "1,5x"] {
        assert_eq!(text.parse::<Time>(), Err(ValueError::NotATime), "{text}");
    }
    for text in ["0x", "-1x", "infx", "1e-4x", "1e7x"] {
        assert_eq!(text.parse::<Time>(), Err(ValueError::SpeedOutOfRange), "{text}");
    }
}

#[test]
fn a_uart_ends_in_stdio_a_pty_or_a_socket() {
    let tcp = |address: &str| Uart::Tcp(address.to_owned());
    for (text, uart) in [
        ("stdio", Uart::Stdio),
        ("pty", Uart::Pty),
        ("tcp:127.0.0.1:0", tcp("127.0.0.1:0")),
        ("tcp:localhost:4000", tcp("localhost:4000")),
        ("tcp:[::1]:4000", tcp("[::1]:4000")),
        ("tcp:4000", tcp("127.0.0.1:4000")),
    ] {
        assert_eq!(text.parse(), Ok(uart), "{text}");
    }
}

#[test]
fn what_is_no_uart_is_refused() {
    for text in ["", "serial", "tcp", "STDIO", "udp:1"] {
        assert_eq!(text.parse::<Uart>(), Err(ValueError::NotAUart), "{text}");
    }
    for text in ["tcp:", "tcp::4000", "tcp:host", "tcp:host:", "tcp:host:65536", "tcp:::1:4000"] {
        assert_eq!(text.parse::<Uart>(), Err(ValueError::NotAnAddress), "{text}");
    }
}

#[test]
fn a_bit_rate_is_a_number_above_zero() {
    assert_eq!("unlimited".parse(), Ok(Baud::Unlimited));
    assert!(matches!("115200".parse(), Ok(Baud::Limited(rate)) if rate.get() == 115_200));
    for text in ["", "0", "-1", "fast", "99999999999"] {
        assert_eq!(text.parse::<Baud>(), Err(ValueError::NotABaudRate), "{text}");
    }
}

#[test]
fn a_log_filter_is_made_of_levels() {
    for text in ["debug", "WARN", "off", "warn,uart=debug", "uart::rx=trace, info"] {
        assert!(text.parse::<Filter>().is_ok(), "{text}");
    }
    for (text, wrong) in
        [("", ""), ("debg", "debg"), ("warn,uart", "uart"), ("warn,=info", "=info"), ("a=2", "a=2")]
    {
        let error = ValueError::NotALogFilter { part: wrong.to_owned() };
        assert_eq!(text.parse::<Filter>(), Err(error), "{text}");
    }
}

#[test]
fn commands_keep_their_order() {
    let options = options(&["--command", "ps", "--command", "heap owners"]).unwrap();
    assert_eq!(options.commands, ["ps", "heap owners"]);
    assert!(options.is_script());
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["--heap", "many"][..],
        &["--time", "soon"],
        &["--uart", "usb"],
        &["--alloc-policy", "maybe"],
        &["--seed", "-1"],
        &["--log", "loud"],
        &["--frobnicate"],
        &["file"],
        &["--uart", "pty", "--command", "ps"],
    ] {
        let error = options(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{arguments:?}");
    }
}

#[test]
fn help_teaches_by_example_and_lists_the_exit_codes() {
    let help = options(&["--help"]).unwrap_err();
    assert_eq!(help.exit_code(), 0);
    let text = help.to_string();
    for part in ["Examples:", "--script night.txt", "Exit codes:", "4  hang", "[default: 128K]"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}
