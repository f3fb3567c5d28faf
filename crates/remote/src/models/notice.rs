//! Says when a model's life ends, and which model takes its place: from 90 days before, and again from 60 and 30.

use jiff::civil::Date;
use portend_core::model::Model;

use super::any::AnyModel;
use super::bedrock::ModelLifecycle;

/// The days before the end from which there is a notice. The nearest one is named, so that the notice changes.
const NOTICE_DAYS: [i64; 3] = [30, 60, 90];

/// The sentence about the model's end of life; `None` if it is far away, or not known. What the vendor says now counts
/// before the catalogue.
pub fn end_of_life_notice(model: &AnyModel, live: Option<ModelLifecycle>, today: Date) -> Option<String> {
    let facts = model.facts();
    let successor = facts.successor.as_ref().map(|id| {
        // The same profile of the successor, such as `us.`.
        let profile = model.spec().model_id.strip_suffix(&facts.id).filter(|profile| !profile.contains('/'));
        format!("{}{id}", profile.unwrap_or_default())
    });
    sentence(live, facts.end_of_life, successor.as_deref(), today)
}

fn sentence(
    live: Option<ModelLifecycle>,
    known: Option<Date>,
    successor: Option<&str>,
    today: Date,
) -> Option<String> {
    let choose = match successor {
        Some(id) => format!(
            "choose a newer model, such as its successor {id}; portend compare --with NAME --budget 1 says what that would change"
        ),
        None => "choose a newer model".to_owned(),
    };
    let Some(day) = live.and_then(|live| live.end_of_life).or(known) else {
        let is_legacy = live.is_some_and(|live| live.is_legacy);
        return is_legacy
            .then(|| format!("Bedrock calls it legacy, and does not say when it ends; {choose}"));
    };
    let days = i64::from(today.until(day).ok()?.get_days());
    if days < 0 {
        return Some(format!("its end of life was {day}; {choose}"));
    }
    let notice = NOTICE_DAYS.into_iter().find(|notice| days <= *notice)?;
    Some(format!("its end of life is {day}, in {days} days (notice of {notice} days); {choose}"))
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
            (None, Some("2027-06-30"), "2027-04-01", Some("in 90 days (notice of 90 days)")),
            (None, Some("2027-06-30"), "2027-05-01", Some("in 60 days (notice of 60 days)")),
            (None, Some("2027-06-30"), "2027-05-31", Some("in 30 days (notice of 30 days)")),
            (None, Some("2027-06-30"), "2027-06-30", Some("in 0 days (notice of 30 days)")),
            (None, Some("2027-06-30"), "2027-07-01", Some("its end of life was 2027-06-30")),
            // Bedrock's own day counts before the catalogue's.
            (live(Some("2027-06-30")), Some("2030-01-01"), "2027-06-01", Some("is 2027-06-30")),
            (live(Some("2030-01-01")), Some("2027-06-30"), "2027-06-01", None),
            (live(None), Some("2027-06-30"), "2027-06-01", Some("is 2027-06-30")),
            (live(None), None, "2027-06-01", Some("Bedrock calls it legacy")),
            (None, None, "2027-06-01", None),
        ] {
            let found = sentence(from_bedrock, known.map(date), Some("us.newer"), date(today));
            match expected {
                None => assert_eq!(found, None, "{today}"),
                Some(part) => {
                    let found = found.unwrap();
                    assert!(found.contains(part) && found.contains("us.newer"), "{found}: {part}");
                }
            }
        }
    }
}
