//! The page: what is read first, what is said of each service, and that nothing unseen looks calm.

use auditor::engine::Verdict;
use auditor::watch::View;

use super::{DAY, HOUR, MINUTE, Service, Staging, ago, audits, entry, page_of, report};
use crate::html::check_page;
use jiff::Timestamp;

/// The part of the page about a service.
fn part<'a>(page: &'a str, name: &str) -> &'a str {
    let mut parts = page.split("<article").skip(1);
    let heading = format!("<h3>{name} <span");
    let part = parts.find(|it| it.contains(&heading)).unwrap_or_else(|| panic!("{name}: {page}"));
    part.split("</article>").next().unwrap()
}

/// A watcher of one service.
fn alone(service: Service) -> Staging {
    Staging { services: vec![service], alerts: Vec::new(), last_check: Some(ago(MINUTE)) }
}

#[test]
fn the_page_is_as_it_was() {
    check_page("watch", &Staging::new().page());
}

#[test]
fn the_worst_is_read_first() {
    let page = Staging::new().page();
    assert!(page.contains("<title>1 OF 5 FAILS · auditor</title>"), "{page}");
    assert!(page.contains("Of 5 services: 1 fails, 3 have no verdict, 1 passes."), "{page}");
    let place = |name: &str| page.find(&format!("<h3>{name} <span")).unwrap();
    assert!(place("checkout") < place("search") && place("search") < place("api"));
    let alerts = page.split("<h2>Alerts</h2>").nth(1).unwrap();
    assert!(alerts.find("critical").unwrap() < alerts.find("warning").unwrap());
    assert!(
        page.contains(r#"<meta http-equiv="refresh" content="60">"#) && !page.contains("<script")
    );
}

#[test]
fn a_sick_service_says_since_when_and_leads_to_its_report() {
    let staging = Staging::new();
    let page = staging.page();
    let checkout = part(&page, "checkout");
    let first = ago(3 * HOUR + 17 * MINUTE);
    assert!(checkout.contains(&format!("{} UTC", &first.to_string()[11..19])), "{checkout}");
    assert!(checkout.contains("(3 h 17 min ago)"), "{checkout}");
    let newest = staging.services[1].entries.last().unwrap().at.to_string().replace(':', "%3A");
    assert!(checkout.contains(&format!("href=\"report/checkout?at={newest}\"")), "{checkout}");
    assert!(!checkout.contains("or earlier"), "it was well before");
    let api = part(&page, "api");
    assert!(api.contains("or earlier"), "the history begins with it: {api}");
    assert!(api.contains("never, as far back as the history goes"), "{api}");
}

#[test]
fn what_was_not_audited_does_not_look_calm() {
    let page = Staging::new().page();
    let billing = part(&page, "billing");
    assert!(billing.contains("NOT AUDITED") && billing.contains("connection refused"), "{billing}");
    assert!(billing.contains("2 files of its history") && billing.contains("1 report could not"));
    let mailer = part(&page, "mailer");
    assert!(mailer.contains("NO AUDIT YET") && mailer.contains("neither good nor bad"), "{mailer}");
    // Nothing of them says how they are: neither a status nor a score.
    for part in [billing, mailer] {
        assert!(!part.contains("HEALTHY<") && !part.contains("<dt>Score</dt>"), "{part}");
    }
}

#[test]
fn a_pass_of_long_ago_is_no_pass() {
    let calm = report("passes");
    let entries = audits(&calm, 5 * HOUR, 16 * MINUTE);
    let page = alone(Service::new("api", entries, Some(calm))).page();
    assert!(page.contains("<title>NO VERDICT · auditor</title>"), "{page}");
    let api = part(&page, "api");
    assert!(api.contains("LATE") && api.contains("The newest audit is of 16 min ago"), "{api}");
    assert!(page.contains("None so far; not every service was audited."), "{page}");
}

#[test]
fn every_state_of_a_watcher_has_its_words() {
    let calm = report("passes");
    let well = || Service::new("api", audits(&calm, HOUR, MINUTE), Some(calm.clone()));
    let page = alone(well()).page();
    assert!(page.contains("<title>PASS · auditor</title>"), "{page}");
    assert!(page.contains("Nothing stands against any service."));
    let staging = alone(well());
    let view = View { is_under_way: true, last_check: None, ..staging.view() };
    let page = page_of(&view);
    assert!(page.contains("none has ended yet") && page.contains("under way"), "{page}");
    let nobody = Staging { services: Vec::new(), alerts: Vec::new(), last_check: None };
    let page = nobody.page();
    assert!(page.contains("NOTHING IS WATCHED") && !page.contains("PASS"), "{page}");
}

/// A month of audits in as many points as a page can show: a single failure among them is there.
#[test]
fn of_8640_audits_the_one_that_failed_is_drawn() {
    let calm = report("passes");
    let mut entries = audits(&calm, 30 * DAY, MINUTE);
    assert_eq!(entries.len(), 8640);
    let draw = |entries: &[_]| {
        let page = alone(Service::new("api", entries.to_vec(), Some(calm.clone()))).page();
        let bars = page.matches("<rect class=\"bad\"").count();
        assert!(page.len() < 60_000, "{} bytes", page.len());
        (bars, page.contains("class=\"line over\""))
    };
    assert_eq!(draw(&entries), (0, false));
    let at = entries[1234].at;
    entries[1234] = entry(&report("starved"), at);
    assert_eq!(draw(&entries), (1, true));
    entries[1234].score = None;
    assert_eq!(draw(&entries), (1, true), "its stretch has a score of the others");
}

/// Where audits are missing, nothing is drawn that could be taken for one.
#[test]
fn a_gap_is_hatched() {
    let calm = report("passes");
    let holes = |entries: Vec<_>| {
        let page = alone(Service::new("api", entries, Some(calm.clone()))).page();
        page.matches("<rect class=\"hole\"").count()
    };
    assert_eq!(holes(audits(&calm, 5 * HOUR, MINUTE)), 0);
    // A round more or less is no gap.
    let mut entries = audits(&calm, 5 * HOUR, MINUTE);
    entries.remove(30);
    assert_eq!(holes(entries), 0);
    let gap = [audits(&calm, 5 * HOUR, 3 * HOUR), audits(&calm, 2 * HOUR, MINUTE)].concat();
    assert_eq!(holes(gap), 2, "of the score, and of the verdicts");
    assert_eq!(holes(audits(&calm, 5 * HOUR, HOUR)), 2, "since the newest");
}

/// Clocks that were wrong, one audit alone, several at the same time: whatever there is, is shown.
#[test]
fn odd_times_are_shown() {
    let calm = report("passes");
    let at = |seconds: &[i64]| seconds.iter().map(|it| entry(&calm, ago(*it))).collect::<Vec<_>>();
    for times in
        [&[0][..], &[5, 5, 5], &[-DAY], &[HOUR, -400 * DAY], &[50 * 365 * DAY, 0], &[0, HOUR, 0]]
    {
        let page = alone(Service::new("api", at(times), Some(calm.clone()))).page();
        assert!(!page.contains("NaN") && !page.contains("inf\""), "{times:?}");
        assert!(part(&page, "api").contains("<rect class=\"good\""), "{times:?}");
    }
    let ahead = alone(Service::new("api", at(&[-DAY]), Some(calm.clone()))).page();
    assert!(part(&ahead, "api").contains("The newest audit is of 1 d ahead of now"), "{ahead}");
    let ends = [Timestamp::MIN, Timestamp::MAX];
    let entries = ends.map(|at| entry(&calm, at)).to_vec();
    assert!(alone(Service::new("api", entries, None)).page().contains("LATE"));
}

#[test]
fn hostile_words_are_words() {
    const HOSTILE: &str = "</title></style><script>alert(1)</script>\"'><img src=x>\u{202e}&amp;\n";
    let mut staging = Staging::new();
    for alert in &mut staging.alerts {
        alert.title = HOSTILE.to_owned();
        alert.detail = HOSTILE.to_owned();
        alert.service = HOSTILE.to_owned();
        alert.detected_at = HOSTILE.to_owned();
    }
    for service in &mut staging.services {
        service.name = HOSTILE;
        for entry in &mut service.entries {
            entry.reason = HOSTILE.into();
        }
        if let Some((why, _)) = &mut service.not_audited {
            *why = HOSTILE.repeat(1000);
        }
    }
    let page = staging.page();
    for mark in ["<script", "<img", "\u{202e}"] {
        assert!(!page.contains(mark), "{mark}");
    }
    assert_eq!(page.matches('<').count(), page.matches('>').count());
    assert_eq!(page.matches("</style>").count(), 1);
    let links = page.split("href=\"").skip(1).map(|it| it.split('"').next().unwrap());
    for link in links.filter(|it| it.starts_with("report/")) {
        assert!(link.starts_with("report/%3C%2Ftitle%3E"), "{link}");
    }
    assert!(page.len() < 120_000, "{} bytes", page.len());
}

/// An audit without a score, as of logs: the verdicts are there all the same.
#[test]
fn without_a_score_the_verdicts_are_drawn() {
    let mut calm = entry(&report("passes"), ago(MINUTE));
    calm.score = None;
    calm.verdict = Verdict::CommandFailed;
    let page = alone(Service::new("api", vec![calm], None)).page();
    assert!(page.contains("No score is known of any audit."), "{page}");
    assert!(page.contains("<rect class=\"bad\""), "{page}");
}
