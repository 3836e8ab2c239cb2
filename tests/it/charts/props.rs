//! Whatever the data and the words: no panic, well-formed output, all coordinates inside, no text over text.

use proptest::collection::vec;
use proptest::prelude::*;
use specc::chart::{
    Axis, BarGroup, Bars, Bin, BinGroup, Categories, Chart, Difference, Estimate, Forest, Group,
    Heat, Meaning, Multiples, Panel, Plot, Reliability, Rule, Series, Shade, Slot, Spread, Strip,
    Wanted, edges, spark,
};

/// Numbers of runs, and those that break drawings.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -3.0..3.0_f64,
        2 => 0.0..1.0_f64,
        1 => -1e7..1e7_f64,
        1 => prop::sample::select(vec![
            0.0, -0.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN,
            f64::MIN_POSITIVE, 5e-324, 1e-300, -1e-12, 1e16, 1e300,
        ]),
        1 => any::<f64>(),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,12}( [a-z]{1,9}){0,3}",
        1 => "\\PC{0,90}",
        1 => any::<String>(),
        1 => Just("<a href=\"x\">&amp;</a> {\\tex}".to_owned()),
    ]
}

fn axis() -> impl Strategy<Value = Axis> {
    (
        words(),
        0..3_u8,
        any::<bool>(),
        any::<bool>(),
        prop::option::weighted(0.2, (number(), number())),
    )
        .prop_map(|(title, unit, log, zero, range)| {
            let mut axis = Axis::new(title);
            axis = match unit {
                0 => axis,
                1 => axis.percent(),
                _ => axis.count(),
            };
            axis = if log { axis.log() } else { axis };
            axis = if zero { axis.zero() } else { axis };
            range.map_or(axis.clone(), |(low, high)| axis.range(low, high))
        })
}

fn estimate() -> impl Strategy<Value = Estimate> {
    (number(), number(), prop::option::of((number(), number())))
        .prop_map(|(x, y, interval)| Estimate { x, y, interval })
}

fn spread() -> impl Strategy<Value = Spread> {
    (number(), 0..4_u8, 0..20_usize).prop_map(|(level, meaning, n)| {
        let meaning = match meaning {
            0 => Meaning::Deviation,
            1 => Meaning::Confidence(level),
            2 => Meaning::Range,
            _ => Meaning::Reading,
        };
        Spread { meaning, n }
    })
}

fn slot() -> impl Strategy<Value = Slot> {
    (0..100_usize).prop_map(Slot)
}

fn pairs(most: usize) -> impl Strategy<Value = Vec<(f64, f64)>> {
    vec((number(), number()), 0..most)
}

fn series() -> impl Strategy<Value = Series> {
    let numbers = || vec(number(), 0..20);
    let data = (vec(estimate(), 0..20), vec(pairs(9), 0..3), numbers(), numbers(), spread());
    (words(), slot(), 0..8_u8, data).prop_map(|(label, slot, kind, data)| {
        let (points, runs, values, other, spread) = data;
        let pairs = points.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>();
        match kind {
            0 => Series::line(label, slot, pairs).over(runs),
            1 => Series::band(label, slot, points, spread).over(runs),
            2 => Series::points(label, slot, points, spread),
            3 => Series::steps(label, slot, pairs),
            4 => Series::ecdf(label, slot, &values),
            5 => Series::histogram(label, slot, &values, &edges(&[&values, &other], 7)),
            6 => Series::columns(label, slot, values, other).filled(),
            _ => Series::scatter(label, slot, pairs),
        }
    })
}

fn panel() -> impl Strategy<Value = Panel> {
    let rule = (words(), number(), 0..3_u8).prop_map(|(label, value, kind)| match kind {
        0 => Rule::across(label, value),
        1 => Rule::up(label, value),
        _ => Rule::diagonal(label),
    });
    (axis(), axis(), vec(series(), 0..6), vec(rule, 0..3)).prop_map(|(x, y, series, rules)| {
        let panel = series.into_iter().fold(Panel::new(x, y), Panel::with);
        rules.into_iter().fold(panel, Panel::rule)
    })
}

fn heat() -> impl Strategy<Value = Heat> {
    let side = || (words(), vec(words(), 0..14));
    (side(), side(), axis(), any::<bool>(), vec(vec(number(), 0..14), 0..14)).prop_map(
        |(rows, columns, measure, root, values)| {
            let shade = if root { Shade::Root } else { Shade::Even };
            let [rows, columns] =
                [rows, columns].map(|(title, names)| Categories::new(title, names));
            Heat::new(rows, columns, measure, shade, values)
        },
    )
}

fn forest() -> impl Strategy<Value = Forest> {
    let wanted = prop_oneof![
        number().prop_map(Wanted::AtLeast),
        number().prop_map(Wanted::AtMost),
        (number(), number()).prop_map(|(low, high)| Wanted::Between(low, high)),
    ];
    let wanted = prop::option::of(wanted);
    let difference = (words(), slot(), number(), (number(), number()), wanted).prop_map(
        |(name, slot, value, interval, wanted)| Difference { name, slot, value, interval, wanted },
    );
    (axis(), spread(), vec(difference, 0..9))
        .prop_map(|(axis, spread, all)| Forest::new(axis, spread, all))
}

fn strip() -> impl Strategy<Value = Strip> {
    let summary = prop::option::of((estimate(), spread()));
    let group = (words(), slot(), vec(number(), 0..30), summary)
        .prop_map(|(name, slot, values, summary)| Group { name, slot, values, summary });
    (axis(), vec(group, 0..7)).prop_map(|(axis, groups)| Strip::new(axis, groups))
}

fn bars() -> impl Strategy<Value = Bars> {
    let value = (number(), prop::option::of((number(), number())));
    let group = (words(), slot(), vec(value, 0..9)).prop_map(|(label, slot, values)| BarGroup {
        label,
        slot,
        values,
    });
    (axis(), vec(words(), 0..8), vec(group, 0..5), prop::option::of(spread()))
        .prop_map(|(axis, names, groups, spread)| Bars::new(axis, names, groups, spread))
}

fn reliability() -> impl Strategy<Value = Reliability> {
    let bin = (number(), number(), number(), number(), 0..1000_usize).prop_map(
        |(low, high, confidence, accuracy, n)| Bin { low, high, confidence, accuracy, n },
    );
    let group = (words(), slot(), vec(bin, 0..9)).prop_map(|(label, slot, bins)| BinGroup {
        label,
        slot,
        bins,
    });
    vec(group, 0..4).prop_map(Reliability::new)
}

fn plot() -> impl Strategy<Value = Plot> {
    prop_oneof![
        4 => panel().prop_map(Plot::from),
        1 => vec((words(), panel()), 0..7).prop_map(|panels| Multiples::new(panels).into()),
        1 => heat().prop_map(Plot::from),
        1 => forest().prop_map(Plot::from),
        1 => strip().prop_map(Plot::from),
        1 => bars().prop_map(Plot::from),
        1 => reliability().prop_map(Plot::from),
    ]
}

proptest! {
    #[test]
    fn any_data_is_drawn((title, finding, note, plot) in (words(), words(), words(), plot())) {
        super::whole(&Chart::new(title, finding, note, plot));
    }

    #[test]
    fn any_curve_fits_in_a_line((values, width) in (vec(number(), 0..60), 0..40_usize)) {
        proptest::prop_assert!(spark(&values, width).chars().count() <= width);
    }
}
