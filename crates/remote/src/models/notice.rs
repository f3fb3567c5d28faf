//! Says when a model's life ends, and which model takes its place: from 90 days before, and again from 60 and 30.

use jiff::civil::Date;
use portend_core::model::Model;

use super::any::AnyModel;
use super::bedrock::ModelLifecycle;

/// The days before the end from which there is a notice. The nearest one is named, so that the notice changes.
const NOTICE_DAYS: [i64; 3] = [30, 60, 90];

/// A notice that a model's life ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLifeNotice {
    /// When, and what to do, as a sentence.
    pub says: String,
    /// 1 from 90 days before the end, 2 from 60, 3 from 30 days before it on.
    pub urgency: u8,
}

/// The notice of the model's end of life; `None` if that is far away, or not known. What the vendor says now counts before
/// the catalogue. `table` is the table of insights, if they are in one.
pub fn end_of_life_notice(
    model: &AnyModel,
    live: Option<ModelLifecycle>,
    today: Date,
    table: Option<&str>,
) -> Option<EndOfLifeNotice> {
    let facts = model.facts();
    let successor = facts.successor.as_ref().map(|id| {
        // The same profile of the successor, such as `us.`.
        let profile = model.spec().model_id.strip_suffix(&facts.id).filter(|profile| !profile.contains('/'));
        format!("{}{id}", profile.unwrap_or_default())
    });
    let choose = choose(successor.as_deref(), table);
    let (says, urgency) = end(live, facts.end_of_life, today)?;
    Some(EndOfLifeNotice { says: format!("{says}; {choose}"), urgency })
}

/// What to do, with the command that says what a change means.
fn choose(successor: Option<&str>, table: Option<&str>) -> String {
    let Some(id) = successor else { return "choose a newer model".to_owned() };
    let store = table.map(|table| format!(" --store dynamodb:{table}")).unwrap_or_default();
    format!(
        "choose a newer model, such as its successor {id}; portend compare --with {id} --budget 1.00{store} says what that \
         would change"
    )
}

/// When the model's life ends, and how urgent that is.
fn end(live: Option<ModelLifecycle>, known: Option<Date>, today: Date) -> Option<(String, u8)> {
    let Some(day) = live.and_then(|live| live.end_of_life).or(known) else {
        let is_legacy = live.is_some_and(|live| live.is_legacy);
        let says = "Bedrock calls it legacy, and does not say when it ends";
        return is_legacy.then(|| (says.to_owned(), 0));
    };
    let days = i64::from(today.until(day).ok()?.get_days());
    let (notice, urgency) = NOTICE_DAYS.into_iter().zip([3, 2, 1]).find(|(notice, _)| days <= *notice)?;
    if days < 0 {
        return Some((format!("its end of life was {day}"), urgency));
    }
    Some((format!("its end of life is {day}, in {days} days (notice of {notice} days)"), urgency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_notice_from_ninety_sixty_and_thirty_days_on() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let live = |day: Option<&str>| Some(ModelLifecycle { is_legacy: true, end_of_life: day.map(date) });
        for (from_bedrock, known, today, expected) in [
            (None, Some("2027-06-30"), "2027-03-31", None),
            (None, Some("2027-06-30"), "2027-04-01", Some(("in 90 days (notice of 90 days)", 1))),
            (None, Some("2027-06-30"), "2027-05-01", Some(("in 60 days (notice of 60 days)", 2))),
            (None, Some("2027-06-30"), "2027-05-31", Some(("in 30 days (notice of 30 days)", 3))),
            (None, Some("2027-06-30"), "2027-06-30", Some(("in 0 days (notice of 30 days)", 3))),
            (None, Some("2027-06-30"), "2027-07-01", Some(("its end of life was 2027-06-30", 3))),
            // Bedrock's own day counts before the catalogue's.
            (live(Some("2027-06-30")), Some("2030-01-01"), "2027-06-01", Some(("is 2027-06-30", 3))),
            (live(Some("2030-01-01")), Some("2027-06-30"), "2027-06-01", None),
            (live(None), Some("2027-06-30"), "2027-06-01", Some(("is 2027-06-30", 3))),
            (live(None), None, "2027-06-01", Some(("Bedrock calls it legacy", 0))),
            (None, None, "2027-06-01", None),
        ] {
            let found = end(from_bedrock, known.map(date), date(today));
            assert_eq!(found.is_some(), expected.is_some(), "{today}: {found:?}");
            if let (Some((says, urgency)), Some((part, expected))) = (found, expected) {
                assert!(says.contains(part) && urgency == expected, "{says} {urgency}: {part}");
            }
        }
    }

    #[test]
    fn a_notice_has_the_whole_command() {
        let with_store = choose(Some("us.newer-v1:0"), Some("insights"));
        let command = "portend compare --with us.newer-v1:0 --budget 1.00 --store dynamodb:insights says";
        assert!(with_store.contains(command), "{with_store}");
        let of_file = choose(Some("us.newer-v1:0"), None);
        assert!(of_file.contains("portend compare --with us.newer-v1:0 --budget 1.00 says"), "{of_file}");
        assert_eq!(choose(None, Some("insights")), "choose a newer model");
    }
}
