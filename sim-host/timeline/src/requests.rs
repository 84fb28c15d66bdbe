//! Follows requests from their clients to their servers and back, by the polls in which that happens.
//!
//! Events name a request and its connection, not who sent or answered it. But a poll's event comes when the poll is over,
//! so what came since the poll before has happened in this one, and belongs to its task.
//!
//! ```text
//!   client's poll            server's poll                 client's next poll
//!   Request ── flow begins ─▶ Reply or Unanswered ─────────▶ flow ends
//! ```

use std::collections::HashMap;

use kernel::event::Event;

use crate::packets::Flows;

/// The requests of one boot.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// By connection and request.
    open: HashMap<(u32, u32), Open>,
    /// What a client will see when it is polled next.
    outcomes: HashMap<u32, Vec<u64>>,
    /// Names of services by their instances.
    instances: HashMap<u32, &'static str>,
    /// Names of services by connections to them.
    connections: HashMap<u32, &'static str>,
}

/// A request without an outcome.
#[derive(Debug)]
struct Open {
    flow: u64,
    client: u32,
}

/// What a task did about requests while it was polled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// The first of it.
    pub(crate) title: Option<String>,
    pub(crate) flows: Flows,
}

impl Requests {
    /// Goes through what happened while a task was polled, or ended; or between polls. `flows` numbers requests.
    pub(crate) fn follow<'e>(
        &mut self,
        task: Option<u32>,
        events: impl Iterator<Item = &'e Event>,
        flows: &mut u64,
    ) -> Work {
        let mut work = Work::default();
        if let Some(outcomes) = task.and_then(|task| self.outcomes.remove(&task)) {
            work.flows.ended = outcomes;
        }
        for event in events {
            match *event {
                Event::Register { service, instance } => {
                    self.instances.insert(instance, service);
                }
                Event::Unregister { instance, .. } => {
                    self.instances.remove(&instance);
                }
                Event::Connect { instance, connection } => {
                    if let Some(service) = self.instances.get(&instance) {
                        self.connections.insert(connection, service);
                    }
                }
                Event::Disconnect { connection } => {
                    self.connections.remove(&connection);
                }
                Event::Request { connection, request } => {
                    let Some(client) = task else { continue };
                    *flows += 1;
                    work.flows.on.push(*flows);
                    self.open.insert((connection, request), Open { flow: *flows, client });
                    work.name("request", self.service(connection));
                }
                Event::Reply { connection, request } => {
                    work.name("answer", self.service(connection));
                    self.outcome(task, (connection, request), &mut work);
                }
                Event::Unanswered { connection, request } => {
                    work.name("unanswered", self.service(connection));
                    self.outcome(task, (connection, request), &mut work);
                }
                _ => {}
            }
        }
        work
    }

    fn outcome(&mut self, task: Option<u32>, request: (u32, u32), work: &mut Work) {
        let Some(Open { flow, client }) = self.open.remove(&request) else { return };
        if let Some(at) = work.flows.on.iter().position(|known| *known == flow) {
            // It began in this very poll: there is nothing that it leads to.
            work.flows.on.remove(at);
        } else if task == Some(client) {
            work.flows.ended.push(flow);
        } else {
            if task.is_some() {
                work.flows.on.push(flow);
            }
            self.outcomes.entry(client).or_default().push(flow);
        }
    }

    fn service(&self, connection: u32) -> String {
        self.connections
            .get(&connection)
            .map_or_else(|| format!("on connection {connection}"), |name| (*name).to_owned())
    }
}

impl Work {
    fn name(&mut self, verb: &str, service: String) {
        self.title.get_or_insert_with(|| format!("{verb} {service}"));
    }
}

#[cfg(test)]
mod tests;
