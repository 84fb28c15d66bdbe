//! The laws of entropy, over a device that counts.

use super::{BYTES, Entropy, Error, Request, Response, Source, serve};
use crate::{registry::CallError, testing::Machine};

/// Every byte is one more than the byte before.
struct Counter(u8);

impl Source for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

#[test]
fn as_many_bytes_come_as_are_asked_for_and_none_comes_twice() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let driver = kernel.clone();
    let served = async move { serve(driver, &mut Counter(0)).await };
    kernel.try_spawn("entropy", served).expect("spawned").detach();
    machine.ask(async move {
        let entropy = kernel.services().connect::<Entropy>((), 1).await.expect("running");
        let mut next = 0_u8;
        for count in [0, 1, 7, BYTES as u8] {
            let Ok(Response::Bytes(bytes)) = entropy.call(Request::Bytes(count)).await else {
                panic!("{count} bytes are refused")
            };
            let expected: Vec<u8> = (0..count).map(|offset| next.wrapping_add(offset)).collect();
            assert_eq!(bytes.as_slice(), expected);
            next = next.wrapping_add(count);
        }
        for count in [BYTES as u8 + 1, u8::MAX] {
            let refused = entropy.call(Request::Bytes(count)).await;
            assert_eq!(refused, Err(CallError::Service(Error::TooMany)));
        }
    });
}
