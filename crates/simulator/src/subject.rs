//! One subject: the demand for its tutors, their supply, and the hours in which it lacks them.
//!
//! Takes: the days one by one.
//! Gives: the alerts of each day, whether tutors lacked on it, and the first moment at which they did.
//! Never: depends on the students; a larger marketplace leaves its subjects' history as it is.
//!
//! Demand and supply are kept in tenths of their scores. All chances are in parts per million.

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::Moment;
use crate::producer::{self, Alert, Balance, Score, SubjectFacts};

const DEMAND_RESTING: (i64, i64, i64) = (300, 430, 580);
/// What supply has in hand over demand, as they rest.
const SPARE_RESTING: (i64, i64, i64) = (-90, 40, 150);
/// A day takes demand this part of the way back to where it rests, and swings it.
const DEMAND_RECOVERY_DAYS: i64 = 10;
const DEMAND_DAILY_SWING: i64 = 18;

/// Before exams demand surges: it rises in a straight line to its height, and falls back as it rose.
const SURGE_PPM: i64 = 18_000;
const SURGE_DAYS: (i64, i64) = (10, 30);
const SURGE_HEIGHT: (i64, i64, i64) = (80, 170, 420);

/// Recruiting closes this part of the gap to what is needed each day: to where supply rests, or if more is
/// asked for than that, part of the way there.
const RECRUITING_DAYS: i64 = 12;
const SUPPLY_DAILY_SWING: i64 = 8;
/// Tutors stop teaching, several at once.
const DEPARTURE_PPM: i64 = 12_000;
const DEPARTURE: (i64, i64, i64) = (30, 90, 220);

/// More is asked for in the late afternoon: so much at the hour of the peak, less by a step per hour from it.
const PEAK_HOUR: i64 = 17;
const PEAK: i64 = 40;
const PEAK_STEP: i64 = 8;

/// From this gap on, demand is more than the tutors can teach: sessions stay without one.
const UNMET_GAP: i64 = 250;

/// The snapshot measures with an error, and labels by what it measured.
const HOURS_PER_DAY: i64 = 24;
const SNAPSHOT_MICROS: i64 = 20_000_000;
const MEASURING_ERROR: i64 = 14;
const HIGH_DEMAND_GAP: i64 = 150;
const OVERSUPPLIED_GAP: i64 = -150;
/// Now and then a label is another snapshot's: one in two hundred is drawn without a look at the scores.
const WRONG_LABEL_PPM: i64 = 5_000;

/// A passing rise in demand.
#[derive(Debug, Clone, Copy)]
struct Surge {
    height: i64,
    days: i64,
    day: i64,
}

impl Surge {
    /// What it adds today: nothing at both ends, its height in the middle.
    fn adds(self) -> i64 {
        self.height * 2 * self.day.min(self.days - self.day) / self.days
    }
}

/// A subject, with the random stream that is its own.
#[derive(Debug)]
pub(crate) struct Subject {
    entity: Entity,
    draw: Draw,
    demand_resting: i64,
    supply_resting: i64,
    demand: i64,
    supply: i64,
    surge: Option<Surge>,
    lacked_tutors: bool,
    short_from: Option<Moment>,
}

impl Subject {
    pub(crate) fn new(seed: u64, number: u32) -> Self {
        let entity = Entity::Subject(number);
        let mut draw = Draw::new(seed, entity.stream());
        let demand_resting = draw.triangular(DEMAND_RESTING.0, DEMAND_RESTING.1, DEMAND_RESTING.2);
        let supply_resting =
            demand_resting + draw.triangular(SPARE_RESTING.0, SPARE_RESTING.1, SPARE_RESTING.2);
        Self {
            entity,
            draw,
            demand_resting,
            supply_resting,
            demand: demand_resting,
            supply: supply_resting,
            surge: None,
            lacked_tutors: false,
            short_from: None,
        }
    }

    pub(crate) fn entity(&self) -> Entity {
        self.entity
    }

    /// Whether demand could not be met at some hour of the day last lived.
    pub(crate) fn lacked_tutors(&self) -> bool {
        self.lacked_tutors
    }

    /// The first hour, from day 0 on, at which demand could not be met.
    pub(crate) fn short_from(&self) -> Option<Moment> {
        self.short_from
    }

    /// Lives one day, hour by hour, and appends what the producer fires.
    pub(crate) fn live(&mut self, day: i64, alerts: &mut Vec<Alert>) {
        self.wake();
        self.lacked_tutors = false;
        for hour in 0..HOURS_PER_DAY {
            let at = Moment::day(day).plus_hours(hour);
            let demand = self.demand + self.surge.map_or(0, Surge::adds) + peak(hour);
            if demand - self.supply >= UNMET_GAP {
                self.lacked_tutors = true;
                if day >= 0 {
                    self.short_from.get_or_insert(at);
                }
            }
            let facts = self.snapshot(demand);
            let at = at.plus_micros(self.draw.uniform(0, SNAPSHOT_MICROS));
            producer::on_snapshot(at, self.entity, facts, &mut self.draw, alerts);
        }
    }

    /// The night changes demand and supply.
    fn wake(&mut self) {
        let swing = self.draw.uniform(-DEMAND_DAILY_SWING, DEMAND_DAILY_SWING);
        self.demand += (self.demand_resting - self.demand) / DEMAND_RECOVERY_DAYS + swing;
        self.surge = match self.surge {
            Some(surge) if surge.day < surge.days => Some(Surge { day: surge.day + 1, ..surge }),
            Some(_) | None => self.draw.happens(SURGE_PPM).then(|| Surge {
                height: self.draw.triangular(SURGE_HEIGHT.0, SURGE_HEIGHT.1, SURGE_HEIGHT.2),
                days: self.draw.uniform(SURGE_DAYS.0, SURGE_DAYS.1),
                day: 0,
            }),
        };
        let asked_for = (self.demand + self.surge.map_or(0, Surge::adds) + self.supply_resting) / 2;
        let needed = self.supply_resting.max(asked_for);
        let swing = self.draw.uniform(-SUPPLY_DAILY_SWING, SUPPLY_DAILY_SWING);
        self.supply += (needed - self.supply) / RECRUITING_DAYS + swing;
        if self.draw.happens(DEPARTURE_PPM) {
            self.supply -= self.draw.triangular(DEPARTURE.0, DEPARTURE.1, DEPARTURE.2);
        }
    }

    /// What the marketplace measures this hour.
    fn snapshot(&mut self, demand: i64) -> SubjectFacts {
        let demand = (demand + self.draw.uniform(-MEASURING_ERROR, MEASURING_ERROR)).clamp(0, 1_000);
        let supply = (self.supply + self.draw.uniform(-MEASURING_ERROR, MEASURING_ERROR)).clamp(0, 1_000);
        let balance = if self.draw.happens(WRONG_LABEL_PPM) {
            match self.draw.uniform(0, 2) {
                0 => Balance::HighDemand,
                1 => Balance::Oversupplied,
                _ => Balance::Balanced,
            }
        } else {
            label(demand - supply)
        };
        SubjectFacts { balance, demand: Score::decimal(demand), supply: Score::decimal(supply) }
    }
}

/// What the hour of the day adds to demand.
fn peak(hour: i64) -> i64 {
    (PEAK - PEAK_STEP * (hour - PEAK_HOUR).abs()).max(0)
}

/// The label that a measured gap deserves.
fn label(gap: i64) -> Balance {
    if gap >= HIGH_DEMAND_GAP {
        Balance::HighDemand
    } else if gap <= OVERSUPPLIED_GAP {
        Balance::Oversupplied
    } else {
        Balance::Balanced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surge_rises_from_nothing_and_falls_back_to_it() {
        let added: Vec<i64> = (0..=10).map(|day| Surge { height: 100, days: 10, day }.adds()).collect();
        assert_eq!(added, [0, 20, 40, 60, 80, 100, 80, 60, 40, 20, 0]);
    }

    #[test]
    fn demand_peaks_in_the_late_afternoon() {
        assert_eq!((peak(3), peak(16), peak(17), peak(18)), (0, 32, 40, 32));
    }

    #[test]
    fn some_subjects_come_to_lack_tutors_and_others_do_not() {
        let mut alerts = Vec::new();
        let short = (0..200)
            .filter(|number| {
                let mut subject = Subject::new(1, *number);
                (0..60).for_each(|day| subject.live(day, &mut alerts));
                subject.short_from().is_some()
            })
            .count();
        assert!((20..120).contains(&short), "{short} of 200 subjects");
    }
}
