//! The local pool of futures.

use std::future::Future;

use futures::{executor::LocalPool, task::LocalSpawnExt};

use super::Executor;

impl Executor for LocalPool {
    fn new() -> Self {
        LocalPool::new()
    }

    fn start(&self, future: impl Future<Output = ()> + 'static) {
        self.spawner().spawn_local(future).expect("the pool is there");
    }

    fn settle(&mut self) {
        self.run_until_stalled();
    }
}
