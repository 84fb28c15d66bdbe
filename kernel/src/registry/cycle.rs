//! Tasks that wait for each other in a circle: A asks B, B asks A, and neither ever answers.
//!
//! A server's task that is parked in [`Server::next`](super::Server::next) waits for nobody in particular. One that is
//! parked elsewhere while it has a request under way waits for the task that serves that request. The circle can only
//! be closed by a request to a server that is not waiting for one, so only then is it looked for, once, when the
//! machine has nothing else to do.
#![expect(unsafe_code, reason = "the slots of connections are walked without knowing their service")]

use core::ptr::NonNull;

use super::{
    connection::Head,
    queue::{Failure, Node, Stage},
    server::ServerCore,
    table::Registry,
};
use crate::{
    event::{Event, Kind},
    heap::Shared,
};

/// Tasks that a circle may have before it is not recognised any more: a limit for the walk.
const LONGEST: usize = 16;

/// A request under way, and the task that waits for its reply.
#[derive(Clone, Copy)]
struct Wait {
    caller: u32,
    server_task: u32,
    service: &'static str,
    node: NonNull<Node>,
    request: u32,
}

impl Registry {
    /// Looks for a circle, reports each task in it, and fails the youngest request of it, so that the others go on.
    ///
    /// Returns whether there was one.
    pub(crate) fn break_cycle(&self) -> bool {
        let mut start = 0;
        while let Some(wait) = self.next_wait(|wait| wait.request > start || start == 0) {
            if let Some(youngest) = self.follow(wait) {
                // SAFETY: the node's client waits, so its connection lives. `Failed` with the token still out, or the
                // node off the queue, is a stage that both sides know how to end.
                unsafe { self.fail(youngest) };
                return true;
            }
            if wait.request <= start {
                break;
            }
            start = wait.request;
        }
        false
    }

    /// Follows the waits from one on; when they lead back, reports them and returns the youngest.
    fn follow(&self, first: Wait) -> Option<Wait> {
        let mut here = first;
        for _ in 0..LONGEST {
            here = self.next_wait(|wait| wait.caller == here.server_task)?;
            if here.server_task == first.caller || here.node == first.node {
                return Some(self.report(first));
            }
        }
        None
    }

    fn report(&self, first: Wait) -> Wait {
        let (mut here, mut youngest) = (first, first);
        for _ in 0..LONGEST {
            let Wait { caller: task, service, .. } = here;
            self.events().emit(Kind::WaitCycle, || Event::WaitCycle { task, service });
            self.system()
                .log()
                .error("registry", format_args!("task {task} waits in a circle, for `{service}`"));
            if here.request > youngest.request {
                youngest = here;
            }
            match self.next_wait(|wait| wait.caller == here.server_task) {
                Some(next) if next.node != first.node => here = next,
                _ => break,
            }
        }
        youngest
    }

    /// The wait with the lowest request number that is wanted.
    fn next_wait(&self, wanted: impl Fn(&Wait) -> bool) -> Option<Wait> {
        self.with_servers(|servers| {
            let blocked = servers.iter().filter(|core| !core.waiting.get() && core.task.get() != 0);
            blocked.filter_map(|core| first_wait(core, &wanted)).min_by_key(|wait| wait.request)
        })
    }

    /// # Safety
    ///
    /// The wait was found just now.
    unsafe fn fail(&self, wait: Wait) {
        // SAFETY: the caller's.
        let node = unsafe { wait.node.as_ref() };
        if node.stage.get() == Stage::Queued {
            self.with_servers(|servers| servers.iter().for_each(|core| core.queue.remove(wait.node)));
        }
        node.stage.set(Stage::Failed(Failure::WaitCycle));
        node.wake();
    }
}

fn first_wait(core: &Shared<ServerCore>, wanted: &impl Fn(&Wait) -> bool) -> Option<Wait> {
    let of_connection = |head: NonNull<Head>| {
        // SAFETY: a listed connection is alive, and nothing runs meanwhile that could free it.
        let nodes = unsafe { Head::nodes(head) };
        nodes
            .filter_map(|node| {
                // SAFETY: as above.
                let state = unsafe { node.as_ref() };
                let waits =
                    matches!(state.stage.get(), Stage::Queued | Stage::Taken) && state.caller.get() != 0;
                waits.then(|| Wait {
                    caller: state.caller.get(),
                    server_task: core.task.get(),
                    service: core.name,
                    node,
                    request: state.id.get(),
                })
            })
            .filter(|wait| wanted(wait))
            .min_by_key(|wait| wait.request)
    };
    core.with_connections(|list| list.iter_raw().filter_map(of_connection).min_by_key(|wait| wait.request))
}
