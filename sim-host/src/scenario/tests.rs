//! What scenarios say, how mistakes are told, and what a machine has to do for one to pass.

use kernel::{
    platform::Stop,
    services::console::{Config, Mode},
    time::Duration,
};

use super::{Mistakes, Reason, Report, Scenario, Verdict, Why, junit};
use crate::Sim;

const CONSOLE: Config = Config { power_off_at_end: true, ..Config::new("uart0", Mode::Terminal, "a test") };

fn parse(text: &str) -> Result<Scenario, Mistakes> {
    Scenario::parse("test.scn", text)
}

/// The only mistake: where it is, and what is said of it.
fn mistake(text: &str) -> (usize, usize, String) {
    let mistakes = parse(text).expect_err("a mistake").mistakes;
    match mistakes.as_slice() {
        [only] => (only.line, only.column, only.reason.to_string()),
        _ => panic!("{mistakes:?}"),
    }
}

fn run_until(text: &str, until: Option<Duration>) -> Report {
    let scenario = parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut sim = Sim::builder().console(CONSOLE).build().expect("a machine");
    scenario.run(&mut sim, until).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn run(text: &str) -> Report {
    run_until(text, None)
}

fn passes(text: &str) -> Report {
    let report = run(text);
    assert!(report.passed(), "{report}");
    report
}

/// The line that fails, and why.
fn fails(text: &str) -> (usize, Why) {
    match run(text).verdict {
        Verdict::Failed(failed) => (failed.line, failed.why),
        verdict => panic!("{verdict:?}"),
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn mistakes_are_told_with_place_and_advice() {
    for (text, line, column, advice) in [
        ("# fine\n  sned uart0 \"x\"", 2, 3, "`sned` is no statement: is it `send`?"),
        ("frobnicate", 1, 1, "such as send, expect"),
        ("at 1s", 1, 6, "such as send"),
        ("at noon send uart0 \"x\"", 1, 4, "a time belongs here"),
        ("wait", 1, 5, "a time belongs here"),
        ("wait 1s 2s", 1, 9, "one a line"),
        ("send uart0 x", 1, 12, "in quotes"),
        ("send uart0 \"x", 1, 12, "in quotes"),
        ("send \"x\"", 1, 6, "a serial port belongs here"),
        ("send led \"x\"", 1, 6, "and `led` is none"),
        ("press uart0", 1, 7, "a pin, such as"),
        ("press button", 1, 7, "`name button = pin 14`"),
        ("name button = pin 3\npress buton", 2, 7, "is it `button`?"),
        ("name pin = pin 3", 1, 6, "a name has"),
        ("name Uart = pin 3", 1, 6, "a name has"),
        ("name uart3 = pin 3", 1, 6, "a name has"),
        ("name a = pin 3\nname a = pin 4", 2, 6, "given before"),
        ("name a pin 3", 1, 8, "`=` belongs here"),
        ("name a = pin 3 active hgih", 1, 23, "is it `high`?"),
        ("name a = pin x", 1, 14, "a pin's number"),
        ("name a = pin 256", 1, 14, "a pin's number"),
        ("set led hihg", 1, 9, "is it `high`?"),
        ("expect uart0 within 1s", 1, 14, "text in quotes or a regular expression"),
        ("expect uart0 \"\" within 1s", 1, 14, "nothing is always there"),
        ("expect uart0 // within 1s", 1, 14, "nothing is always there"),
        ("expect uart0 \"\\x1b[m\" within 1s", 1, 14, "looked at as text"),
        ("expect uart0 /x within 1s", 1, 14, "no `/` at its end"),
        ("expect uart0 /(x/ within 1s", 1, 14, "this is no regular expression: unclosed group"),
        ("expect uart0 /x{100000}{100000}/ within 1s", 1, 14, "this is no regular expression"),
        ("expect uart0 \"é\" wihtin 1s", 1, 18, "is it `within`?"),
        ("expect uart0 \"x\"", 1, 17, "such as `within 50ms`"),
        ("expect no uart0 \"x\" within 1s", 1, 21, "such as `for 50ms`"),
        ("expect led bright within 1s", 1, 12, "`on`, `off`"),
        ("expect pover within 1s", 1, 8, "a pin or a serial port belongs here"),
        ("fault drop uart0 rx rate 150% # too much", 1, 26, "a rate above 0"),
        ("fault", 1, 6, "a fault begins with"),
        ("kill", 1, 1, "name a task"),
        ("screenshot screen", 1, 12, "a pin or a serial port"),
        ("power cut", 1, 1, "is it `poweroff`?"),
        ("", 1, 1, "no statement"),
        ("# nothing\n\n", 2, 1, "no statement"),
    ] {
        let (at_line, at_column, said) = mistake(text);
        assert_eq!((at_line, at_column), (line, column), "{text}: {said}");
        assert!(said.contains(advice), "{text}: {said}");
    }
    let mistakes = parse("wait\nwait 1s\n\tsned x\n").expect_err("two mistakes");
    assert_eq!(mistakes.mistakes.len(), 2);
    assert!(
        mistakes
            .to_string()
            .ends_with("test.scn:3:2: `sned` is no statement: is it `send`?\n    \tsned x\n    \t^")
    );
}

#[test]
fn a_device_that_the_machine_has_not_is_a_mistake_before_anything_happens() {
    let scenario = parse(
        "send uart0 \"x\"\nsend uart7 \"x\"\nexpect pin 99 on within 1s\nfault drop uart3 rx\n\
        mask nothing\nscreenshot uart1\nfault nak i2c 0x49\nsense 0x49 \"1\"\n\
        sense 0x48 \"hot\"\nsense 0x48 \"25.5\"\nfault nak i2c 0x48\n",
    )
    .expect("a scenario");
    let mut sim = Sim::builder().console(CONSOLE).build().expect("a machine");
    let mistakes = scenario.run(&mut sim, None).expect_err("mistakes");
    let lines: Vec<_> = mistakes.mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!((lines, sim.steps()), (vec![2, 3, 4, 5, 6, 7, 8, 9], 0), "{mistakes}");
    assert!(matches!(mistakes.mistakes[0].reason, Reason::NoSuchDevice(_)));
}

#[test]
fn output_is_seen_once_and_in_its_order() {
    passes(
        "expect uart0 /^mnemos> $/ within 0s # at once\nsend uart0 \"echo one two\\n\"\n\
         expect uart0 \"one\" within 1ms\nexpect uart0 /^one (TWO)$/i within 1ms\nexpect no uart0 \"one\" for 10ms\n\
         expect uart0 \"mnemos> \" within 0s",
    );
    let (line, why) =
        fails("send uart0 \"echo a\\n\"\nexpect uart0 /^a$/ within 5ms\nexpect uart0 /^a$/ within 5ms");
    assert_eq!((line, why), (3, Why::Missing { expected: "uart0 /^a$/".into(), within: ms(5) }));
    let (_, why) = fails("send uart0 \"echo a/b\\n\"\nexpect no uart0 /^a\\/./ for 5ms");
    let unexpected = r"uart0 /^a\/./".to_owned();
    assert_eq!(why, Why::Came { unexpected, found: Some("a/b".into()) });
    // What has been refused to come stays for who wants it.
    passes("send uart0 \"echo abc\\n\"\nexpect no uart0 \"xyz\" for 1ms\nexpect uart0 /^abc$/ within 0s");
}

#[test]
fn time_is_that_of_the_machine_from_power_on() {
    let report = passes(
        "at 100ms send uart0 \"uptime\\n\"\nexpect uart0 \"00:00:00.100000\" within 1ms\n\
        after 20ms send uart0 \"uptime\\n\"\nexpect uart0 \"00:00:00.120000\" within 1ms\nwait 24h",
    );
    assert_eq!(report.lived, Duration::from_secs(86_400).saturating_add(ms(120)));
    assert_eq!(fails("wait 2s\nat 1s wait 1s"), (2, Why::Late { at: Duration::from_secs(1) }));
    let out_of_time = run_until("wait 1s\nwait 1s", Some(ms(1500)));
    assert_eq!(out_of_time.verdict, Verdict::OutOfTime { line: 2, column: 1 });
    assert_eq!(out_of_time.lived, ms(1500));
    assert!(run_until("wait 1s", Some(Duration::from_secs(1))).passed());
    let off = run_until("poweroff\nwait 2s", Some(Duration::from_secs(1)));
    assert_eq!(off.verdict, Verdict::OutOfTime { line: 2, column: 1 });
}

#[test]
fn pins_are_driven_and_looked_at_by_name() {
    passes(
        "name button = pin 14 active low\nname lamp = pin 3\nsend uart0 \"gpio 14 up\\ngpio 25 out\\n\"\nexpect button off within 1ms\n\
         press button\nexpect pin 14 low within 1ms\nexpect button on within 0s\nrelease button\nexpect pin 14 high within 1ms\n\
         set button on\nexpect pin 14 low within 1ms\nset pin 14 high\nexpect button off within 1ms\n\
         send uart0 \"gpio 25 high\\n\"\nexpect led on within 1ms\nexpect no led off for 1s\n\
         set lamp on\nexpect pin 3 high within 1ms\npin 3 low\nexpect lamp off within 1ms",
    );
    let (line, why) = fails("expect led on within 10ms");
    assert_eq!((line, why), (1, Why::Missing { expected: "pin 25 high".into(), within: ms(10) }));
    assert!(matches!(fails("expect no led off for 1ms"), (1, Why::Came { found: None, .. })));
}

#[test]
fn machines_end_and_come_back() {
    passes(
        "expect no reboot for 1s\nsend uart0 \"reboot\\n\"\nexpect reboot within 1ms\nexpect uart0 \"mnemos> \" within 1ms\n\
         send uart0 \"uptime\\n\"\nexpect uart0 \"00:00:00.000000\" within 1ms\n\
         send uart0 \"poweroff\\n\"\nexpect poweroff within 1ms\nexpect no reboot for 1s\npoweron\n\
         expect uart0 \"mnemos> \" within 1ms\nreboot\npoweroff\nreboot\nexpect uart0 \"mnemos> \" within 1ms\n\
         fault power cut at 5s\nexpect reboot within 5s\n send uart0 \"panic\\n\"\nexpect panic within 1ms",
    );
    assert!(matches!(
        fails("send uart0 \"poweroff\\n\"\nexpect uart0 \"never\" within 1s"),
        (2, Why::Off { .. })
    ));
    assert!(matches!(fails("poweroff\nsend uart0 \"x\""), (2, Why::Off { .. })));
    assert!(matches!(fails("poweroff\npoweroff"), (2, Why::Off { .. })));
    assert_eq!(fails("poweron"), (1, Why::On));
    assert_eq!(fails("send uart0 \"panic\\n\"\nwait 1s"), (2, Why::Panicked));
    let later = "send uart0 \"panic\\n\"\nwait 1s\npoweron\nfault power cut at 2s\nexpect reboot within 2s";
    assert_eq!(fails(later), (5, Why::Panicked));
    assert_eq!(fails("send uart0 \"panic\\n\"\nexpect uart0 \"x\" within 1s"), (2, Why::Panicked));
}

#[test]
fn what_goes_wrong_is_told_if_it_never_does() {
    let report = passes(
        "fault drop uart0 rx nth 6\nfault kill nobody at 1s\nsend uart0 \"echo abc\\n\"\n\
        expect uart0 /^bc$/ within 1ms\nkill echo\nsend uart0 \"ping echo\\n\"\nexpect uart0 \"no such service\" within 1ms",
    );
    let idle: Vec<_> =
        report.idle_faults.iter().map(|idle| (idle.place, idle.fault.fault.to_string())).collect();
    assert_eq!(idle, [(Some((2, 1)), "kill nobody at 1s".to_owned())]);
}

#[test]
fn a_failure_says_what_the_machine_has_said_last() {
    let report = run("send uart0 \"echo ready\\n\"\n  expect uart0 \"steady\" within 50ms # or not");
    let said = report.to_string();
    let expected = "FAILED test.scn:2:3: expected uart0 \"steady\" within 50 ms, and it has not come, at 0.050000 s\n      \
        expect uart0 \"steady\" within 50ms # or not\n      ^\n  the last output of uart0:\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.contains("\n  | ready\n"), "{said}");
}

#[test]
fn a_screenshot_is_what_the_user_sees() {
    let report = passes(
        "screenshot\nsend uart0 \"echo abc\\x7f\"\nscreenshot \"typing\"\nsend uart0 \"\\nhelp\\n\"\nscreenshot uart0",
    );
    let [first, typing, help] = report.screenshots.as_slice() else { panic!("{report}") };
    assert_eq!(first.rows.last().map(String::as_str), Some("mnemos>"), "{first}");
    assert_eq!(typing.rows.last().map(String::as_str), Some("mnemos> echo ab"), "{typing}");
    assert_eq!((typing.name.as_deref(), typing.uart), (Some("typing"), 0));
    assert_eq!(help.rows.len(), usize::from(super::ROWS), "{help}");
}

#[test]
fn the_same_scenario_and_seed_make_the_same_report() {
    let text = "send uart0 \"random\\nping echo 10\\n\"\nfault drop uart0 rx rate 10%\nsend uart0 \"ps\\nps\\n\"\nwait 1s\nscreenshot";
    assert_eq!(run(text), run(text));
    assert_eq!(junit(&[run(text)]), junit(&[run(text)]));
}

#[test]
fn any_output_makes_a_well_formed_document() {
    let reports = [
        passes("send uart0 \"echo <&>\\\"' ]]>\\n\"\nwait 1ms\nscreenshot \"<&\\\"\\n\""),
        run("send uart0 \"echo <b>\\n\"\nexpect uart0 \"<never> & \\\"\" within 1ms"),
        run_until("wait 2s", Some(ms(1))),
    ];
    let document = junit(&reports);
    let read = roxmltree::Document::parse(&document).unwrap_or_else(|error| panic!("{error}: {document}"));
    let suite = read.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("3"), Some("2")));
    let failures: Vec<_> = read.descendants().filter(|node| node.has_tag_name("failure")).collect();
    let message = failures[0].attribute("message").expect("a message");
    assert_eq!(message, "expected uart0 \"<never> & \\\"\" within 1 ms, and it has not come");
    assert!(failures[0].text().expect("a text").contains("  | <b>"), "{document}");
    assert_eq!(failures[1].attribute("type"), Some("time"));
    let screen = read.descendants().find(|node| node.has_tag_name("system-out")).and_then(|node| node.text());
    assert!(screen.expect("a screenshot").contains("<&>"), "{document}");
}

#[test]
fn a_machine_that_never_rests_is_a_failure() {
    let scenario = parse("wait 1s").expect("a scenario");
    let busy = |sim: &Sim| {
        sim.spawn(
            "busy",
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                std::task::Poll::<()>::Pending
            }),
        )
        .detach();
        Ok(())
    };
    let mut sim = Sim::builder().bare().step_limit(1000).on_boot(busy).build().expect("a machine");
    let report = scenario.run(&mut sim, None).expect("no mistakes");
    assert!(matches!(report.verdict, Verdict::Failed(ref failed) if failed.why == Why::Busy), "{report}");
    assert_ne!(sim.waits(), crate::Wait::Stopped(Stop::PowerOff));
}
