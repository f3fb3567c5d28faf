//! Numerals that are not claims (dates, times, ordinals, list markers, names), and some that are.
//!
//! Never: a label that was changed to satisfy the checker.

use super::Case;
use super::Given::{Balance, Calls, Health};

pub(super) const DATES: &[Case] = &[
    (Calls(5.0, 65.0), 72.0, "Since 2025-01-01 the family called 5 times.", &[]),
    (Calls(5.0, 65.0), 72.0, "Since 1 January 2025 the family called 5 times.", &[]),
    (Calls(5.0, 65.0), 72.0, "Since January 1, 2025, the family called 5 times.", &[]),
    (Calls(5.0, 65.0), 72.0, "Since Jan 5 the family called 6 times.", &["6"]),
    (Calls(5.0, 65.0), 72.0, "Since the 3rd of March the family called 5 times.", &[]),
    (Calls(5.0, 65.0), 72.0, "As of 2025 the family is unhappy.", &[]),
    (Calls(5.0, 65.0), 72.0, "In the 2024-25 school year, and in 2024/25, families left.", &[]),
    (Calls(5.0, 65.0), 72.0, "On 01/02/2025 and on 1.2.2025 the family called.", &[]),
    (Calls(5.0, 65.0), 72.0, "The last call came at 9:30, or 9:30 pm, or 5pm, or 5 p.m. UTC.", &[]),
    (Calls(5.0, 65.0), 72.0, "Seen at 2025-01-01T12:00:00Z with 4 calls.", &["4 calls"]),
    (Calls(5.0, 65.0), 72.0, "In January 5 calls came, in February 9 calls.", &["9 calls"]),
    (Calls(5.0, 65.0), 72.0, "By May 12 the student may leave.", &[]),
    (Calls(5.0, 65.0), 72.0, "The student may leave in 12 lessons.", &["12"]),
    (Calls(5.0, 65.0), 72.0, "The family has paid for 2000 lessons.", &["2000"]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Exams in May 2026 drive demand to 92.5.", &[]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Demand in Q2 is always high; Q2 2025 was no exception.", &[]),
];

pub(super) const ORDINALS: &[Case] = &[
    (Calls(5.0, 65.0), 72.0, "This is the fifth call, the 6th contact, the third complaint.", &[]),
    (Calls(5.0, 65.0), 72.0, "The 2nd and the twenty-first family left.", &[]),
    (Calls(5.0, 65.0), 72.0, "The score is in the 90th percentile.", &[]),
    (Calls(5.0, 65.0), 72.0, "First, the calls; second, the health score of 66.", &["66"]),
];

pub(super) const LISTS: &[Case] = &[
    (Calls(5.0, 65.0), 72.0, "1. Five calls in 14 days.\n2. A health score of 65.\n3. Little hope.", &[]),
    (Calls(5.0, 65.0), 72.0, "1) Five calls in 14 days.\n2) A health score of 64.", &["64"]),
    (Calls(5.0, 65.0), 72.0, "Reasons:\n  1. Calls\n  2. Health\n  10. Silence", &[]),
    (Calls(5.0, 65.0), 72.0, "The risk is high because (1) calls are frequent and (2) health is weak.", &[]),
    (Calls(5.0, 65.0), 72.0, "The risk is high for 1) frequent calls and 2) weak health.", &[]),
    (Calls(5.0, 65.0), 72.0, "The family called many times in a short while, in fact\n5.", &[]),
    (Calls(5.0, 65.0), 72.0, "**1.** Five calls\n- 2. Health at 65", &[]),
    (Calls(5.0, 65.0), 72.0, "The #1 driver is the calls, the No. 2 driver is health.", &[]),
    (Calls(5.0, 65.0), 72.0, "- 5 calls\n- 65 health\n* 8 complaints", &["8"]),
    (Calls(5.0, 65.0), 72.0, "5 calls.\n65 points.\n9 days.", &["9 days"]),
];

pub(super) const NAMES: &[Case] = &[
    (Calls(5.0, 65.0), 72.0, "Student stu_4532 made 5 calls.", &[]),
    (Calls(5.0, 65.0), 72.0, "Student stu_4532 made 6 calls.", &["6 calls"]),
    (Calls(5.0, 65.0), 72.0, "Student 4532 made 5 calls.", &["4532"]),
    (Calls(5.0, 65.0), 72.0, "The field ib_calls_14d is 5.", &[]),
    (Calls(5.0, 65.0), 72.0, "As in B2B business, a COVID-19 year or a K-12 school, families leave.", &[]),
    (
        Calls(5.0, 65.0),
        72.0,
        "Alert 3f9a1c2e-77aa and gpt-4.1 agree; see https://example.com/a/99?b=100.",
        &[],
    ),
    (Balance("high_demand", 92.5, 20.0), 85.0, "In AP Calculus 2 demand is 92.5.", &[]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Tutors of C# and of Algebra 2 are rare: supply is 20.", &[]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Algebra 2 has a demand score of 92.5.", &[]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Algebra 2 has a demand score of 91.5.", &["91.5"]),
    (
        Balance("high_demand", 92.5, 20.0),
        85.0,
        "Parents of Grade 11 students look for tutors in Physics 101.",
        &[],
    ),
    (Balance("high_demand", 92.5, 20.0), 85.0, "Only 3 tutors are left and Only 4 hours.", &["3", "4 hours"]),
    (Balance("high_demand", 92.5, 20.0), 85.0, "With Demand 92.5 and Supply 25 students wait.", &["25"]),
];

pub(super) const IDIOMS: &[Case] = &[
    (
        Calls(5.0, 65.0),
        72.0,
        "The family calls 24/7 and wants 1:1 tutoring; it is 50/50 whether they stay.",
        &[],
    ),
    (Calls(5.0, 65.0), 72.0, "One-on-one, 1-on-1 or two-way talks would help.", &[]),
    (Calls(5.0, 65.0), 72.0, "A nine-to-five helpdesk is no help.", &[]),
    (Health(38.0, 1.0, 3.0), 76.0, "On the one hand calls, on the other a zero-tolerance family.", &[]),
    (Calls(5.0, 65.0), 72.0, "Calls outnumber sessions 4:1.", &["4:1"]),
];
