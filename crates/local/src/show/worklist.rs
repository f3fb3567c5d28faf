//! Formats the worklist and an entity: who, how bad, what changed, and what to do first, within 80 columns.
//!
//! Never: prints a character that a terminal would act on.

use std::fmt::Write as _;

use portend_core::alert_type::AlertTypes;
use portend_core::entity::{EntityChange, EntityState, ReturnReason, WorklistItem};
use portend_core::time::Timestamp;

use super::card::colour_of;
use super::output::{FAINT, STRONG, paint, width};
use super::text::{age, clipped, minute, short_id, shown};

/// The columns before the second and the third line of an item.
const INDENT: &str = "      ";
/// The columns of an entity's name.
const NAME_COLUMNS: usize = 26;
/// The changes that an item names.
const CHANGES_MAX: usize = 4;

/// The lines of one item, each with a line break.
pub(crate) fn item(item: &WorklistItem, types: &AlertTypes, at: Timestamp) -> String {
    let room = width().min(80).saturating_sub(INDENT.len());
    let alert_type = types.get(&item.alert_type);
    let title = alert_type.map_or_else(|| shown(&item.alert_type), |each| shown(each.title()));
    let score = format!("{:>4}", item.risk_score.to_string());
    let name = clipped(&shown(&item.entity_id), NAME_COLUMNS);
    let seen = item.occurrences.map(|count| format!(" · {}", times(count))).unwrap_or_default();
    let about = format!("{} · {}{seen}", state(item), age(at.since(item.opened_at)));
    let columns = textwrap::core::display_width(&name) + 3 + textwrap::core::display_width(&about) + 11;
    let title = clipped(&title, room.saturating_sub(columns).max(10));
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}  {} {title} · {about} {}",
        paint(colour_of(item.risk_score.get()).bold(), &score),
        paint(STRONG, &name),
        paint(FAINT, &short_id(&item.alert_id)),
    );
    if let Some(stake) = stake(item) {
        let _ = writeln!(text, "{INDENT}{}", clipped(&stake, room));
    }
    let changes = changes(item, types);
    if !changes.is_empty() {
        let _ = writeln!(text, "{INDENT}{}", clipped(&changes, room));
    }
    if let Some(advice) = &item.advice {
        let _ = writeln!(text, "{INDENT}{}", clipped(&format!("▸ {}", shown(advice)), room));
    }
    text
}

/// What is at stake, in words.
fn stake(item: &WorklistItem) -> Option<String> {
    let value = item.value?;
    Some(match item.value_at_stake {
        Some(stake) => format!("value {value}, of which {:.0} is at stake", stake.get()),
        None => format!("value {value}"),
    })
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count}×") }
}

/// The state, with who and until when.
pub(crate) fn state(item: &WorklistItem) -> String {
    match (item.state, &item.assignee, item.until) {
        (EntityState::Assigned, Some(assignee), _) => {
            format!("assigned to {}", clipped(&shown(assignee), 12))
        }
        (EntityState::Snoozed, _, Some(until)) => format!("snoozed until {}", minute(until)),
        (state, ..) => state.code().to_owned(),
    }
}

/// What changed since the judgement before, in words; empty if nothing did.
pub(crate) fn changes(item: &WorklistItem, types: &AlertTypes) -> String {
    let alert_type = types.get(&item.alert_type);
    let words = item.changes.iter().take(CHANGES_MAX).map(|change| match change {
        EntityChange::Returned { why: ReturnReason::Worse } => "back, because it got worse".to_owned(),
        EntityChange::Returned { why: ReturnReason::Relapse } => "back after a recovery".to_owned(),
        EntityChange::Returned { why: ReturnReason::Snoozed } => "back after its snooze".to_owned(),
        EntityChange::NewAlertType { alert_type } => {
            let title = types.get(alert_type).map_or(alert_type.as_str(), |each| each.title());
            format!("new: {}", shown(title))
        }
        EntityChange::Score { from, to } => format!("risk {from} → {to}"),
        EntityChange::Fact { fact, from, to } => {
            let label =
                alert_type.and_then(|each| each.fact(fact)).map_or(fact.as_str(), |each| each.label());
            format!("{} {} → {}", shown(label), shown(&from.to_words()), shown(&to.to_words()))
        }
    });
    let words: Vec<_> = words.collect();
    words.join("; ")
}

/// The heading of the worklist. `open` is the number of open entities, and whether there are more.
pub(crate) fn heading(listed: usize, open: (usize, bool), at: Timestamp, zone: &str) -> String {
    let open = match open {
        (1, false) => "1 entity".to_owned(),
        (open, false) => format!("{open} entities"),
        (open, true) => format!("more than {open} entities"),
    };
    let heading = format!("{} {zone}", minute(at));
    format!("{}  {listed} of {open} to look at, worst first", paint(STRONG, &heading))
}
