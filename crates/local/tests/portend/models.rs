//! Runs the program with models over real HTTP. Two scripted servers take the place of Bedrock and of an endpoint that
//! is compatible with OpenAI.

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
mod keys;
mod sign_on;
mod crowds;
mod chaos;
mod again;
