//! Tasks that wait for each other in a circle: A asks B, B asks A, and neither ever answers.
//!
//! A server's task that is parked in [`Server::next`](super::Server::next) waits for nobody in particular. One that is
//! parked elsewhere, and has polled for the reply to a request, waits for the task that serves that request. The circle
//! can only be closed by a request to a server that is not waiting for one, so only then is it looked for, once, when
//! the machine has nothing else to do.
#![expect(unsafe_code, reason = "the slots of connections are walked without knowing their service")]

use core::ptr::NonNull;

use super::{
    connection::Head,
    queue::{Failure, Node, Stage, call},
    server::ServerCore,
    table::Registry,
};
use crate::event::{Event, Kind};

/// Tasks that a circle may have before it is not recognised any more: a limit for the walk.
const LONGEST: usize = 16;

/// A request under way, and the task that waits for its reply.
#[derive(Clone, Copy)]
struct Wait {
    caller: u32,
    server_task: u32,
    service: &'static str,
    node: NonNull<Node>,
    /// How many requests have been sent since, and this one: numbers wrap, ages do not.
    age: u32,
}

impl Registry {
    /// Looks for a circle, reports each task in it, and fails the youngest request of it, so that the others go on.
    ///
    /// Returns whether there was one.
    #[cold]
    pub(crate) fn break_cycle(&self) -> bool {
        let mut older = u32::MAX;
        while let Some(wait) = self.oldest_wait(|wait| wait.age < older) {
            if let Some(youngest) = self.follow(wait) {
                // SAFETY: the node's client waits, so its connection lives. `Lost` with the token still out, and `Recalled`
                // with the node off the queue, are stages that both sides know how to end.
                unsafe { self.fail(youngest) };
                // There may be another circle.
                self.suspect_cycle();
                return true;
            }
            older = wait.age;
        }
        false
    }

    /// Follows the waits from one on; when they lead back, reports them and returns the youngest.
    fn follow(&self, first: Wait) -> Option<Wait> {
        let mut here = first;
        for _ in 0..LONGEST {
            here = self.oldest_wait(|wait| wait.caller == here.server_task)?;
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
            if here.age < youngest.age {
                youngest = here;
            }
            match self.oldest_wait(|wait| wait.caller == here.server_task) {
                Some(next) if next.node != first.node => here = next,
                _ => break,
            }
        }
        youngest
    }

    /// The wait for the oldest request that is wanted.
    fn oldest_wait(&self, wanted: impl Fn(&Wait) -> bool) -> Option<Wait> {
        let mut oldest: Option<Wait> = None;
        self.each_wait(&mut |wait| {
            if wanted(&wait) && oldest.is_none_or(|oldest| wait.age > oldest.age) {
                oldest = Some(wait);
            }
        });
        oldest
    }

    /// Looks at all waits for busy servers.
    fn each_wait(&self, look: &mut dyn FnMut(Wait)) {
        let next = self.next_request_id();
        self.with_servers(|servers| {
            let blocked = servers.iter().filter(|core| !core.is_waiting() && core.task.get() != 0);
            for core in blocked {
                core.with_connections(|list| {
                    list.iter_raw().for_each(|head| each_wait(core, head, next, look))
                });
            }
        });
    }

    /// # Safety
    ///
    /// The wait was found just now.
    unsafe fn fail(&self, wait: Wait) {
        // SAFETY: the caller's.
        let node = unsafe { wait.node.as_ref() };
        if node.stage.get() == Stage::Queued {
            self.with_servers(|servers| servers.iter().for_each(|core| core.queue.remove(wait.node)));
            node.fail(Stage::Recalled, Failure::WaitCycle);
        } else {
            node.fail(Stage::Lost, Failure::WaitCycle);
        }
        // Nothing refers to the node any more when another waker is called, which may free it.
        call(node.wake());
    }
}

/// Looks at the waits of a connection.
fn each_wait(core: &ServerCore, head: NonNull<Head>, next: u32, look: &mut dyn FnMut(Wait)) {
    // SAFETY: a listed connection is alive, and nothing runs meanwhile that could free it.
    for node in unsafe { Head::nodes(head) } {
        // SAFETY: as above.
        let state = unsafe { node.as_ref() };
        let under_way = matches!(state.stage.get(), Stage::Queued | Stage::Taken);
        if under_way && state.awaited.get() && state.caller.get() != 0 {
            look(Wait {
                caller: state.caller.get(),
                server_task: core.task.get(),
                service: core.contract.name,
                node,
                age: next.wrapping_sub(state.id.get()),
            });
        }
    }
}
