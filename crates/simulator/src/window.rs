//! A count over the last days, today included.

/// Counts per day of the last `DAYS` days, today first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<const DAYS: usize>([u8; DAYS]);

impl<const DAYS: usize> Window<DAYS> {
    pub(crate) fn new() -> Self {
        Self([0; DAYS])
    }

    /// Starts a new day. The oldest day leaves the window.
    pub(crate) fn start_day(&mut self) {
        self.0.rotate_right(1);
        if let Some(today) = self.0.first_mut() {
            *today = 0;
        }
    }

    /// Adds one to the count of today.
    pub(crate) fn count(&mut self) {
        if let Some(today) = self.0.first_mut() {
            *today = today.saturating_add(1);
        }
    }

    pub(crate) fn total(&self) -> i64 {
        self.0.iter().copied().map(i64::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_leaves_the_window_with_its_day() {
        let mut window = Window::<3>::new();
        window.count();
        window.count();
        window.start_day();
        window.count();
        assert_eq!(window.total(), 3);
        window.start_day();
        assert_eq!(window.total(), 3);
        window.start_day();
        assert_eq!(window.total(), 1);
        window.start_day();
        assert_eq!(window.total(), 0);
    }
}
