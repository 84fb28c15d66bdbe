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
        let mut message = Text::<MESSAGE>::new();
        // A message that is too long is cut.
        let _cut = text::decode_all(schema, reply, &mut message);
        return Err(Failure::new(format_args!("{name} answered {message}")));
    }
    text::decode_all(schema, reply, job.out).map_err(|error| Failure::new(format_args!("{error}")))?;
    Ok(job.out.end_line().await?)
}

/// Finds a service by `NAME`, which is the first of this name, or by `NAME:LABEL`.
fn find(kernel: &Handle, word: &str) -> Result<ProgramServiceInfo, Failure> {
    let (name, label) = word.split_once(':').map_or((word, None), |(name, label)| (name, Some(label)));
    let mut known = Text::<MESSAGE>::new();
    let mut after = InstanceId(0);
    while let Some(service) = kernel.services().next_program_service(after) {
        after = service.instance;
        if service.name != name {
            continue;
        }
        if label.is_none_or(|label| *service.label == *label) {
            return Ok(service);
        }
        // Those for which there is no room are left out.
        let _full = write!(known, " {name}:{}", service.label);
    }
    Err(if known.is_empty() {
        Failure::new(format_args!("no service `{name}` is open to calls; `services` lists what is running"))
    } else {
        Failure::new(format_args!("there is no `{word}`, only{known}"))
    })
}

/// Offers each service by a word that [`find`] finds no other by.
pub(super) fn offer(kernel: &Handle, offer: &mut dyn FnMut(&str)) {
    let mut after = InstanceId(0);
    while let Some(service) = kernel.services().next_program_service(after) {
        after = service.instance;
        let mut word = Text::<MESSAGE>::new();
        let separator = if service.label.is_empty() { "" } else { ":" };
        // Names and labels are shorter.
        let _ = write!(word, "{}{separator}{}", service.name, service.label);
        offer(&word);
    }
}
