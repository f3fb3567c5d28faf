//! Stores what an event says happened to an entity. Such an event is not an alert, so nothing is judged.
//!
//! Never: loses an event: a row that is refused is parked with its reason.

use super::Outcome;
use crate::alert_type::AlertTypes;
use crate::outcome::OutcomeRow;
use crate::store::{Outcomes, Parked, Parking, StoreError};
use crate::time::Timestamp;

/// Stores the row of an event that [is one of what happened](OutcomeRow::is_event), or parks the event.
pub async fn record_outcome(
    store: &(impl Outcomes + Parking),
    types: &AlertTypes,
    event: &[u8],
    owner: &str,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    match OutcomeRow::read(event, types, now) {
        Ok(row) => {
            store.put_outcomes(std::slice::from_ref(&row), now).await?;
            Ok(Outcome::Recorded(row))
        }
        Err(refusal) => {
            store.park(&Parked::new(event, &refusal, now), owner).await?;
            Ok(Outcome::Parked(refusal))
        }
    }
}
