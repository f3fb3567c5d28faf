//! Explanations as models write them, some sound and some with invented numbers of every kind.
//!
//! Never: a label that was changed to satisfy the checker.

use super::Case;
use super::Given::{Balance, Calls, Health};

pub(super) const SOUND: &[Case] = &[
    (
        Calls(5.0, 65.0),
        72.0,
        "The student's family placed 5 inbound support calls over the past 14 days, which is a strong signal of \
         unresolved friction. Combined with a moderate health score of 65/100, this suggests elevated churn risk \
         over the next 30 days. If nobody intervenes, the family may leave.",
        &[],
    ),
    (
        Calls(8.0, 34.5),
        91.0,
        "Eight calls in two weeks is very high, and a health score of 34.5 (on a 0–100 scale, where 0 is worst and 100 \
         is best) confirms that tutoring is going badly. Both facts point the same way, so the risk is 91 for the \
         30-day horizon.",
        &[],
    ),
    (
        Calls(2.0, 88.0),
        24.0,
        "Two calls in 14 days is slightly above normal but a health score of 88 is only 12 points below the maximum. \
         The likelihood of leaving within 30 days is therefore low (24).",
        &[],
    ),
    (
        Health(41.0, 0.0, 6.0),
        89.0,
        "No sessions were held in the last 7 days, so engagement has stopped. The health score of 41 is weak, and the \
         family made 6 support calls in the last 14 days. All three facts worsen the outlook for the next 30 days.",
        &[],
    ),
    (
        Health(72.0, 3.0, 0.0),
        21.0,
        "Three sessions in 7 days show a steady rhythm and there were zero support calls in the 14-day window. The \
         health score of 72, i.e. 28 points from perfect, is acceptable.",
        &[],
    ),
    (
        Balance("oversupplied", 88.0, 31.0),
        74.0,
        "The status says oversupplied, yet the demand score (88) is 57 points above the supply score (31). The scores \
         are newer than the status, so I trust them: within 14 days many new students will find no tutor.",
        &[],
    ),
    (
        Balance("balanced", 47.3, 52.1),
        22.0,
        "Demand at 47.3 and supply at 52.1 are within 5 points of each other; the balanced status agrees with the \
         scores. A shortage within two weeks is unlikely.",
        &[],
    ),
    (
        Balance("high_demand", 100.0, 0.0),
        100.0,
        "Demand has reached 100, the most ever seen, and supply is at 0. The gap is the whole scale, 100 points.",
        &[],
    ),
];

pub(super) const INVENTED: &[Case] = &[
    (
        Calls(5.0, 65.0),
        72.0,
        "The student made 5 inbound calls in 14 days, compared with an average of 1.2 calls per student. With a health \
         score of 65, 20 points below the healthy threshold of 85, churn within 30 days is likely.",
        &["1.2 calls", "20 points", "85"],
    ),
    (
        Calls(5.0, 65.0),
        72.0,
        "Families with more than 3 calls churn at a rate of 45%, about 2.5x the baseline of 18%.",
        &["3 calls", "45%", "2.5x", "18%"],
    ),
    (
        Calls(5.0, 65.0),
        72.0,
        "The calls add 35 points and the health score adds 18 points to a base of 10.",
        &["35 points", "18 points", "10"],
    ),
    (
        Calls(6.0, 52.0),
        77.0,
        "Over the last 90 days the student attended 4 sessions, cancelled 3 and spent $240.",
        &["90 days", "4", "3", "$240"],
    ),
    (
        Calls(6.0, 52.0),
        77.0,
        "Research shows that 80% of churn follows within 60 days of six or more calls.",
        &["80%", "60 days"],
    ),
    (
        Calls(3.0, 70.0),
        48.0,
        "Three calls in 14 days, up from 1 in the previous 14 days; the health score dropped 8 points to 70.",
        &["1", "8 points"],
    ),
    (
        Health(38.0, 1.0, 3.0),
        76.0,
        "The student held 1 of 4 planned sessions, a 25% attendance rate, and is 12 years old.",
        &["4 planned sessions", "25%", "12 years"],
    ),
    (
        Health(38.0, 1.0, 3.0),
        76.0,
        "Health fell 15 points in 3 weeks to 38. The average student scores 78 and holds 2.3 sessions every 7 days.",
        &["15 points", "3 weeks", "78", "2.3 sessions"],
    ),
    (
        Health(55.0, 2.0, 1.0),
        47.0,
        "With two sessions, one call and a health score of 55, the probability of churn is 0.47 and the confidence 85%.",
        &["0.47", "85%"],
    ),
    (
        Balance("high_demand", 92.5, 20.0),
        85.0,
        "There are 14 tutors for 65 open requests, so a new student waits 9 days on average.",
        &["14", "65", "9 days"],
    ),
    (
        Balance("high_demand", 92.5, 20.0),
        85.0,
        "Demand grew by a third to 92.5, 1.5 times the level of last year, while 7 of 10 tutors left.",
        &["1.5 times", "7", "10"],
    ),
    (
        Balance("high_demand", 92.5, 20.0),
        85.0,
        "The ratio of demand to supply is 4.625, far above the limit of 2.0; a ratio under 1.5 would be fine.",
        &["4.625", "2.0", "1.5"],
    ),
    (
        Balance("balanced", 47.3, 52.1),
        22.0,
        "Demand at 47.3 and supply at 52.1 differ by 4.8 points, well under the 10-point alarm level.",
        &["10-point"],
    ),
    (
        Balance("high_demand", 80.0, 33.0),
        79.0,
        "Some 1,500 students asked for this subject and 12,000 hours were booked; 3 million exist.",
        &["1,500", "12,000 hours", "3 million"],
    ),
    (
        Calls(5.0, 65.0),
        72.0,
        "A net promoter score of 3, a rating of 2/5 and 3.5 stars tell the rest.",
        &["3", "2/5", "3.5"],
    ),
];
