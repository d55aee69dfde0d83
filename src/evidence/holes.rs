//! Holes: what a query uses and is missing, or no number, in pages that were there.

mod elements;
mod walk;

use std::collections::BTreeMap;
use std::ops::Range;

use super::pages::Pages;
use super::used::{Use, Used};
use super::{QueryEvidence, Seen};
use crate::collect::{PROCESS_START, is_of_scrape};
use crate::model::evidence::{Rule, Shortfall};
use crate::model::quantity::{number, series, time};
use crate::storage::{Labels, Series};
use elements::Elements;
use walk::{Hole, Run, Walk, walk};

/// A process that is started may show its page before it has anything to show; milliseconds.
const A_MOMENT: i64 = 1000;

/// Looks at every series that a query uses, beside the pages of its target, and adds to what is
/// known of the queries.
pub(super) fn add(seen: &Seen<'_>, queries: &mut [QueryEvidence]) -> Vec<Shortfall> {
    let mut shortfalls = Vec::new();
    let mut coverage = vec![(0, 0); seen.uses.len()];
    let targets = seen.targets.iter().zip(&seen.used).enumerate();
    for (number, (health, used)) in targets.filter(|(_, (_, used))| !used.is_empty()) {
        let elements = Elements::of(&seen.of_target[number]);
        let target = Target::new((&health.target, &elements), used, seen.pages(number), seen.end);
        shortfalls.extend(target.blank(seen, number));
        shortfalls.extend(target.shortfalls(seen));
        target.cover(&mut coverage);
    }
    for (query, (covered, all)) in queries.iter_mut().zip(coverage) {
        query.covered = (all > 0).then(|| f64::from(covered) / f64::from(all));
    }
    shortfalls
}

/// The used series of a target beside its pages.
struct Target<'a> {
    labels: &'a Labels,
    used: &'a [Used<'a>],
    pages: Pages,
    walks: Vec<Option<Walk>>,
    /// Of each page, how many pages up to it brought nothing that is used, though one before did.
    blank: Vec<usize>,
    /// The number of the first page that brought something.
    first: usize,
}

impl<'a> Target<'a> {
    fn new(
        (labels, elements): (&'a Labels, &Elements<'_>),
        used: &'a [Used<'a>],
        pages: Pages,
        end: i64,
    ) -> Self {
        let walked = |it: &Used<'_>| {
            let is_of_page = !is_of_scrape(&it.series.labels, labels);
            let walk = is_of_page.then(|| walk(it.series, &pages, end)).flatten()?;
            Some(elements.without_ends(walk, it.series, &pages.instants))
        };
        let walks: Vec<_> = used.iter().map(walked).collect();
        let count = pages.instants.len();
        let mut there = Counts::new(count);
        for walk in walks.iter().flatten() {
            there.add(walk.first..count, 1);
            let missing = walk.runs.iter().filter(|run| run.hole == Hole::Missing);
            missing.for_each(|run| there.add(run.from..run.to, -1));
        }
        let there = there.totals();
        let first = there.iter().position(|there| *there > 0).unwrap_or(count);
        let mut blanks = 0;
        let blank = there.iter().enumerate().map(|(page, there)| {
            blanks += usize::from(page > first && *there == 0);
            blanks
        });
        let blank = blank.collect();
        Self { labels, used, pages, walks, blank, first }
    }

    /// How many of these pages are blank.
    fn blanks(&self, pages: &Range<usize>) -> usize {
        let up_to = |page: usize| page.checked_sub(1).map_or(0, |it| self.blank[it]);
        up_to(pages.end) - up_to(pages.start)
    }

    /// The pages that a query looks at.
    fn seen_by(&self, by: &Use) -> Range<usize> {
        self.pages.between(by.after, by.until)
    }

    /// The pages that queries look at.
    fn looked_at(&self) -> Range<usize> {
        let uses = self.used.iter().flat_map(|used| &used.by).copied();
        uses.reduce(Use::wider).map_or(0..0, |widest| self.seen_by(&widest))
    }

    /// That pages brought nothing that is used.
    fn blank(&self, seen: &Seen<'_>, number: usize) -> Option<Shortfall> {
        let looked_at = self.looked_at();
        let count = looked_at.len();
        let (blanks, first) = match self.blanks(&looked_at) {
            0 => (self.blank_at_first(&seen.of_target[number], &looked_at)?, looked_at.start),
            blanks => {
                let is_blank = |page: &usize| self.blanks(&(*page..*page + 1)) > 0;
                (blanks, looked_at.clone().find(is_blank)?)
            }
        };
        let (when, target) = (time(self.pages.instants[first]), series(self.labels));
        let detail = format!(
            "there was nothing that a query uses in {blanks} of {count} pages, first at {when}{target}"
        );
        let target = Some(self.labels.clone());
        Some(Shortfall { rule: Rule::Holes, scope: seen.scope(number)?, target, detail })
    }

    /// A page may be blank before the service was asked for anything, but not most of the time; and
    /// not where later ones tell that their process was there all the time.
    fn blank_at_first(&self, of_target: &[&Series], looked_at: &Range<usize>) -> Option<usize> {
        let first = *self.pages.instants.get(self.first)?;
        let others = of_target.iter().filter(|it| !is_of_scrape(&it.labels, self.labels));
        let firsts = others.filter_map(|it| it.read_points().next());
        let is_blank = firsts.map(|point| point.at).all(|at| at >= first);
        let blanks = self.first.min(looked_at.end).saturating_sub(looked_at.start);
        let is_most = blanks * 2 > looked_at.len();
        let began = of_target.iter().find(|it| it.labels.metric_name() == PROCESS_START);
        let began = began.and_then(|it| it.read_points().next()).map(|point| point.value * 1000.0);
        let first = self.pages.instants.get(looked_at.start)?;
        let was_there = began.is_some_and(|began| began < first.saturating_sub(A_MOMENT) as f64);
        let counts = blanks > 0 && (is_most || was_there);
        (self.pages.span.is_some() && is_blank && counts).then_some(blanks)
    }

    /// What is wrong with its series, those together that concern the same queries.
    fn shortfalls(&self, seen: &Seen<'_>) -> Vec<Shortfall> {
        let mut found: BTreeMap<(Hole, Vec<usize>), Vec<Lacking>> = BTreeMap::new();
        let mut outside: BTreeMap<Vec<usize>, (String, i64)> = BTreeMap::new();
        for (used, walk) in self.used.iter().zip(&self.walks) {
            let Some(walk) = walk else { continue };
            for hole in [Hole::Missing, Hole::NotANumber, Hole::Infinite] {
                let lacks = used.by.iter().filter_map(|by| Some((by, self.lacks(walk, hole, by)?)));
                let lacks: Vec<_> = lacks.collect();
                let queries: Vec<_> = lacks.iter().map(|(by, _)| by.query).collect();
                let most = lacks.into_iter().map(|(_, (pages, first, of))| Lacking {
                    series: self.name(used),
                    pages,
                    first,
                    of,
                });
                if let Some(most) = most.max_by_key(|it| it.pages) {
                    found.entry((hole, queries)).or_default().push(most);
                }
            }
            if let Some(time) = walk.outside {
                let queries = used.by.iter().map(|by| by.query).collect();
                outside.entry(queries).or_insert_with(|| (self.name(used), time));
            }
        }
        let shortfall = |queries, detail| Shortfall {
            rule: Rule::Holes,
            scope: seen.scope_of(queries),
            target: Some(self.labels.clone()),
            detail,
        };
        let holes = found.into_iter().filter_map(|((hole, queries), lacking)| {
            Some(shortfall(queries, self.words(hole, &lacking)?))
        });
        let outside = outside.into_iter().map(|(queries, (name, ms))| {
            let (seconds, target) = (number(ms as f64 / 1000.0), series(self.labels));
            let words = "before the first or after the last scrape (`up`)";
            shortfall(queries, format!("{name} has samples up to {seconds} s {words}{target}"))
        });
        holes.chain(outside).collect()
    }

    /// In how many of the pages that a query looks at a series has such a hole, the first of them,
    /// and how many it looks at. Blank pages are told as such.
    fn lacks(&self, walk: &Walk, hole: Hole, by: &Use) -> Option<(usize, usize, usize)> {
        let range = self.seen_by(by);
        let (mut pages, mut first) = (0, None);
        for Run { from, to, .. } in walk.runs.iter().filter(|run| run.hole == hole) {
            let part = (*from).max(range.start)..(*to).min(range.end);
            if part.start < part.end {
                pages += part.len() - self.blanks(&part);
                first = first.or_else(|| part.clone().find(|it| self.blanks(&(*it..it + 1)) == 0));
            }
        }
        Some((pages, first?, range.len()))
    }

    fn words(&self, hole: Hole, lacking: &[Lacking]) -> Option<String> {
        let worst = lacking.iter().rev().max_by_key(|it| it.pages)?;
        let is = match hole {
            Hole::Missing => "is missing",
            Hole::NotANumber | Hole::OfNothing => "is NaN",
            Hole::Infinite => "is infinite",
        };
        let others = match lacking.len() - 1 {
            0 => String::new(),
            1 => " (and 1 more series)".to_owned(),
            count => format!(" (and {count} more series)"),
        };
        let Lacking { series: name, pages, first, of } = worst;
        let (when, noun) = (time(self.pages.instants[*first]), self.pages.noun());
        let target = series(self.labels);
        Some(format!("{name} {is} in {pages} of {of} {noun}, first at {when}{others}{target}"))
    }

    /// The series, without what its target says.
    fn name(&self, used: &Used<'_>) -> String {
        let mut labels = used.series.labels.clone();
        labels.retain(|name| self.labels.get(name).is_empty());
        let others = series(&labels);
        format!("{}{}", labels.metric_name(), others.trim_start())
    }

    /// Adds to each query the pages that it looks at, and those that brought it whole.
    fn cover(&self, coverage: &mut [(u32, u32)]) {
        let count = self.pages.instants.len();
        let mut queries: BTreeMap<usize, (Use, Counts, Counts)> = BTreeMap::new();
        for (used, walk) in self.used.iter().zip(&self.walks) {
            let Some(walk) = walk else { continue };
            for by in &used.by {
                let new = || (*by, Counts::new(count), Counts::new(count));
                let (widest, numbers, holes) = queries.entry(by.query).or_insert_with(new);
                *widest = widest.wider(*by);
                numbers.add(walk.first..count, 1);
                for run in &walk.runs {
                    numbers.add(run.from..run.to, -1);
                    if run.hole != Hole::OfNothing {
                        holes.add(run.from..run.to, 1);
                    }
                }
            }
        }
        for (query, (by, numbers, holes)) in queries {
            let range = self.seen_by(&by);
            let pages = numbers.totals().into_iter().zip(holes.totals());
            let whole = pages.skip(range.start).take(range.len());
            let whole = whole.filter(|(numbers, holes)| *numbers > 0 && *holes == 0).count();
            coverage[query].0 += u32::try_from(whole).unwrap_or(u32::MAX);
            coverage[query].1 += u32::try_from(range.len()).unwrap_or(u32::MAX);
        }
    }
}

/// A series that lacks something.
struct Lacking {
    series: String,
    /// In so many pages.
    pages: usize,
    /// The number of the first of them.
    first: usize,
    /// Of so many.
    of: usize,
}

/// Counts of each page, changed for many of them at once.
struct Counts(Vec<i32>);

impl Counts {
    fn new(pages: usize) -> Self {
        Self(vec![0; pages + 1])
    }

    fn add(&mut self, pages: Range<usize>, change: i32) {
        self.0[pages.start] += change;
        self.0[pages.end] -= change;
    }

    /// The count of each page.
    fn totals(mut self) -> Vec<i32> {
        self.0.pop();
        let mut total = 0;
        for count in &mut self.0 {
            total += *count;
            *count = total;
        }
        self.0
    }
}
