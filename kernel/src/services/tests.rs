//! What the services' tests have in common.

use core::future::Future;
use std::{cell::Cell, rc::Rc};

use super::Never;
use crate::{
    registry::programs::ProgramService,
    services::{
        echo::Echo, gpio::Gpio, inspect::Inspect, log::LogService, serial::Serial, storage::Storage,
        supervise::Supervise,
    },
    testing::Machine,
};

impl Machine {
    /// Runs a future as a task until nothing is left to do at this time, and returns its output.
    ///
    /// # Panics
    ///
    /// When it is not ready by then: the test hangs.
    pub(crate) fn ask<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let answer = Rc::new(Cell::new(None));
        let place = answer.clone();
        let ask = async move { place.set(Some(future.await)) };
        self.kernel.handle().try_spawn("test", ask).expect("a test has memory").detach();
        self.settle();
        answer.take().expect("the test's question is answered")
    }
}

/// The contracts that travel as bytes, so that they can be opened to programs and called from their text form.
fn travels<S: ProgramService>() -> (&'static str, [u8; 8]) {
    (S::NAME, S::KEY.to_bytes())
}

#[test]
fn every_contract_travels_as_bytes_under_its_own_key() {
    let mut keys = [
        travels::<Echo>(),
        travels::<Gpio>(),
        travels::<Inspect>(),
        travels::<LogService>(),
        travels::<Serial>(),
        travels::<Storage>(),
        travels::<Supervise>(),
    ];
    keys.sort_by_key(|(_, key)| *key);
    assert!(keys.windows(2).all(|pair| pair[0].1 != pair[1].1), "{keys:?}");
}

#[test]
fn never_comes_out_of_no_bytes() {
    for bytes in [&[][..], &[0], &[1, 2, 3]] {
        assert!(postcard::from_bytes::<Never>(bytes).is_err());
    }
}
