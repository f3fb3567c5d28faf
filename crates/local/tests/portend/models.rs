//! `portend` with models, over real HTTP: the program as it is, between servers that play Bedrock and a compatible
//! endpoint.

#[path = "../../../remote/tests/server/scripted.rs"]
#[expect(
    dead_code,
    reason = "it is another crate's too; these tests need no slow drip and no count of hang-ups"
)]
mod scripted;
#[path = "models/provider.rs"]
mod provider;
#[path = "models/harness.rs"]
mod harness;
#[path = "models/paced.rs"]
mod paced;
#[path = "models/failures.rs"]
mod failures;
#[path = "models/replies.rs"]
mod replies;
#[path = "models/calls.rs"]
mod calls;
#[path = "models/canaries.rs"]
mod canaries;
#[path = "models/schema.rs"]
mod schema;
#[path = "models/upgrade.rs"]
mod upgrade;
#[path = "models/doctor.rs"]
mod doctor;
#[path = "models/settings.rs"]
mod settings;
#[path = "models/crowds.rs"]
mod crowds;
#[path = "models/chaos.rs"]
mod chaos;
