use super::prose::{RUNTIMES, summary};
use super::*;
use crate::engine::BACKLOG;
use crate::model::built_in::BUILT_IN;
use crate::model::level::Gate;
use crate::model::level::Levels;
use crate::model::quantity::number;
use crate::model::signal::OnMissing;
use crate::model::weights::SCORE as WEIGHTS;
use crate::wrap::WIDTH;

/// A text without its line breaks: a fact may go over the end of a line.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_topic_has_a_text_that_fits_a_log() {
    for topic in Topic::all() {
        let name = topic.name();
        assert!(summary(topic).is_some(), "no section for {name}");
        let text = topic.text();
        let lines = text.lines().count();
        assert!((15..=40).contains(&lines), "{name}: {lines} lines\n{text}");
        let wide = text.lines().find(|line| line.chars().count() > WIDTH);
        assert_eq!(wide, None, "{name}");
        assert!(text.is_ascii(), "{name}");
        assert!(!text.contains("{{"), "{name}: a number is missing\n{text}");
        let says_what_to_do = text.contains("What to do:") || text.contains("to do ");
        assert!(says_what_to_do, "{name}:\n{text}");
    }
}

/// What a report names can be looked up: the tables say what there is.
#[test]
fn every_word_of_the_report_is_a_topic() {
    let mut names: Vec<&str> = Mode::all().iter().map(|mode| mode.name).collect();
    names.extend(Signal::all().map(Signal::key));
    names.extend(Status::ALL.map(Status::name));
    names.extend(Verdict::ALL.map(Verdict::name));
    names.extend(Exit::ALL.map(Exit::digit));
    names.extend(BUILT_IN.iter().flat_map(|check| [check.id, check.threshold]));
    names.extend(RULES.iter().map(|def| def.key));
    names.extend(Level::ALL.iter().flat_map(|(name, level)| [name, level.threshold()]));
    names.extend([LATE_SCRAPE, check::SECTION, baseline::SECTION, "baseline.score"]);
    for name in names {
        let text = explain(name).unwrap();
        let spelt = name.to_uppercase().replace('_', "-");
        assert_eq!(explain(&spelt).unwrap(), text, "{name}");
    }
}

/// The lists that topics are made of are whole: what they leave out has the same name as nothing.
#[test]
fn the_lists_are_whole() {
    for (index, verdict) in Verdict::ALL.into_iter().enumerate() {
        assert_eq!(verdict as usize, index);
        assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
    }
    for (index, status) in Status::ALL.into_iter().enumerate() {
        assert_eq!(status as usize, index);
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
    for (index, exit) in Exit::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(exit.code()), index);
        assert_eq!(exit.digit(), exit.code().to_string());
    }
    // As the last variants, these are the numbers of all.
    assert_eq!(Verdict::Fail as usize + 1, Verdict::ALL.len());
    assert_eq!(Status::Inconclusive as usize + 1, Status::ALL.len());
    assert_eq!(usize::from(Exit::NoVerdict.code()) + 1, Exit::ALL.len());
}

#[test]
fn every_mode_and_signal_is_explained_for_every_runtime() {
    let modes = Mode::all().iter().map(Topic::Mode);
    for topic in modes.chain(Signal::all().map(Topic::Signal)) {
        let text = topic.text();
        for runtime in RUNTIMES {
            let begins = format!("\n- {runtime}: ");
            assert_eq!(text.matches(&begins).count(), 1, "{} lacks {runtime}", topic.name());
        }
    }
}

#[test]
fn modes_and_signals_have_the_facts_of_the_tables() {
    for mode in Mode::all() {
        let text = flat(&Topic::Mode(mode).text());
        assert!(text.contains(mode.severity.name()), "{text}");
        for check in BUILT_IN.iter().filter(|check| mode.checks.contains(&check.id)) {
            let (limit, unit) = (number(check.default), check.signal.unit());
            let fact = format!("{} is above {limit} {unit} ({})", check.id, check.threshold);
            assert!(text.contains(&fact), "{fact}: {text}");
        }
    }
    for signal in Signal::all() {
        let (def, text) = (signal.def(), flat(&Topic::Signal(signal).text()));
        assert!(text.contains(&format!("{}, in {}", def.description, def.unit)), "{text}");
        assert_eq!(text.contains("or --probe;"), Signal::OF_THE_LOOP.contains(&signal));
        assert_eq!(text.contains("0 where it is 0/0"), def.on_nan == OnMissing::Zero);
        let weight = WEIGHTS.iter().find(|(it, _)| *it == signal);
        let points = weight.map(|(_, weight)| format!("score {} for 1 ", number(*weight)));
        let else_words =
            if BACKLOG.contains(&signal) { "score by " } else { "score no part of it" };
        assert!(text.contains(points.as_deref().unwrap_or(else_words)), "{text}");
        for check in BUILT_IN.iter().filter(|check| check.id == signal.key()) {
            let fact =
                format!("above {} {} by default (thresholds: ", number(check.default), def.unit);
            assert!(text.contains(&fact), "{text}");
        }
    }
}

#[test]
fn a_space_is_between_a_label_and_its_words() {
    for topic in Topic::all() {
        for line in facts::text(topic).lines() {
            let is_apart = line.chars().nth(facts::LABELS - 1).is_none_or(|it| it == ' ');
            assert!(is_apart, "{}: {line}", topic.name());
        }
    }
}

#[test]
fn statuses_verdicts_and_codes_have_the_facts_of_the_tables() {
    let levels = Levels::default();
    for (name, level) in Level::ALL {
        let text = flat(&Topic::Status(level.status()).text());
        let fact = format!("from {} ({})", number(levels.start_of(level)), level.threshold());
        assert!(text.contains(&fact) && text.contains(&format!("--fail-on {name}")), "{text}");
    }
    let code = |verdict: Verdict| {
        let text = flat(&Topic::Verdict(verdict).text());
        text.split("exit code ").nth(1).unwrap().chars().next().unwrap()
    };
    for verdict in Verdict::ALL {
        let exit = Exit::of(verdict, Gate::at(Level::Critical));
        assert_eq!(code(verdict).to_string(), exit.digit(), "{verdict:?}");
        let text = flat(&Topic::Exit(exit).text());
        assert!(text.contains(verdict.name()), "{verdict:?}: {text}");
    }
    assert!(Topic::Exit(Exit::Usage).text().contains("nothing was audited"));
}

#[test]
fn checks_and_rules_have_the_facts_of_the_tables() {
    for check in BUILT_IN.iter().filter(|check| Signal::from_key(check.id).is_none()) {
        let text = flat(&explain(check.id).unwrap());
        let side = if check.is_max { "above" } else { "below" };
        let (limit, unit) = (number(check.default), check.signal.unit());
        let fact = format!("{} is {side} {limit} {unit} ({})", check.signal.key(), check.threshold);
        assert!(text.contains(&fact), "{fact}: {text}");
    }
    for def in &RULES {
        let text = flat(&Topic::Rule(def.rule).text());
        for fact in [def.description, def.default, def.advice] {
            assert!(text.contains(&flat(fact)), "{}: {fact}", def.key);
        }
        assert!(text.contains(&format!("evidence: {{{}: ", def.key)), "{text}");
    }
}

#[test]
fn the_prose_leads_to_topics_that_are_there() {
    for topic in Topic::all() {
        let text = flat(&topic.text());
        for rest in text.split("auditor explain ").skip(1) {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_blank = ["NAME", "RULE", "SIGNAL"].contains(&name.as_str());
            assert!(is_blank || explain(&name).is_ok(), "{}: {name}", topic.name());
        }
    }
}

#[test]
fn the_list_has_every_topic_on_a_line() {
    let list = list();
    for topic in Topic::all() {
        let line = list.lines().find(|line| {
            line.trim_start().split("  ").next() == Some(topic.name())
                && line.ends_with(topic.summary())
        });
        assert!(line.is_some_and(|line| line.chars().count() <= WIDTH), "{}\n{list}", topic.name());
    }
}

#[test]
fn a_name_of_two_topics_explains_both() {
    let text = explain("inconclusive").unwrap();
    assert!(text.contains("INCONCLUSIVE (status)") && text.contains("inconclusive (verdict)"));
}

#[test]
fn what_is_no_topic_leads_to_those_that_are_near() {
    for (name, near) in [
        ("EVENT_LOOP_STARVING", "did you mean `EVENT_LOOP_STARVATION`?"),
        ("evnt-loop-lag", "did you mean `event_loop_lag`?"),
        ("lag", "did you mean `event_loop_lag` or `latency_hides_lag`?"),
        ("4", "there is no topic `4`; `auditor explain` lists all"),
        ("", "there is no topic ``; `auditor explain` lists all"),
        ("x\ny", "there is no topic `x y`; `auditor explain` lists all"),
    ] {
        let error = explain(name).unwrap_err().to_string();
        assert!(error.contains(near), "{error}");
    }
}
