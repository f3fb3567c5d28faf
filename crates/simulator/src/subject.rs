//! Simulates one subject, day by day: the demand for its tutors, their supply, and the hours in which it is short of
//! them.
//!
//! Demand and supply are in tenths of their scores. All chances are in parts per million.
//!
//! Never: depends on the students. A larger marketplace does not change the history of its first subjects.

use crate::draw::Draw;
use crate::entity::Entity;
use crate::moment::Moment;
use crate::producer::{self, Balance, Score, SimulatedAlert, SubjectFacts};

const DEMAND_RESTING: (i64, i64, i64) = (300, 430, 580);
/// How far the resting level of supply is above that of demand.
const SPARE_RESTING: (i64, i64, i64) = (-90, 40, 150);
/// Each day, demand moves 1/`DEMAND_RECOVERY_DAYS` of the way back to its resting level.
const DEMAND_RECOVERY_DAYS: i64 = 10;
/// The largest random change of demand in a day, up or down.
const DEMAND_DAILY_SWING: i64 = 18;

/// The chance that a surge of demand starts on a day, such as before exams. It rises linearly to its height and falls
/// back.
const SURGE_PPM: i64 = 18_000;
const SURGE_DAYS: (i64, i64) = (10, 30);
const SURGE_HEIGHT: (i64, i64, i64) = (80, 170, 420);

/// Each day, recruiting closes 1/`RECRUITING_DAYS` of the gap between supply and need. The need is the resting level of
/// supply, or if demand is higher, the middle between the two.
const RECRUITING_DAYS: i64 = 12;
const SUPPLY_DAILY_SWING: i64 = 8;
/// The chance that several tutors stop teaching on a day.
const DEPARTURE_PPM: i64 = 12_000;
const DEPARTURE: (i64, i64, i64) = (30, 90, 220);

/// Demand is higher in the late afternoon: by the peak at this hour, and less by one step for each hour from it.
const PEAK_HOUR: i64 = 17;
const PEAK: i64 = 40;
const PEAK_STEP: i64 = 8;

/// From this gap between demand and supply on, the subject is short of tutors, and some sessions have none.
const SHORT_GAP: i64 = 250;

const HOURS_PER_DAY: i64 = 24;
const SNAPSHOT_MICROS: i64 = 20_000_000;
/// The largest error of a measured score in a snapshot. The label depends on the measured scores.
const MEASURING_ERROR: i64 = 14;
const HIGH_DEMAND_GAP: i64 = 150;
const OVERSUPPLIED_GAP: i64 = -150;
/// The chance of a label that does not depend on the scores: one in two hundred.
const WRONG_LABEL_PPM: i64 = 5_000;

/// A temporary rise in demand.
#[derive(Debug, Clone, Copy)]
struct Surge {
    height: i64,
    days: i64,
    day: i64,
}

impl Surge {
    /// What the surge adds to demand today: nothing on the first and last day, and its height in the middle.
    fn added_demand(self) -> i64 {
        self.height * 2 * self.day.min(self.days - self.day) / self.days
    }
}

/// A subject, with its own random stream.
#[derive(Debug)]
pub(crate) struct Subject {
    entity: Entity,
    draw: Draw,
    demand_resting: i64,
    supply_resting: i64,
    demand: i64,
    supply: i64,
    surge: Option<Surge>,
    was_short: bool,
    /// The hours, from day 0 on, in which a shortage began.
    shortages: Vec<Moment>,
    is_short: bool,
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
            was_short: false,
            shortages: Vec::new(),
            is_short: false,
        }
    }

    pub(crate) fn entity(&self) -> Entity {
        self.entity
    }

    /// Whether the subject was short of tutors in an hour of the last simulated day.
    pub(crate) fn was_short(&self) -> bool {
        self.was_short
    }

    /// The hours, from day 0 on, in which the subject began to be short of tutors. A day without a shortage ends one.
    pub(crate) fn shortages(&self) -> &[Moment] {
        &self.shortages
    }

    /// Simulates one day, hour by hour, and appends the alerts that the producer fires.
    pub(crate) fn simulate_day(&mut self, day: i64, alerts: &mut Vec<SimulatedAlert>) {
        self.change_demand_and_supply();
        self.was_short = false;
        for hour in 0..HOURS_PER_DAY {
            let at = Moment::day(day).plus_hours(hour);
            let demand = self.demand + self.surge.map_or(0, Surge::added_demand) + peak(hour);
            if demand - self.supply >= SHORT_GAP {
                self.was_short = true;
                if day >= 0 && !std::mem::replace(&mut self.is_short, true) {
                    self.shortages.push(at);
                }
            }
            let facts = self.snapshot(demand);
            let at = at.plus_micros(self.draw.uniform(0, SNAPSHOT_MICROS));
            producer::on_snapshot(at, self.entity, facts, &mut self.draw, alerts);
        }
        self.is_short &= self.was_short;
    }

    /// Changes demand and supply overnight.
    fn change_demand_and_supply(&mut self) {
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
        let middle = (self.demand + self.surge.map_or(0, Surge::added_demand) + self.supply_resting) / 2;
        let needed = self.supply_resting.max(middle);
        let swing = self.draw.uniform(-SUPPLY_DAILY_SWING, SUPPLY_DAILY_SWING);
        self.supply += (needed - self.supply) / RECRUITING_DAYS + swing;
        if self.draw.happens(DEPARTURE_PPM) {
            self.supply -= self.draw.triangular(DEPARTURE.0, DEPARTURE.1, DEPARTURE.2);
        }
    }

    /// Measures the facts of this hour, with errors.
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

/// The label for a measured gap.
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
    fn a_surge_rises_from_zero_and_falls_back_to_zero() {
        let added: Vec<i64> =
            (0..=10).map(|day| Surge { height: 100, days: 10, day }.added_demand()).collect();
        assert_eq!(added, [0, 20, 40, 60, 80, 100, 80, 60, 40, 20, 0]);
    }

    #[test]
    fn demand_peaks_in_the_late_afternoon() {
        assert_eq!((peak(3), peak(16), peak(17), peak(18)), (0, 32, 40, 32));
    }

    #[test]
    fn some_subjects_become_short_of_tutors_and_others_do_not() {
        let mut alerts = Vec::new();
        let short = (0..200)
            .filter(|number| {
                let mut subject = Subject::new(1, *number);
                (0..60).for_each(|day| subject.simulate_day(day, &mut alerts));
                !subject.shortages().is_empty()
            })
            .count();
        assert!((20..120).contains(&short), "{short} of 200 subjects");
    }
}
