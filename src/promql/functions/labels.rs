//! Functions of the labels of series.

use crate::promql::plan::{LabelJoin, LabelReplace, Matcher, Test};
use crate::promql::series_labels::VectorSample;
use crate::storage::{Labels, METRIC_NAME};

/// Sets a label of those series whose other label matches.
pub(in crate::promql) fn replace(samples: &mut [VectorSample<'_>], how: &LabelReplace) {
    for VectorSample { series, .. } in samples {
        if let Some(value) = how.pattern.replace(series.get(&how.source), &how.replacement) {
            *series = series.changed(|labels| labels.set(how.label.as_str(), value));
        }
    }
}

/// Sets a label to the joined values of others.
pub(in crate::promql) fn join(samples: &mut [VectorSample<'_>], how: &LabelJoin) {
    for VectorSample { series, .. } in samples {
        let values: Vec<_> = how.sources.iter().map(|source| series.get(source)).collect();
        let joined = values.join(&how.separator);
        *series = series.changed(|labels| labels.set(how.label.as_str(), joined));
    }
}

/// The labels that a missing series would have: those that must equal a value, and nothing else
/// after that.
pub(in crate::promql) fn of_absent(matchers: &[Matcher]) -> Labels {
    let mut labels = Labels::default();
    let mut set = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.label != METRIC_NAME) {
        let label = matcher.label.as_str();
        match &matcher.test {
            Test::Equal(value) if !set.contains(&label) => {
                labels.set(label, value.as_str());
                set.push(label);
            }
            _ => labels.set(label, ""),
        }
    }
    labels
}
