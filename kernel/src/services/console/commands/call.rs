//! Any request to any service that is open to programs, by its schema.

use super::{Failure, Job, Outcome};
use crate::{
    registry::{
        InstanceId,
        programs::{FRAME, ProgramReply, ProgramServiceInfo},
    },
    wire::text,
};

pub(super) async fn call(job: &mut Job<'_, '_>) -> Outcome {
    let name = job.word()?.ok_or(Failure::Usage("call"))?;
    let service = find(job, name).ok_or_else(|| {
        Failure::new(format_args!("no service `{name}` is open to calls; `services` lists what is running"))
    })?;
    let request = job.words.rest();
    if request.is_empty() {
        use core::fmt::Write as _;
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
    let connection = job
        .kernel
        .services()
        .connect_program(service.uuid, service.key, hello.get(..hello_length).unwrap_or_default(), 1)
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
        let mut message = crate::inline::Text::<120>::new();
        // A message that is too long is cut.
        let _cut = text::decode_all(schema, reply, &mut message);
        return Err(Failure::new(format_args!("{name} answered {message}")));
    }
    text::decode_all(schema, reply, job.out).map_err(|error| Failure::new(format_args!("{error}")))?;
    Ok(job.out.end_line().await?)
}

fn find(job: &Job<'_, '_>, name: &str) -> Option<ProgramServiceInfo> {
    let services = job.kernel.services();
    let mut after = InstanceId(0);
    while let Some(service) = services.next_program_service(after) {
        if service.name == name {
            return Some(service);
        }
        after = service.instance;
    }
    None
}
