//! What types say of series, and which series are not the page's to name.

use super::*;

#[test]
fn bounds_and_quantiles_are_stored_as_prometheus_3_stores_them() {
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1e-5\"} 1\n\
                h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"many\"} 1\nh_sum{quantile=\"1\"} 1\n\
                # TYPE s summary\ns{quantile=\"0\"} 1\ns{quantile=\"0.50\",le=\"1\"} 1\n\
                # TYPE g gauge\ng_bucket{le=\"1\"} 1\ng{quantile=\"1\"} 1\n";
    let expected = [
        "h_bucket{le=\"1.0\"}",
        "h_bucket{le=\"1e-05\"}",
        "h_bucket{le=\"+Inf\"}",
        "h_bucket{le=\"many\"}",
        "h_sum{quantile=\"1\"}",
        "s{quantile=\"0.0\"}",
        "s{le=\"1\", quantile=\"0.5\"}",
        "g_bucket{le=\"1\"}",
        "g{quantile=\"1\"}",
    ];
    let recorded = text.replace("} 1\n", "} 1 7\n");
    for (format, text, recorded) in [
        (Format::Prometheus, text.to_owned(), recorded.clone()),
        (Format::OpenMetrics, format!("{text}# EOF\n"), format!("{recorded}# EOF\n")),
    ] {
        for read in [page(text, format).unwrap(), recording(&recorded, format).unwrap()] {
            let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }
    let untyped = page("h_bucket{le=\"1\"} 1\n", Format::Prometheus).unwrap();
    assert_eq!(untyped[0].0, "h_bucket{le=\"1\"}", "as Prometheus has it without a type");
}

#[test]
fn types_say_what_accumulates() {
    let text = "# TYPE h histogram\nh_bucket 1\nh_sum 1\nh_count 1\nh_created 1\n\
                # TYPE s summary\ns 1\ns_sum 1\n# TYPE calls counter\ncalls 1\ncalls_per_s 1\n\
                # TYPE c counter\nc_total 1\nc_created 1\n# TYPE size_total gauge\nsize_total 1\n\
                # TYPE u untyped\nu_sum 1\nu 1\n# TYPE other gauge\nfree_total 1\n";
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: Some(7), target: &target };
    Reader::new().read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).unwrap();
    for (name, is_cumulative, declared) in [
        ("h_bucket", true, None),
        ("h_sum", true, None),
        ("h_count", true, None),
        ("h_created", false, None),
        ("s", false, None),
        ("s_sum", true, None),
        ("calls", true, Some(true)),
        ("calls_per_s", false, None),
        ("c_total", true, None),
        ("c_created", false, None),
        ("size_total", false, Some(false)),
        ("u_sum", true, None),
        ("u", false, None),
        ("free_total", true, None),
    ] {
        let found = (storage.is_cumulative(name), storage.declared(name));
        assert_eq!(found, (is_cumulative, declared), "{name}");
    }
    let mut written = Vec::new();
    write(&storage, &mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    let types: Vec<_> = written.lines().filter(|line| line.contains("TYPE")).collect();
    assert_eq!(types, ["# TYPE calls counter", "# TYPE size_total gauge"]);
    let mut again = Storage::default();
    let context = Context { at: None, target: &target };
    let read =
        Reader::new().read_recording(written.as_bytes(), Format::OpenMetrics, &context, &mut again);
    assert_eq!(read.unwrap().timestamped, 14);
    assert!(again.is_cumulative("calls") && !again.is_cumulative("size_total"));
}

#[test]
fn series_of_the_caller_are_not_mixed_up_with_those_of_the_page() {
    let target: Labels = [("instance", "a:1"), ("job", "api")].into();
    for (target, plain) in [(target, "instance=\"a:1\", job=\"api\""), (Labels::new(), "")] {
        let mut storage = Storage::default();
        let context = Context { at: Some(7), target: &target };
        let text = "up 0\nup{component=\"db\"} 0\nscrape_duration_seconds 9\nlag 1\n";
        let mut reader = Reader::reserving(&["up", "scrape_duration_seconds"]);
        reader.read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).unwrap();
        let named = |name: &str| {
            let labels = target.iter().chain([("__name__", name)]).collect();
            storage.find(&labels).is_some()
        };
        assert!(!named("up") && !named("scrape_duration_seconds"), "{plain}");
        assert!(named("exported_up") && named("exported_scrape_duration_seconds"), "{plain}");
        assert!(named("lag"));
        let own = storage.of_metric(Some("up")).map(|series| series.labels.to_string());
        assert!(own.collect::<String>().contains("component=\"db\""));
    }
}
