//! The store's contract: one insight per alert, and what guarantees it.
//!
//! The first claim of an alert fixes the insight's key, and the insight is put only if it is absent, so no clock, lease
//! or crash can store a second one. The claim's lease makes sure that, short of a crash, only one worker pays for it.
//!
//! | item    | key                                          | what it holds                                                 |
//! |---------|----------------------------------------------|---------------------------------------------------------------|
//! | insight | entity, alert timestamp, alert type, digits  | the insight; what is left to do with it (`todo`)              |
//! | claim   | alert key                                    | state, owner, fence, lease, calls, upgrades, repeats, insight key |
//! | parked  | sha256 of the event                          | reason, message, the event's first 64 KiB                     |
//!
//! Everything is retained for 90 days. What has expired is absent, whether it has been deleted yet or not. The time is
//! always the caller's: a store has no clock.
//!
//! Every operation may be repeated: a caller that got no response asks again with the same arguments and gets the answer
//! of the first. Every operation of [`Claims`], [`Insights`] and [`Parking`] reads consistently, but for
//! [`Insights::due`], which may lag behind; the pages of [`Queries`] and [`Parking::parked`] may lag behind too.

mod error;
mod queries;
mod insights;
mod claims;
mod claim;
mod parking;

pub use claim::{ClaimRow, ClaimState};
pub use claims::{
    Claim, ClaimRequest, Claims, Commit, CommitRequest, Lease, Release, Repeat, RepeatRequest, Reserved,
    UpgradeClaim, UpgradeRequest,
};
pub use error::{Cause, StoreError};
pub use insights::{DueInsight, Insights, Todo};
pub use parking::{Parked, ParkedPage, Parking};
pub use queries::{Cursor, InsightPage, InsightQuery, Queries};

/// Everything that the pipeline and the readers of insights need of a store.
pub trait Store: Claims + Insights + Parking + Queries {}

impl<S: Claims + Insights + Parking + Queries> Store for S {}
