//! The store's contract: one insight per alert, and what guarantees it.
//!
//! The first claim of an alert fixes the insight's key, and the insight is put only if it is absent, so no clock, lease
//! or crash can store a second one. The claim's lease makes sure that, short of a crash, only one worker pays for it.
//!
//! | item    | key                                          | what it holds                                                 |
//! |---------|----------------------------------------------|---------------------------------------------------------------|
//! | insight | entity, alert timestamp, alert type, digits  | the insight; what is left to do with it (`todo`)              |
//! | claim   | alert key                                    | state, owner, fence, lease, calls, upgrades, repeats, insight key |
//! | answer  | sha256 of the question                       | a model's accepted answer, for as long as the alert type reuses it |
//! | entity  | entity type, entity                          | the current judgements, the worst score, the state, who changed it |
//! | feedback | alert id, time, a random id                 | what a person said about an insight                           |
//! | parked  | sha256 of the event                          | reason, message, the event's first 64 KiB                     |
//! | forgotten | hash of an entity                          | when it was forgotten                                         |
//!
//! Everything but answers is retained for 90 days. What has expired is absent, whether it has been deleted yet or not. The time is
//! always the caller's: a store has no clock.
//!
//! Every operation may be repeated: a caller that got no response asks again with the same arguments and gets the answer
//! of the first. A commit and an upgrade write the row of the insight's entity too. Every operation of [`Claims`],
//! [`Insights`] and [`Parking`] reads consistently, but for
//! [`Insights::due`], which may lag behind; the pages of [`Queries`] and [`Parking::parked`] may lag behind too.

mod error;
mod answers;
mod queries;
mod insights;
mod claims;
mod claim;
mod parking;
mod entities;
mod rebuild;
mod recent;
mod forgetting;
mod documents;
mod evaluations;

pub use answers::{AnswerKey, Answers, StoredAnswer};
pub use claim::{ClaimRow, ClaimState};
pub use claims::{
    Claim, ClaimRequest, Claims, Commit, CommitRequest, EntityAhead, Lease, Release, Repeat, RepeatRequest,
    Reserved, UpgradeClaim, UpgradeRequest,
};
pub use documents::{Document, Documents, EvaluationRow, OUTCOME_PK, Outcomes, drivers_pk, outcome_rows};
pub use entities::{Entities, Feedback};
pub use error::{Cause, StoreError};
pub use evaluations::keep_evaluations;
pub use forgetting::{ForgetCounts, ForgetRequest, Forgetting, event_mentions, mentions};
pub use insights::{DueInsight, Insights, Todo};
pub use parking::{Parked, ParkedPage, Parking};
pub use queries::{Cursor, InsightPage, InsightQuery, Queries};
pub(crate) use rebuild::entity_with_insights;
pub use rebuild::{entity_as_it_was, entity_of_insights};
pub use recent::{done_entities, longest_silence, recent_entities};

/// Everything that the pipeline and the readers of insights need of a store.
pub trait Store: Answers + Claims + Insights + Parking + Queries + Entities + Feedback + Forgetting {}

impl<S: Answers + Claims + Insights + Parking + Queries + Entities + Feedback + Forgetting> Store for S {}
