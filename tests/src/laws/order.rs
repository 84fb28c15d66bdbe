//! Laws 16 and 18: kernels share nothing, and what they do is determined.

use kernel::{Handle, event::Kinds, limits::Settings, time::Duration};

use super::fixtures::{Doubler, bind, serve};
use crate::{HEAP, Home, Machine};

pub(super) fn two_kernels_share_nothing<H: Home>(home: &mut H) {
    let mut left = home.boot(HEAP, &Settings::DEFAULT);
    let mut right = home.boot(HEAP, &Settings::DEFAULT);
    let (left_kernel, right_kernel) = (left.kernel(), right.kernel());
    left.start("server", serve(bind(&left_kernel, "")));
    left.settle();
    right.settle();
    let used = right_kernel.heap().stats().used;
    let handle = right_kernel.clone();
    let found = right.run(async move { handle.services().try_connect::<Doubler>(true, 1).await.is_ok() });
    assert!(!found, "a service of one kernel does not exist in the other");
    let taken = left_kernel.heap().try_buffer(8 * 1024).expect("there is memory");
    assert_eq!(right_kernel.heap().stats().used, used);
    drop(right);
    let handle = left_kernel.clone();
    let answer = left.run(async move {
        let client = handle.services().try_connect::<Doubler>(true, 1).await.expect("connected");
        client.call(3).await
    });
    assert_eq!(answer, Ok(6), "one kernel's end does not concern the other");
    drop(taken);
    drop((left_kernel, right_kernel));
}

pub(super) fn same_inputs_same_events<H: Home>(home: &mut H) {
    let first = digest(home);
    let second = digest(home);
    assert_eq!(first, second);
    assert!(first.1 > 50, "there was something to compare");
}

/// Runs a small machine, and sums up its events: all but their times, which are the machine's own.
fn digest<H: Home>(home: &mut H) -> (u64, u64) {
    let mut machine = home.boot(HEAP, &Settings { events: 400, ..Settings::DEFAULT });
    let kernel = machine.kernel();
    kernel.events().listen(Kinds::ALL);
    machine.start("server", serve(bind(&kernel, "")));
    for number in 1..5 {
        machine.start("client", client(kernel.clone(), number));
    }
    machine.settle();
    for _ in 0..10 {
        machine.pass(Duration::from_millis(10));
    }
    let mut cursor = kernel.events().last(u64::MAX);
    let (mut sum, mut count) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while let Some(entry) = kernel.events().read(&mut cursor) {
        assert_eq!(entry.missed, 0);
        let mut line = kernel::inline::Text::<96>::new();
        // How long a poll took is the machine's own, too.
        if entry.record.event.kind() != kernel::event::Kind::Poll {
            core::fmt::Write::write_fmt(&mut line, format_args!("{}", entry.record.event)).expect("it fits");
        }
        for byte in line.bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        count += 1;
    }
    (sum, count)
}

async fn client(kernel: Handle, number: u32) {
    let client = kernel.services().connect::<Doubler>(true, 1).await.expect("connected");
    for times in 0..number {
        assert_eq!(client.call(number + times).await, Ok(2 * (number + times)));
        // Far apart from the others' sleeps, so that it does not matter how long a chip takes for each.
        kernel.sleep(Duration::from_millis(u64::from(number))).await;
    }
}
