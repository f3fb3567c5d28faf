//! `portend` with models, over real HTTP: the program as it is, between servers that play Bedrock and a compatible
//! endpoint.

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
mod again;
