//! One case of the benchmark, run so many times: `scripts/bench` counts the instructions of it.
//!
//! A case does the same work as its counterparts in other systems do, through the kernel's public interface, with the
//! settings that a machine boots with.

use std::process::ExitCode;

mod cases;
mod machine;
mod steps;

use cases::{CASES, Measure};

const USAGE: &str = "\
Usage: mnemos-bench --list
       mnemos-bench <case> <times>

--list prints a line per case: its name, how it is measured, the times it is run at least, and the aim or `-`.
With a case: runs it so many times. One that is `counted` is to be run under callgrind, once with <times> and
once with twice as many; one that is `worst` counts by itself, and prints the most instructions of any operation.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--list"] => list(),
        [name, times] => return run(name, times),
        ["--help" | "-h"] => print!("{USAGE}"),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn list() {
    for case in CASES {
        let measure = match case.measure {
            Measure::Counted(_) => "counted",
            Measure::Worst(_) => "worst",
        };
        let aim = case.aim.map_or("-".to_owned(), |aim| aim.to_string());
        println!("{} {measure} {} {aim}", case.name, case.times);
    }
}

fn run(name: &str, times: &str) -> ExitCode {
    let Some(case) = CASES.iter().find(|case| case.name == name) else {
        eprintln!("There is no case \"{name}\": see --list.");
        return ExitCode::from(2);
    };
    let Ok(times) = times.parse() else {
        eprintln!("\"{times}\" is no number of times.");
        return ExitCode::from(2);
    };
    match case.measure {
        Measure::Counted(run) => run(times),
        Measure::Worst(run) => println!("{}", run(times)),
    }
    ExitCode::SUCCESS
}
