//! One case of the benchmark, run so many times: `scripts/bench` counts the instructions of it.
//!
//! A case does the same work as its counterparts in other systems do, through the kernel's public interface, with the
//! settings that a machine boots with.

use std::process::ExitCode;

mod cases;
mod machine;
mod marks;

use cases::{CASES, Measure, SCALED};

const USAGE: &str = "\
Usage: mnemos-bench --list
       mnemos-bench <case> <times>
       mnemos-bench --loop <case> <times>
       mnemos-bench --list-scaled
       mnemos-bench --among <size> <case> <times>

--list prints a line per case, its fields between tabs: the name, how it is measured, the times it is run at least, the
aim or `-`, who does the work, the family of the work, and the work.
With a case: runs it so many times, which is to be done under callgrind. One that is `counted` is run once with <times>
and once with twice as many. One that is `net` is counted like that, and so is the loop that drives it, alone, which is
subtracted. One that is `dearest` marks each operation, the first an empty one, and the dearest is what counts.

--list-scaled prints a line per case whose cost may depend on how many there are already, and how many times it is run
at least: the case, a size, and the times. --among runs such a case, which is counted, among so many others.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--list"] => list(),
        ["--list-scaled"] => list_scaled(),
        ["--among", size, name, times] => return run_among(size, name, times),
        ["--loop", name, times] => return run(name, times, true),
        [name, times] => return run(name, times, false),
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
            Measure::Net(..) => "net",
            Measure::Dearest(_) => "dearest",
        };
        let aim = case.aim.map_or("-".to_owned(), |aim| aim.to_string());
        let (family, work) = case.work;
        println!("{}\t{measure}\t{}\t{aim}\t{}\t{family}\t{work}", case.name, case.times, case.who);
    }
}

fn list_scaled() {
    for case in SCALED {
        for size in case.sizes() {
            println!("{}\t{size}\t{}", case.name, case.times(size));
        }
    }
}

fn run_among(size: &str, name: &str, times: &str) -> ExitCode {
    let case = SCALED.iter().find(|case| case.name == name);
    let (Some(case), Ok(size), Ok(times)) = (case, size.parse(), times.parse()) else {
        eprintln!("There is no case \"{name}\" among \"{size}\", \"{times}\" times: see --list-scaled.");
        return ExitCode::from(2);
    };
    (case.run)(size, times);
    ExitCode::SUCCESS
}

fn run(name: &str, times: &str, only_the_loop: bool) -> ExitCode {
    let Some(case) = CASES.iter().find(|case| case.name == name) else {
        eprintln!("There is no case \"{name}\": see --list.");
        return ExitCode::from(2);
    };
    let Ok(times) = times.parse() else {
        eprintln!("\"{times}\" is no number of times.");
        return ExitCode::from(2);
    };
    match (&case.measure, only_the_loop) {
        (Measure::Counted(run) | Measure::Net(run, _) | Measure::Dearest(run), false)
        | (Measure::Net(_, run), true) => {
            run(times);
        }
        (Measure::Counted(_) | Measure::Dearest(_), true) => {
            eprintln!("The loop of \"{name}\" is part of it.");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
