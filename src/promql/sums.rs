//! Sums, means and variances that lose no small terms beside large ones.

/// Adds a term to a sum and to what rounding took from it: Neumaier's variant of Kahan's
/// summation.
fn add(term: f64, sum: f64, lost: f64) -> (f64, f64) {
    let total = sum + term;
    if total.is_infinite() {
        (total, 0.0)
    } else if sum.abs() >= term.abs() {
        (total, lost + ((sum - total) + term))
    } else {
        (total, lost + ((term - total) + sum))
    }
}

/// A sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, term: f64) {
        (self.total, self.lost) = add(term, self.total, self.lost);
    }

    pub(super) fn total(self) -> f64 {
        self.total + self.lost
    }
}

/// The sum of some values.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

/// The mean of some values: of their sum, for as long as that is finite, and from there on
/// corrected value by value. `NaN` of none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut sum, mut lost) = (0.0, 0.0, 0.0);
    let mut overflown = false;
    for value in values {
        count += 1.0;
        if !overflown {
            let added = add(value, sum, lost);
            if !added.0.is_infinite() || count == 1.0 {
                (sum, lost) = added;
                continue;
            }
            overflown = true;
            // From here on `sum` and `lost` are those of the mean.
            sum /= count - 1.0;
            lost /= count - 1.0;
        }
        let weight = (count - 1.0) / count;
        (sum, lost) = add(value / count, weight * sum, weight * lost);
    }
    if overflown { sum + lost } else { sum / count + lost / count }
}

/// The population variance of some values, by Welford's method. `NaN` of none.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Sum::default(), Sum::default());
    for value in values {
        count += 1.0;
        let before = value - mean.total();
        mean.add(before / count);
        squares.add(before * (value - mean.total()));
    }
    squares.total() / count
}

/// The quantile of some values, interpolated between the two around it. As in Prometheus,
/// `NaN`s are the smallest values, and quantiles out of range are infinite.
pub(super) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_unstable_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let rank = quantile * (values.len() - 1) as f64;
    let (lower, weight) = (rank.floor() as usize, rank - rank.floor());
    let upper = (lower + 1).min(values.len() - 1);
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => lower * (1.0 - weight) + upper * weight,
        _ => f64::NAN,
    }
}

/// The largest value; `NaN` only if there is no other.
pub(super) fn max(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NAN, |max, value| if value > max || max.is_nan() { value } else { max })
}

/// The smallest value; `NaN` only if there is no other.
pub(super) fn min(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NAN, |min, value| if value < min || min.is_nan() { value } else { min })
}
