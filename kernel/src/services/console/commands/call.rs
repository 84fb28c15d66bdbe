//! Any request to any service that is open to programs, by its schema.

use core::fmt::Write as _;

use super::{Failure, Job, MESSAGE, Outcome};
use crate::{
    Handle,
    inline::Text,
    registry::{
        InstanceId, Select,
        programs::{FRAME, ProgramReply, ProgramServiceInfo},
    },
    wire::text,
};

/// The longest `NAME:LABEL` that is offered, in bytes.
const NAMED: usize = 40;

pub(super) async fn call(job: &mut Job<'_, '_>) -> Outcome {
    let name = job.word()?.ok_or(Failure::Usage("call"))?;
    let service = find(job.kernel, name)?;
    let request = job.words.rest();
    if request.is_empty() {
        job.out.write_str("request:  ")?;
        text::describe(service.schemas.request, job.out)?;
        job.out.end_line().await?;
        job.out.write_str("response: ")?;
        text::describe(service.schemas.response, job.out)?;
        return Ok(job.out.end_line().await?);
    }
    let mut frame = [0; FRAME];
    let length = text::encode(service.schemas.request, request, &mut frame)
        .map_err(|error| Failure::new(format_args!("{error}")))?;
    // Nobody can be asked for a hello here, so it is the simplest one there is.
    let mut hello = [0; 8];
    let hello_length = text::encode(service.schemas.hello, "()", &mut hello).map_err(|_not_unit| {
        Failure::new(format_args!("`{name}` wants a hello that a console cannot give"))
    })?;
    let hello = hello.get(..hello_length).unwrap_or_default();
    let connection = job
        .kernel
        .services()
        .connect_program_to(Select::Instance(service.instance), service.uuid, service.key, hello, 1)
        .await
        .map_err(|error| Failure::new(format_args!("{error}")))?;
    let mut reply = [0; FRAME];
    let answer = connection
        .call(frame.get(..length).unwrap_or_default(), &mut reply)
        .await
        .map_err(|error| Failure::new(format_args!("{error}")))?;
    let (schema, length, failed) = match answer {
        ProgramReply::Response(length) => (service.schemas.response, length, false),
        ProgramReply::Error(length) => (service.schemas.error, length, true),
    };
    let reply = reply.get(..length).unwrap_or_default();
    if failed {
        let mut message = Text::<120>::new();
        // A message that is too long is cut.
        let _cut = text::decode_all(schema, reply, &mut message);
        return Err(Failure::new(format_args!("{name} answered {message}")));
    }
    text::decode_all(schema, reply, job.out).map_err(|error| Failure::new(format_args!("{error}")))?;
    Ok(job.out.end_line().await?)
}

/// The services that are open to calls, in the order in which they were bound.
fn open(kernel: &Handle) -> impl Iterator<Item = ProgramServiceInfo> + '_ {
    let next = |after| kernel.services().next_program_service(after);
    core::iter::successors(next(InstanceId(0)), move |service| next(service.instance))
}

/// Finds a service by `NAME`, which is the first of this name, or by `NAME:LABEL`.
fn find(kernel: &Handle, word: &str) -> Result<ProgramServiceInfo, Failure> {
    let (name, label) = word.split_once(':').map_or((word, None), |(name, label)| (name, Some(label)));
    let mut named = open(kernel).filter(|service| service.name == name);
    if let Some(service) = named.find(|service| label.is_none_or(|label| *service.label == *label)) {
        return Ok(service);
    }
    let mut known = Text::<MESSAGE>::new();
    for service in open(kernel).filter(|service| service.name == name) {
        // Those for which there is no room are left out.
        let _full = write!(known, " {name}:{}", service.label);
    }
    Err(if known.is_empty() {
        Failure::new(format_args!("no service `{name}` is open to calls; `services` lists what is running"))
    } else {
        Failure::new(format_args!("there is no `{word}`, only{known}"))
    })
}

/// Offers all that [`find`] finds: where there are several of one name, with their labels.
pub(super) fn offer(kernel: &Handle, offer: &mut dyn FnMut(&str)) {
    for service in open(kernel) {
        let same = || open(kernel).filter(|other| other.name == service.name);
        if same().next().is_some_and(|first| first.instance == service.instance) {
            offer(service.name);
        }
        if same().nth(1).is_some() {
            let mut word = Text::<NAMED>::new();
            // A name that is longer is not offered.
            if write!(word, "{}:{}", service.name, service.label).is_ok() {
                offer(&word);
            }
        }
    }
}
