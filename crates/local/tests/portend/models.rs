//! `portend` with models, over real HTTP: the program as it is, between servers that play Bedrock and a compatible
//! endpoint.

#[path = "../../../remote/tests/server/scripted.rs"]
#[expect(
    dead_code,
    reason = "it is another crate's too; these tests need no slow drip and no count of hang-ups"
)]
mod scripted;
#[path = "../../../remote/tests/server/table.rs"]
#[expect(dead_code, reason = "a table for other tests too")]
mod table;
mod provider;
mod harness;
mod paced;
mod failures;
mod replies;
mod calls;
mod canaries;
mod schema;
mod upgrade;
mod doctor;
mod dynamodb;
mod settings;
mod crowds;
mod chaos;
