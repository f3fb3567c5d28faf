//! What is planted in a simulation, so that the tools that should find it can be tried. Nothing is planted by default.

/// What is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planted {
    /// The chance, in percent, that somebody calls a student's family on the day after an alert, unless somebody called in
    /// the last 14 days.
    pub act_percent: u8,
    /// How far a call lowers the dissatisfaction of a student, of 1000. 0: calls change nothing.
    pub act_effect: u16,
    /// From this day on, grievances are four times as likely.
    pub drift_day: Option<u32>,
    /// Events of the last so many days are not in the outcome file yet.
    pub report_lag_days: u32,
    /// Whether the outcome file has every shortage of a subject, and not only the first.
    pub repeated_shortages: bool,
}

/// How much likelier a grievance is after the drift.
pub(crate) const DRIFT_FACTOR: i64 = 4;
/// Nobody is called again within so many days.
pub(crate) const ACT_PAUSE_DAYS: i64 = 14;
